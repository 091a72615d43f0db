"""The training data as tensors: compositions rendered in background processes, their latents, and batches of them."""
