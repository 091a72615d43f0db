"""Runs the network: packed passes, the sampler, conditioning, caches."""
