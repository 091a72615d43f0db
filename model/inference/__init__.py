"""How the network is run: packed passes, the sampler, conditioning, caches."""
