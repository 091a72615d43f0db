"""Variants -> pictures, on Ray: a driver that distributes work, and workers that hold a model."""
