"""Versions that are part of every render key. Raise one with any change that alters the pixels of its pictures."""

SAMPLER = "euler-empirical-mu/2"
HOSTED_SAMPLER = "bfl-api/1"
APPROXIMATION = "approximate/1"
"""Part of the key of pictures with `reuse: approximate` only."""

LONG_SCHEDULE = 12
"""The number of steps from which approximate reuse skips some."""
