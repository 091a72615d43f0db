"""Benchmarks against diffusers: `python -m tests.bench`."""
