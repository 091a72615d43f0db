"""Variants -> pictures, on Ray: a driver that hands out work, and workers that hold a model."""
