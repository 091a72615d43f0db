"""The sampler's version, part of every render key: raise it with any change that alters pixels."""

SAMPLER = "euler-empirical-mu/2"
HOSTED_SAMPLER = "bfl-api/1"
APPROXIMATION = "approximate/1"
"""Of what `reuse: approximate` does: part of the render keys of pictures made so."""

LONG_SCHEDULE = 12
"""From so many steps on, approximate reuse leaves some out."""
