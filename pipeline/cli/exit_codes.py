"""The exit codes of the command line, and the one that each error class maps to."""

from __future__ import annotations

from brandpress.model.errors import BrandpressError, RequestError

OK, INVALID, WORK, BROKEN, FAILED, INTERRUPTED, PIPE_CLOSED = 0, 1, 2, 3, 4, 130, 141


def exit_code_of(error: BrandpressError) -> int:
    """The exit code for an error that ends a command: 1 for invalid input, 3 if part was delivered, otherwise 4."""
    # Imported here so that `--help` stays quick.
    from brandpress.pipeline.render.driver.outcome import StoreBlockedError
    from brandpress.pipeline.spec.problem import SpecError
    from brandpress.pipeline.store.protocol import StoreAddressError

    if isinstance(error, RequestError | SpecError | StoreAddressError):
        return INVALID
    if isinstance(error, StoreBlockedError) and error.delivered:
        return BROKEN
    return FAILED
