"""FLUX.2 as the paper and the public code have it: transformer, autoencoder, text encoders, and their kernels."""
