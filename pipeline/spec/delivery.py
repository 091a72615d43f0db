"""Delivery addresses: an S3 bucket or a folder, and the registry of the schemes that they can have."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from brandpress.model.errors import RequestError
from brandpress.pipeline.spec.messages import closest, quote
from brandpress.pipeline.spec.problem import WrongValueError

FOLDER = "file"
MAX_PREFIX_BYTES = 300
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


@dataclass(frozen=True, slots=True)
class DeliveryAddress:
    """A valid address. scheme: a key of SCHEMES. location: `bucket/prefix`, or the absolute path of a folder."""

    scheme: str
    location: str

    def __str__(self) -> str:
        return self.location if self.scheme == FOLDER else f"{self.scheme}://{self.location}"


@dataclass(frozen=True, slots=True)
class Scheme:
    """One kind of store. To add a kind, add an entry to SCHEMES and a store in `pipeline/store/`.

    form: how addresses are written, for error messages.
    parse: (address as written, folder that relative paths start from) -> location. Raises WrongValueError.
    opener: `module:callable`, location -> Store, or (location, dialect) -> Store for stores that have a dialect.
        Resolved when a store is opened: this package can't import stores.
    secret_prefixes: prefixes of the environment variables that hold the store's credentials; workers inherit them.
    """

    form: str
    parse: Callable[[str, Path], str]
    opener: str
    secret_prefixes: tuple[str, ...] = ()


def parse_address(text: str, folder: Path) -> DeliveryAddress:
    """Returns the address written as `text`; a relative path starts from `folder`. Raises WrongValueError."""
    prefix, colon, _ = text.strip().partition(":")
    scheme = prefix.lower() if colon and prefix.lower() in SCHEMES else FOLDER
    if not text or text != text.strip() or not text.isprintable():
        shown = (
            f"{quote(text)} isn't"
            if scheme == FOLDER
            else "a text with blanks around it, or unprintable characters, isn't"
        )
        raise WrongValueError(f"{shown} a delivery address", _allowed())
    return DeliveryAddress(scheme, SCHEMES[scheme].parse(text, folder))


def parse_deliver_option(text: str) -> DeliveryAddress:
    """Returns the address given with `--deliver`; a relative path starts from the working directory.

    Raises RequestError.
    """
    try:
        return parse_address(text, working_folder(text))
    except WrongValueError as error:
        raise RequestError(f"--deliver: {explain(error)}") from None


def working_folder(address: str) -> Path:
    """Returns the folder that relative addresses on the command line start from. Raises WrongValueError if `address` is
    relative and the working directory has been deleted."""
    try:
        return Path.cwd()
    except OSError:
        if address.startswith("/") or "://" in address:
            return Path("/")
        what = f"{quote(address)} is relative, and the working directory doesn't exist any more"
        raise WrongValueError(what, "change to another directory, or write the whole path") from None


def explain(error: WrongValueError) -> str:
    """Returns what is wrong, what is allowed and the suggestion in one line."""
    suggestion = f"did you mean {error.suggestion}?" if error.suggestion else ""
    return "; ".join(part for part in (error.what, error.allowed, suggestion) if part)


def _allowed() -> str:
    return "allowed: " + ", or ".join(scheme.form for scheme in SCHEMES.values())


def _parse_s3(text: str, folder: Path) -> str:
    rest = text.removeprefix("s3://") if text.startswith("s3://") else text[3:].lstrip("/")
    bucket, _, prefix = rest.partition("/")
    if "@" in bucket or ":" in bucket:  # first, since all other messages quote the address; a secret can have slashes
        raise WrongValueError(
            "an address must not contain credentials", "set the usual AWS environment variables, or AWS_PROFILE"
        )
    if not text.startswith("s3://"):
        raise WrongValueError(f"{quote(text)} isn't an address", _allowed(), quote(f"s3://{rest}"))
    if not _BUCKET.fullmatch(bucket) or ".." in bucket:
        raise WrongValueError(
            f"{quote(bucket)} isn't a valid bucket name",
            "allowed: 3 to 63 lowercase letters, digits, '-' and '.'",
            quote(bucket.lower()) if _BUCKET.fullmatch(bucket.lower()) else "",
        )
    prefix = prefix.rstrip("/")
    for segment in prefix.split("/") if prefix else ():
        if segment in ("", ".", ".."):
            raise WrongValueError(
                f"the prefix {quote(prefix)} has a segment {quote(segment)}", "allowed: s3://bucket/one/two"
            )
    size = len(prefix.encode())
    if size > MAX_PREFIX_BYTES:
        raise WrongValueError(
            f"the prefix {quote(prefix)} is {size:,} bytes long (in UTF-8)",
            f"allowed: at most {MAX_PREFIX_BYTES} bytes; accented letters have 2, most other scripts 3 per character",
        )
    if re.search(r"[?#\\%]", prefix):
        raise WrongValueError(
            f"{quote(prefix)} isn't a valid prefix",
            f"allowed: at most {MAX_PREFIX_BYTES} characters (bytes in UTF-8), without '?', '#', '%' and '\\'",
        )
    return f"{bucket}/{prefix}" if prefix else bucket


def _parse_folder(text: str, folder: Path) -> str:
    scheme = re.match(r"([a-zA-Z][a-zA-Z0-9+.-]*):/", text)
    if scheme and len(scheme[1]) > 1:
        close = closest(scheme[1], SCHEMES.keys() - {FOLDER})
        raise WrongValueError(
            f"{quote(scheme[1] + '://')} isn't a kind of store", _allowed(), close and f"'{close[1:-1]}://'"
        )
    if re.match(r"[a-zA-Z]:", text) or "\\" in text:
        raise WrongValueError(f"{quote(text)} is a Windows path", _allowed() + ", with '/'")
    if text.startswith("~"):
        raise WrongValueError(
            f"'~' isn't expanded in {quote(text)}",
            "write the whole path",
            _expanded(text) if text[1:2] in ("", "/") else "",
        )
    path = Path(os.path.normpath(folder.absolute() / text))
    file = _file_in(path)
    if file is not None:
        below = "" if file == path else f" is below {quote(file.name)}, which"
        raise WrongValueError(f"{quote(text)}{below} is a file", "name a folder")
    return str(path)


def _expanded(text: str) -> str:
    try:
        return quote(Path(text).expanduser())
    except RuntimeError:  # nobody knows this user's home
        return ""


def _file_in(path: Path) -> Path | None:
    """Returns the file at `path`, or the one among its parents; None if only folders are in the way."""
    for place in (path, *path.parents):
        try:
            if place.is_dir():
                return None
            if place.exists():
                return place
        except OSError:  # not readable: the store reports it when it's opened
            return None
    return None


SCHEMES: Mapping[str, Scheme] = {
    "s3": Scheme("s3://bucket/prefix", _parse_s3, "brandpress.pipeline.store.s3:open_bucket", ("AWS_",)),
    FOLDER: Scheme("a folder", _parse_folder, "brandpress.pipeline.store.local:LocalStore"),
}
