"""Reads reference pictures: files below their brand spec's folder, or https addresses (see `remote`)."""

from __future__ import annotations

import hashlib
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from brandpress.model.request import MAX_ASPECT, MIN_REFERENCE_SIDE
from brandpress.pipeline.spec.decode import PictureError, decode
from brandpress.pipeline.spec.messages import quote
from brandpress.pipeline.spec.problem import WrongValueError
from brandpress.pipeline.spec.regular_file import open_regular
from brandpress.pipeline.spec.similar_path import similar_path

MAX_FILE_BYTES = 64 * 1_048_576
FORMAT_RULE = "allowed: PNG, JPEG or WebP"

_PATH_RULE = "allowed: a path like references/mug.png, below the brand spec's folder"


@dataclass(frozen=True, slots=True)
class Picture:
    """A valid reference picture.

    file: its path as the brand spec writes it. path: its absolute path. sha256: of the file. width, height: upright.
    transparent: whether any pixel isn't opaque. warnings: what the file says about its colours and isn't followed.
    """

    file: str
    path: Path
    sha256: str
    width: int
    height: int
    transparent: bool = False
    warnings: tuple[str, ...] = ()


def locate(file: str, folder: Path, rule: str = _PATH_RULE) -> Path:
    """Returns the absolute path of a reference picture or another file, with links resolved. rule: for messages, what
    is allowed. Raises WrongValueError for a path that leaves the folder, directly or through a link."""
    if not file or file != file.strip() or not file.isprintable():
        raise WrongValueError(f"{quote(file)} isn't a path", rule)
    if "\\" in file or re.match(r"[a-zA-Z]:", file):
        suggestion = quote(file.replace("\\", "/")) if not re.match(r"[a-zA-Z]:", file) else ""
        raise WrongValueError(f"{quote(file)} is a Windows path", rule + ", with '/'", suggestion)
    if file.startswith(("/", "~")):
        raise WrongValueError(f"{quote(file)} leaves the brand spec's folder", rule)
    if ".." in file.split("/"):
        raise WrongValueError(f"{quote(file)} leaves the brand spec's folder ('..')", rule)
    try:
        path = (folder / file).resolve()
        inside = path.is_relative_to(folder.resolve())
    except (OSError, RuntimeError):
        raise WrongValueError(f"{quote(file)} is a link to itself", rule) from None
    if not inside:
        raise WrongValueError(f"{quote(file)} is a link that leaves the brand spec's folder", rule)
    return path


def inspect_file(file: str, path: Path) -> Picture:
    """Returns the picture in the file at `path`, which a brand spec names `file`: a path, or an https address. Reads
    and decodes the whole file. Raises WrongValueError."""
    content = _content(file, path)
    try:
        decoded = decode(content, quote(file))
    except PictureError as error:
        raise WrongValueError(error.what, error.allowed) from None
    width, height = decoded.size
    if min(width, height) < MIN_REFERENCE_SIDE:
        what = f"the picture {quote(file)} is {width}x{height} pixels: too small"
        raise WrongValueError(what, f"allowed: at least {MIN_REFERENCE_SIDE} pixels a side")
    if max(width, height) > MAX_ASPECT * min(width, height):
        what = f"the picture {quote(file)} is {width}x{height} pixels: too narrow"
        raise WrongValueError(what, f"allowed: an aspect ratio of at most {MAX_ASPECT}:1; crop it")
    sha256, transparent = hashlib.sha256(content).hexdigest(), decoded.picture.mode == "RGBA"
    return Picture(file, path, sha256, width, height, transparent, decoded.warnings)


def _content(file: str, path: Path) -> bytes:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            what = "is a folder, not a file" if stat.S_ISDIR(status.st_mode) else "isn't a file"
            raise WrongValueError(f"{quote(file)} {what}", FORMAT_RULE)
        with open_regular(path) as opened:
            content = opened.read(min(status.st_size, MAX_FILE_BYTES) + 1)  # allocates as many bytes as it's asked for
    except (FileNotFoundError, NotADirectoryError):
        raise WrongValueError(f"there is no picture {quote(file)}", "", similar_path(file, path)) from None
    except OSError as error:
        raise WrongValueError(f"the picture {quote(file)} can't be read: {error.strerror or error}") from None
    if len(content) > MAX_FILE_BYTES:
        what = f"the picture {quote(file)} is larger than {MAX_FILE_BYTES // 1_048_576} MiB"
        raise WrongValueError(what, f"allowed: at most {MAX_FILE_BYTES // 1_048_576} MiB")
    return content
