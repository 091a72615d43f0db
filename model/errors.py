"""The base class of all errors of brandpress, and the errors of the model."""

from __future__ import annotations

from brandpress.model.redaction import redacted


class BrandpressError(Exception):
    """An error that the user can act on. The command line prints its message, without what looks like a credential, and
    picks the exit code by its class."""

    def __str__(self) -> str:
        return redacted(super().__str__())


class CheckpointError(BrandpressError):
    """A checkpoint is missing, incomplete, or not a FLUX.2 checkpoint."""


class WeightsChangedError(CheckpointError):
    """A model's files aren't those that were described and planned with any more."""


class RequestError(BrandpressError):
    """The model can't serve a render request (size, references, steps); names the field and what is allowed."""


class UnusablePictureError(BrandpressError):
    """The model returned something that is no picture: values that aren't finite, or one colour all over."""


class HostedError(BrandpressError):
    """A hosted tier refused a picture or failed to make it; the message says why."""


class AccountError(HostedError):
    """The key was rejected or the credits are used up; every later request fails for the same reason."""
