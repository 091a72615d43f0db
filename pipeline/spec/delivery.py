"""Where pictures are delivered to: a folder, or a bucket that speaks S3."""

from __future__ import annotations

import os
import re
from pathlib import Path

from brandpress.model.errors import RequestError
from brandpress.pipeline.spec.messages import closest, quote
from brandpress.pipeline.spec.problem import WrongValueError

_RULE = "allowed: s3://bucket/prefix, or a folder"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


def delivery_uri(text: str, folder: Path) -> str:
    """What a store opens: an s3:// address as it is, without a '/' at its end, or the absolute path of a folder
    (relative ones start at `folder`). Raises WrongValueError."""
    if not text or text != text.strip() or not text.isprintable():
        raise WrongValueError(f"{quote(text)} isn't a place to deliver to", _RULE)
    scheme = re.match(r"([a-zA-Z][a-zA-Z0-9+.-]*):/", text)
    if text.lower().startswith("s3:"):
        return _s3(text)
    if scheme and len(scheme[1]) > 1:
        meant = closest(scheme[1], ["s3"])
        raise WrongValueError(f"{quote(scheme[1] + '://')} isn't a kind of store", _RULE, meant and "'s3://'")
    if re.match(r"[a-zA-Z]:", text) or "\\" in text:
        raise WrongValueError(f"{quote(text)} is a Windows path", _RULE + ", with '/'")
    if text.startswith("~"):
        raise WrongValueError(
            f"'~' isn't expanded in {quote(text)}",
            "write the whole path",
            quote(Path(text).expanduser()) if text[1:2] in ("", "/") else "",
        )
    path = Path(os.path.normpath(folder.absolute() / text))
    blocking = _file_in(path)
    if blocking is not None:
        below = "" if blocking == path else f" lies below {quote(blocking.name)}, which"
        raise WrongValueError(f"{quote(text)}{below} is a file", "name a folder")
    return str(path)


def delivery_address(text: str) -> str:
    """What a store opens for an address given on the command line; a relative folder starts where the command runs.
    Raises RequestError."""
    try:
        return delivery_uri(text, Path.cwd())
    except WrongValueError as error:
        meant = f"did you mean {error.suggestion}?" if error.suggestion else ""
        raise RequestError(
            "; ".join(part for part in (f"--deliver: {error.what}", error.allowed, meant) if part)
        ) from None


def _file_in(path: Path) -> Path | None:
    """The file that stands where a folder is wanted: the path itself, or the nearest thing above it that is there."""
    for place in (path, *path.parents):
        try:
            if place.is_dir():
                return None
            if place.exists():
                return place
        except OSError:  # not ours to read: the store will say so when it's used
            return None
    return None


def _s3(text: str) -> str:
    if not text.startswith("s3://"):
        raise WrongValueError(f"{quote(text)} isn't an address", _RULE, quote("s3://" + text[3:].lstrip("/")))
    bucket, _, prefix = text[len("s3://") :].partition("/")
    if "@" in bucket:
        raise WrongValueError(
            "an address must not hold credentials", "set them as every AWS tool reads them (environment, profile)"
        )
    if not _BUCKET.fullmatch(bucket) or ".." in bucket:
        rule = "allowed: 3 to 63 small letters, digits, '-' and '.'"
        raise WrongValueError(
            f"{quote(bucket)} can't be a bucket",
            rule,
            quote(bucket.lower()) if _BUCKET.fullmatch(bucket.lower()) else "",
        )
    prefix = prefix.rstrip("/")
    for segment in prefix.split("/") if prefix else ():
        if segment in ("", ".", ".."):
            raise WrongValueError(
                f"the prefix {quote(prefix)} has a part {quote(segment)}", "allowed: s3://bucket/one/two"
            )
    if len(prefix) > 300 or re.search(r"[?#\\%]", prefix):
        raise WrongValueError(
            f"{quote(prefix)} can't be a prefix", "allowed: at most 300 characters, without '?', '#', '%' and '\\'"
        )
    return f"s3://{bucket}/{prefix}" if prefix else f"s3://{bucket}"
