"""Who decides about pictures, why, and when."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from datetime import UTC, datetime

from brandpress.model.errors import RequestError
from brandpress.model.redaction import redacted
from brandpress.pipeline.spec.delivery import explain
from brandpress.pipeline.spec.fields import plain_text
from brandpress.pipeline.spec.problem import WrongValueError

MAX_BY = 200
MAX_REASON = 2_000


@dataclass(frozen=True, slots=True)
class Author:
    """by: who decides. reason: may be empty. at: when, to the millisecond."""

    by: str
    reason: str
    at: datetime

    @classmethod
    def of(cls, by: str | None, reason: str | None) -> Author:
        """Returns the author of decisions made now. by: default: the user's name. What looks like a credential is
        removed. Raises RequestError for texts that are empty, too long or have control characters."""
        name = _user_name() if by is None else _checked("--by", by, MAX_BY)
        why = "" if reason is None else _checked("--reason", reason, MAX_REASON)
        return cls(redacted(name), redacted(why), now())


def now() -> datetime:
    """Returns the current time to the millisecond."""
    time = datetime.now(UTC)
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def _checked(option: str, text: str, limit: int) -> str:
    try:
        return plain_text(text, limit)
    except WrongValueError as error:
        raise RequestError(f"{option}: {explain(error)}") from None


def _user_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "unknown"
