"""Reads tensors from safetensors files, one at a time. No other file format is opened, in particular no pickles."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open

from brandpress.model.checkpoint.files import check_inside, read_json
from brandpress.model.checkpoint.header import BITS, PICKLES, read_header
from brandpress.model.checkpoint.names import PART_NAMES, Part, names_of_part, parts_within
from brandpress.model.errors import CheckpointError

if TYPE_CHECKING:
    from torch import Tensor

MARKER = "comfy_quant"
SIDES = ("weight_scale", "weight_scale_2", "input_scale", "scale_weight", "scale_input", MARKER)
"""Names of the tensors that describe a quantised layer's weight; `formats` reads them."""

STATISTICS = ("running_mean", "running_var")
"""Tensors that stay in float32 for every dtype, because latents are scaled by them."""

MAX_LISTED = 5
REOPEN_BYTES = 32 << 20
"""A file is mapped again after this many bytes, so that pages already read and copied don't count as this process's."""


class Weights:
    """A part's tensors in some files: shape, dtype and content, keyed by name without prefix (see `names`)."""

    def __init__(self, files: Sequence[Path], label: str, part: Part = "transformer") -> None:
        """Reads the headers. label: names the files in errors. Raises CheckpointError for a file that isn't in
        safetensors format, and for an all-in-one checkpoint that lacks the part."""
        self.label, self.part = label, part
        self.metadata: dict[str, str] = {}
        self._places: dict[str, tuple[Path, str]] = {}
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._dtypes: dict[str, str] = {}
        self._open: dict[Path, Any] = {}
        self._read_bytes = 0
        for file in files:
            header = read_header(file)
            self.metadata |= header.metadata
            stored = list(header.tensors)
            _check_part(file, stored, part)
            for name, short in _names(file, stored, part):
                entry = header.tensors[name]
                self._places[short] = file, name
                self._shapes[short], self._dtypes[short] = entry.shape, entry.dtype

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def file(self, name: str) -> Path:
        """The file that holds a tensor."""
        return self._places[name][0]

    def shape(self, name: str) -> tuple[int, ...]:
        """A tensor's shape as it is stored."""
        return self._shapes[name]

    def dtype(self, name: str) -> str:
        """A tensor's dtype as safetensors names it: F32, BF16, F8_E4M3, U8…"""
        return self._dtypes[name]

    def read(self, name: str, third: int | None = None) -> Tensor:
        """Returns a tensor, or one third of its rows, on the CPU. Memory-mapped: it takes no memory until used."""
        file, stored = self._places[name]
        try:
            if self._read_bytes > REOPEN_BYTES:
                self._open.clear()
                self._read_bytes = 0
            if file not in self._open:
                self._open[file] = safe_open(file, framework="pt")
            self._read_bytes += self.bytes(name)
            if third is None:
                tensor: Tensor = self._open[file].get_tensor(stored)
            else:
                rows = self._shapes[name][0] // 3
                tensor = self._open[file].get_slice(stored)[third * rows : (third + 1) * rows]
        except (OSError, SafetensorError) as error:
            raise CheckpointError(f"{file}: {stored} can't be read: {error}") from error
        return tensor

    def close(self) -> None:
        """Close the files. Tensors that were read stay valid."""
        self._open.clear()

    def bytes(self, name: str) -> int:
        """The size of a tensor in the file, in bytes."""
        return BITS[self._dtypes[name]] * math.prod(self._shapes[name]) // 8


@contextmanager
def opened(file: Path) -> Iterator[Any]:
    """Opens a safetensors file for torch. Raises CheckpointError; for other kinds of files it says what they are."""
    read_header(file)
    try:
        with safe_open(file, framework="pt") as handle:
            yield handle
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{file} is not a valid safetensors file: {error}") from error


def parts_of_file(file: Path) -> tuple[Part, ...]:
    """Returns the parts that a file holds: more than one in an all-in-one checkpoint. Raises CheckpointError."""
    return parts_within(read_header(file).tensors) or ("transformer",)


