"""The exit codes of the command line, and what a run's outcome and each error class map to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brandpress.model.errors import BrandpressError, RequestError

if TYPE_CHECKING:
    from brandpress.pipeline.render.driver.outcome import Outcome

OK, INVALID, WORK, BROKEN, FAILED, ANOTHER_RUN, INTERRUPTED, PIPE_CLOSED = 0, 1, 2, 3, 4, 5, 130, 141

MEANINGS = {
    OK: "done",
    INVALID: "invalid input",
    BROKEN: "incomplete",
    FAILED: "nothing could be rendered",
    ANOTHER_RUN: "another run was at work",
    INTERRUPTED: "interrupted",
}
"""What the exit codes of `render` mean, in a few words."""


def outcome_exit_code(outcome: Outcome) -> int:
    """Returns the exit code of a run: 0 if nothing failed, 3 if some variants failed or the run ended early, 4 if none
    is done.

    A run that its budget ended is like one with `--limit`, but 4 if the budget didn't suffice for one picture.
    """
    if outcome.interrupted:
        return INTERRUPTED
    if outcome.stopped_by == "budget" and not outcome.done + outcome.failed:
        return FAILED
    if not outcome.failed and not outcome.held_back and not outcome.ended_early:
        return OK
    return BROKEN if outcome.done + outcome.skipped else FAILED


def error_exit_code(error: BrandpressError) -> int:
    """Returns the exit code for an error.

    1 for invalid input, 3 if part was delivered before, 5 if another run is at work, otherwise 4.
    """
    # Imported here so that `--help` stays fast.
    from brandpress.pipeline.deliver.lease import AnotherRunError
    from brandpress.pipeline.render.driver.outcome import StoreBlockedError
    from brandpress.pipeline.spec.problem import SpecError
    from brandpress.pipeline.store.protocol import StoreAddressError

    if isinstance(error, RequestError | SpecError | StoreAddressError):
        return INVALID
    if isinstance(error, AnotherRunError):
        return ANOTHER_RUN
    if isinstance(error, StoreBlockedError) and error.delivered:
        return BROKEN
    return FAILED


def exception_exit_code(error: BaseException) -> int:
    """Returns the exit code for whatever ends a run: an error, foreseen or not, or an interruption."""
    if isinstance(error, BrandpressError):
        return error_exit_code(error)
    return FAILED if isinstance(error, Exception) else INTERRUPTED
