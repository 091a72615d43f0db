"""A reference picture: a file that lies below its brand spec (or on the net, see `remote`), is whole, and that the
model can take."""

from __future__ import annotations

import hashlib
import re
import stat
import warnings
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image

from brandpress.model.request import MAX_ASPECT, MIN_REFERENCE_SIDE
from brandpress.pipeline.spec.messages import closest, quote
from brandpress.pipeline.spec.problem import WrongValueError
from brandpress.pipeline.spec.remote import fetch, is_address

MAX_FILE_BYTES = 64 * 1_048_576
MAX_PICTURE_PIXELS = 100_000_000
FORMATS = ("PNG", "JPEG", "WEBP")
FORMAT_RULE = "allowed: PNG, JPEG or WebP"

_PATH_RULE = "allowed: a path like references/mug.png, below the folder of the brand spec"


@dataclass(frozen=True, slots=True)
class Picture:
    """`file` as the brand spec writes it, `path` where it lies, `sha256` of the file, its size in pixels, and whether
    any of them isn't opaque."""

    file: str
    path: Path
    sha256: str
    width: int
    height: int
    transparent: bool = False


def locate(file: str, folder: Path) -> Path:
    """Where a reference picture lies, links followed. Raises WrongValueError for a path that leaves the folder, by
    itself or through a link."""
    if not file or file != file.strip() or not file.isprintable():
        raise WrongValueError(f"{quote(file)} isn't a path", _PATH_RULE)
    if "\\" in file or re.match(r"[a-zA-Z]:", file):
        meant = quote(file.replace("\\", "/")) if not re.match(r"[a-zA-Z]:", file) else ""
        raise WrongValueError(f"{quote(file)} is a Windows path", _PATH_RULE + ", with '/'", meant)
    if file.startswith(("/", "~")):
        raise WrongValueError(f"{quote(file)} leaves the folder of the brand spec", _PATH_RULE)
    if ".." in file.split("/"):
        raise WrongValueError(f"{quote(file)} leaves the folder of the brand spec by '..'", _PATH_RULE)
    try:
        path = (folder / file).resolve()
        inside = path.is_relative_to(folder.resolve())
    except (OSError, RuntimeError):
        raise WrongValueError(f"{quote(file)} is a link that leads to itself", _PATH_RULE) from None
    if not inside:
        raise WrongValueError(f"{quote(file)} leaves the folder of the brand spec by a link", _PATH_RULE)
    return path


def inspect(file: str, folder: Path) -> Picture:
    """The picture at a path below a folder, read whole and decoded once. Raises WrongValueError with what to do about
    it."""
    path = fetch(file, MAX_FILE_BYTES) if is_address(file) else locate(file, folder)
    content = _content(file, path)
    (width, height), transparent = _decode(file, content)
    if min(width, height) < MIN_REFERENCE_SIDE:
        what = f"the picture {quote(file)} is {width}x{height} pixels: too small"
        raise WrongValueError(what, f"allowed: at least {MIN_REFERENCE_SIDE} pixels a side")
    if max(width, height) > MAX_ASPECT * min(width, height):
        what = f"the picture {quote(file)} is {width}x{height} pixels: too long"
        raise WrongValueError(what, f"allowed: a shape of at most {MAX_ASPECT}:1; crop it")
    return Picture(file, path, hashlib.sha256(content).hexdigest(), width, height, transparent)


def _content(file: str, path: Path) -> bytes:
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise WrongValueError(
                f"{quote(file)} isn't a file" + (" but a folder" if stat.S_ISDIR(found.st_mode) else ""), FORMAT_RULE
            )
        with path.open("rb") as opened:
            content = opened.read(min(found.st_size, MAX_FILE_BYTES) + 1)  # takes memory for as much as it's asked for
    except (FileNotFoundError, NotADirectoryError):
        raise WrongValueError(f"there is no picture {quote(file)}", "", _neighbour(path)) from None
    except OSError as error:
        raise WrongValueError(f"the picture {quote(file)} can't be read: {error.strerror or error}") from None
    if len(content) > MAX_FILE_BYTES:
        what = f"the picture {quote(file)} is a file of more than {MAX_FILE_BYTES // 1_048_576} MiB"
        raise WrongValueError(what, f"allowed: at most {MAX_FILE_BYTES // 1_048_576} MiB")
    return content


def _decode(file: str, content: bytes) -> tuple[tuple[int, int], bool]:
    """The size, and whether it's transparent anywhere."""
    too_many = WrongValueError(
        f"the picture {quote(file)} has more than {MAX_PICTURE_PIXELS:,} pixels",
        f"allowed: at most {MAX_PICTURE_PIXELS:,}; make it smaller",
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's own warning about large pictures: the limit here is ours
            picture = Image.open(BytesIO(content), formats=FORMATS)
    except Image.DecompressionBombError:
        raise too_many from None
    except Exception:  # Pillow's readers raise many kinds on hostile files
        raise WrongValueError(f"{quote(file)} isn't a picture that can be read", f"{FORMAT_RULE}, whole") from None
    with picture:
        if picture.width * picture.height > MAX_PICTURE_PIXELS:
            raise too_many
        # A phone's JPEG with an extra preview is an MPO; its first frame is the picture.
        if picture.format != "MPO" and getattr(picture, "n_frames", 1) > 1:
            raise WrongValueError(f"the picture {quote(file)} is an animation", "allowed: one frame")
        try:
            picture.load()
        except Exception as error:  # as above
            what = f"the picture {quote(file)} is broken: {str(error) or type(error).__name__}"
            raise WrongValueError(what, "save it again") from None
        return picture.size, is_transparent(picture)


def is_transparent(picture: Image.Image) -> bool:
    """Whether a picture that is loaded has a pixel that isn't opaque."""
    if not picture.has_transparency_data:
        return False
    bands = picture if "A" in picture.getbands() else picture.convert("RGBA")
    return any(bands.getchannel("A").histogram()[:255])


def _neighbour(path: Path) -> str:
    """The name in the same folder that is most like a missing one."""
    try:
        names = sorted(entry.name for entry in path.parent.iterdir())[:1000]
    except OSError:
        return ""
    return closest(path.name, names)