def _check_part(file: Path, stored: Sequence[str], part: Part) -> None:
    """Raises CheckpointError for an all-in-one checkpoint without the part."""
    parts = parts_within(stored)
    if len(parts) > 1 and part not in parts:
        held = " and ".join(PART_NAMES[other] for other in parts)
        raise CheckpointError(f"{file} is an all-in-one checkpoint with {held}, but it has no {PART_NAMES[part]}")


def _names(file: Path, stored: Sequence[str], part: Part) -> list[tuple[str, str]]:
    try:
        return [(named.stored, named.short) for named in names_of_part(stored, part)]
    except CheckpointError as error:
        raise CheckpointError(f"{file}: {error}") from None


def open_weights(path: Path, part: Part = "transformer") -> Weights:
    """Opens a part's weights in a file, or in a folder: the files that its index lists, or its only file."""
    return Weights(weight_files(path) if path.is_dir() else [path], str(path), part)


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a folder: those that its index lists, or the only one.

    A folder can also have variants (`model.bf16.safetensors`, `model.safetensors.index.bf16.json`). As in diffusers,
    files without a variant are preferred; otherwise the only variant is used. Raises CheckpointError.
    """
    index = chosen_index(folder)
    if index is not None:
        return _listed_files(folder, index)
    files = sorted(folder.glob("*.safetensors"))
    plain = [file for file in files if not _is_variant(file, files)]
    if len(plain) == 1:
        check_inside(plain[0], folder.parent)
        return plain
    raise CheckpointError(_no_single_file(folder, files))


def chosen_index(folder: Path) -> Path | None:
    """The index of a folder's weights: the plain one, otherwise the only variant's; None if there is none."""
    plain = sorted(folder.glob("*.safetensors.index.json"))
    if plain:
        return plain[0]
    variants = sorted(folder.glob("*.safetensors.index.*.json"))
    if not variants or any(not _VARIANT.search(file.name) for file in folder.glob("*.safetensors")):
        return None  # a file without a variant is preferred
    if len(variants) > 1:
        raise CheckpointError(
            f"{folder} has several variants and none without: {listing([index.name for index in variants])}; keep one"
        )
    return variants[0]


_VARIANT = re.compile(r"\.[\w-]+?(?:-\d+-of-\d+)?\.safetensors$|-\d+-of-\d+\.[\w-]+\.safetensors$")
"""The end of a variant's file name: `.bf16.safetensors`, `.bf16-00001-of-00002.safetensors` and, by older versions of
diffusers, `-00001-of-00002.bf16.safetensors`."""


def _is_variant(file: Path, files: Sequence[Path]) -> bool:
    """Whether a file is a variant of another one in the same folder, which has its name without the variant."""
    if not (match := _VARIANT.search(file.name)):
        return False
    stem = file.name[: match.start()]
    return any(other.name == f"{stem}.safetensors" for other in files)


def _listed_files(folder: Path, index: Path) -> list[Path]:
    mapping = read_json(index).get("weight_map")
    if not isinstance(mapping, dict) or not mapping:
        raise CheckpointError(f"{index} has no weight_map, which maps tensors to files")
    names = sorted({str(name) for name in mapping.values()})
    for name in names:
        if (folder / name).parent.resolve() != folder.resolve() or not (folder / name).is_file():
            raise CheckpointError(f"{index} names {name!r}, which is not a file in its folder")
        check_inside(folder / name, folder.parent)
    return [folder / name for name in names]


def _no_single_file(folder: Path, files: Sequence[Path]) -> str:
    if not files:
        pickles = sorted(file.name for file in folder.glob("*") if file.suffix.lower() in PICKLES)
        if pickles:
            return (
                f"{folder}: 0 safetensors files without an index; expected one file, or an index. Its "
                f"{listing(pickles)} is never opened: a pickle can run code; use a .safetensors file"
            )
    variants = [file.name for file in files if _VARIANT.search(file.name)]
    if variants and len(variants) == len(files):
        return f"{folder} has several variants and no index: {listing(variants)}; name one of these files as the part"
    return f"{folder}: {len(files)} safetensors files without an index; expected one file, or an index"


def listing(names: Sequence[str]) -> str:
    """The first few names, for an error."""
    return ", ".join(names[:MAX_LISTED]) + (", …" if len(names) > MAX_LISTED else "")
