"""Versions that are part of render keys. Increase one with any change that alters the pixels of its pictures."""

SAMPLER = "euler-empirical-mu/4"
HOSTED_SAMPLER = "bfl-api/2"
APPROXIMATION = "approximate/1"
"""Only part of the keys of pictures with `reuse: approximate`."""

LONG_SCHEDULE = 12
"""The lowest number of steps at which approximate reuse skips some."""
