"""The driver: a queue of variants, a pool of workers, and the loop between them."""
