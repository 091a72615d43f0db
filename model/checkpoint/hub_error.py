"""Errors of the Hugging Face hub, reworded to say what to do next. Never contain a token."""

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
    """Turns any error inside the block into a CheckpointError about the repository. command: downloads it."""
    try:
        yield
    except CheckpointError:
        raise
    except Exception as error:  # the library lets errors of httpx, xet and the operating system through
        raise CheckpointError(_explanation(hub, command, error)) from error


def _explanation(hub: str, command: str, error: BaseException) -> str:
    """The message for the first error of the chain of causes that is recognised."""
    from huggingface_hub import constants
    from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, OfflineModeIsEnabled, RepositoryNotFoundError
    from huggingface_hub.file_download import repo_folder_name

    url = urlsplit(constants.ENDPOINT)
    endpoint = url._replace(netloc=url.netloc.rpartition("@")[2]).geturl()  # without user and password
    cache, folder = Path(constants.HF_HUB_CACHE), repo_folder_name(repo_id=hub, repo_type="model")
    copy = f"copy {folder} from the Hugging Face cache of a machine that has it into {cache}"
    cause: BaseException | None = error
    while cause is not None:
        error = cause
        match error:
            case GatedRepoError() if _has_token(error):
                return (
                    f"{hub} is gated and your token's account has no access: accept the licence on {SITE}/{hub} with "
                    f"that account, allow a fine-grained token to read gated repositories, and run `{command}`"
                )
            case GatedRepoError():
                return f"{hub} is gated: accept its licence on {SITE}/{hub}, set a token ({LOG_IN}) and run `{command}`"
            case HfHubHTTPError(response=response) if isinstance(error, RepositoryNotFoundError) or (
                response.status_code == 401 and not _has_token(error)
            ):
                return (
                    f"there is no repository {hub} on {endpoint}, or it is private; check the name, or set a token "
                    f"that can read it ({LOG_IN})"
                )
            case HfHubHTTPError(response=response) if response.status_code in (401, 403):
                return (
                    f"{endpoint} denied access to {hub} ({_reply(error)}); create a token that can read it on "
                    f"{SITE}/settings/tokens, set it ({LOG_IN}) and run `{command}`"
                )
            case HfHubHTTPError():
                return f"{endpoint} answered {_reply(error)} to a request for {hub}; run `{command}` again later"
            case OfflineModeIsEnabled():
                return (
                    f"{hub} is not complete in the Hugging Face cache, and HF_HUB_OFFLINE is set; unset it and run "
                    f"`{command}`, or {copy}"
                )
            case OSError(errno=errno.ENOSPC):
                return f"no space left in {cache} for {hub}; free up space, or set HF_HUB_CACHE to another disk"
            case OSError(filename=str() as file, strerror=str() as reason):
                return f"{file}: {reason}; set HF_HUB_CACHE to another folder to download {hub} to"
        cause = error.__cause__
    return (
        f"{hub} can't be downloaded from {endpoint}: {_one_line(error)}; run `{command}` with a network connection "
        f"(completed files are kept), or {copy}"
    )


def _has_token(error: HfHubHTTPError) -> bool:
    return error.response.request.headers.get("authorization") is not None


def _reply(error: HfHubHTTPError) -> str:
    status, message = error.response.status_code, error.server_message
    return f"{status}: {_one_line(message)}" if message else str(status)


def _one_line(error: object) -> str:
    """The first line of an external message, without control characters and secrets."""
    line = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
    return _SECRET.sub("…", "".join(character for character in line if character.isprintable()))
