"""FLUX.2 as in the paper and the public code: transformer, autoencoder, text encoders, and their kernels."""
