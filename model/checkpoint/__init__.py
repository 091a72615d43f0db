"""Files on disk -> weights."""
