"""What went wrong with the hub, in words that say what to do next. Never with a token in them."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from brandpress.model.errors import CheckpointError

if TYPE_CHECKING:
    from huggingface_hub.errors import HfHubHTTPError

SITE = "https://huggingface.co"
LOG_IN = "`hf auth login`, or HF_TOKEN"
_SECRET = re.compile(r"(?<=Bearer ).+|\bhf_\w{4,}")


@contextmanager
def explained(hub: str, command: str) -> Iterator[None]:
    """Errors inside of the block become CheckpointErrors about the repository. command: gets it."""
    try:
        yield
    except CheckpointError:
        raise
    except Exception as error:  # the library lets through what httpx, xet and the system raise
        raise CheckpointError(_explanation(hub, command, list(_chain(error)))) from error


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _explanation(hub: str, command: str, errors: list[BaseException]) -> str:
    from huggingface_hub import constants
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, OfflineModeIsEnabled, RepositoryNotFoundError

    endpoint, cache = _without_user(constants.ENDPOINT), Path(constants.HF_HUB_CACHE)
    copied = f"copy {_folder(hub)} from the hub's cache of a machine that has it into {cache}"
    for error in errors:
        match error:
            case GatedRepoError():
                return _gated(hub, command, _had_token(error))
            case HfHubHTTPError(response=response) if isinstance(error, RepositoryNotFoundError) or (
                response.status_code == 401 and not _had_token(error)
            ):
                return (
                    f"there is no repository {hub} on {endpoint}, or it's private; check the name, or give a token "
                    f"that may read it ({LOG_IN})"
                )
            case HfHubHTTPError(response=response) if response.status_code in (401, 403):
                return (
                    f"{endpoint} refuses {hub} ({_answer(error)}); make a token that may read it on "
                    f"{SITE}/settings/tokens, give it ({LOG_IN}) and run `{command}`"
                )
            case HfHubHTTPError():
                return f"{endpoint} answered {_answer(error)}, when asked for {hub}; run `{command}` again later"
            case OfflineModeIsEnabled():
                return (
                    f"{hub} isn't whole in the hub's cache, and HF_HUB_OFFLINE is set; unset it and run `{command}`, "
                    f"or {copied}"
                )
            case OSError(errno=errno.ENOSPC):
                return f"{cache} is full; make room, or name a folder on another disk in HF_HUB_CACHE, for {hub}"
            case OSError(filename=str() as file, strerror=str() as reason):
                return f"{file}: {reason}; HF_HUB_CACHE names another folder to download {hub} to"
    return (
        f"{hub} can't be downloaded from {endpoint}: {_plain(errors[-1])}; run `{command}` where there is a network "
        f"(files that are complete are kept), or {copied}"
    )


def _gated(hub: str, command: str, with_token: bool) -> str:
    page = f"{SITE}/{hub}"
    if not with_token:
        return f"{hub} is gated: accept its licence on {page}, give a token ({LOG_IN}) and run `{command}`"
    return (
        f"{hub} is gated, and the account of your token hasn't been let in: accept the licence on {page} as this "
        f"account, let a fine-grained token read gated repositories, and run `{command}`"
    )


def _had_token(error: HfHubHTTPError) -> bool:
    return error.response.request.headers.get("authorization") is not None


def _answer(error: HfHubHTTPError) -> str:
    status, said = error.response.status_code, error.server_message
    return f"{status}: {_plain(said)}" if said else str(status)


def _plain(error: object) -> str:
    """One line of a text from outside, without control characters and secrets."""
    line = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
    return _SECRET.sub("…", "".join(character for character in line if character.isprintable()))


def _without_user(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _folder(hub: str) -> str:
    return "--".join(("models", *hub.split("/")))
