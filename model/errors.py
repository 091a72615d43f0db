"""The base of all of brandpress's errors, and those of the model."""

from __future__ import annotations


class BrandpressError(Exception):
    """An error that a person can act on. `exit_code` is what the command line ends with."""

    exit_code = 4


class CheckpointError(BrandpressError):
    """A checkpoint that is missing, incomplete or of another kind than FLUX.2."""


class RequestError(BrandpressError):
    """A render request that the model can't serve (size, references, steps); names the field and what is allowed."""

    exit_code = 1


class HostedError(BrandpressError):
    """A hosted tier that refused or couldn't make a picture; the message says why."""
