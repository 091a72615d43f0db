"""Reads the header of a safetensors file: names, dtypes, shapes and metadata. Imports neither torch nor numpy.

Source: the format's description in huggingface/safetensors: eight bytes with the header's length, the header as JSON,
then the tensors without gaps.
"""

from __future__ import annotations

import json
import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brandpress.model.checkpoint.files import SNIFFED_BYTES, check_regular, other_content
from brandpress.model.errors import CheckpointError

PICKLES = (".ckpt", ".pt", ".pth", ".bin", ".pkl")
MAX_HEADER_BYTES = 16 << 20
"""The format allows 100 MiB, but real headers have less than one, and reading them takes many times their size."""
MAX_DIMENSIONS = 8

BITS = {"F64": 64, "I64": 64, "U64": 64, "F32": 32, "I32": 32, "U32": 32, "F16": 16, "BF16": 16, "I16": 16, "U16": 16}
BITS |= {"F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "I8": 8, "U8": 8, "BOOL": 8}
BITS |= {"F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "C64": 64}
_SCALARS = {"F64": "<d", "F32": "<f", "F16": "<e", "I64": "<q", "I32": "<i", "I16": "<h", "I8": "<b", "U8": "<B"}
_DAMAGED = "so it is truncated, still being written or damaged; download it again"


@dataclass(frozen=True, slots=True)
class Entry:
    """A stored tensor. start: the position of its first byte in the file."""

    dtype: str
    shape: tuple[int, ...]
    start: int


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a file."""

    file: Path
    tensors: dict[str, Entry]
    metadata: dict[str, str]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shapes of all tensors by name."""
        return {name: entry.shape for name, entry in self.tensors.items()}

    def number(self, name: str) -> float | None:
        """Reads a tensor with one element; None for other dtypes and sizes. Raises CheckpointError."""
        entry = self.tensors[name]
        kind = "<f" if entry.dtype == "BF16" else _SCALARS.get(entry.dtype)
        if kind is None or math.prod(entry.shape) != 1:
            return None
        size = BITS[entry.dtype] // 8
        try:
            with self.file.open("rb") as file:
                file.seek(entry.start)
                content = file.read(size)
        except OSError as error:
            raise CheckpointError(f"{self.file} can't be read: {error.strerror}") from error
        if len(content) != size:
            return None
        return float(struct.unpack(kind, bytes(2) + content if entry.dtype == "BF16" else content)[0])


def read_header(file: Path) -> Header:
    """Reads and checks a file's header. Raises CheckpointError; for pickles, GGUF files, Git LFS pointers and web pages
    it says so."""
    check_suffix(file)
    check_regular(file)
    try:
        with file.open("rb") as opened:
            start = opened.read(8)
            length = int.from_bytes(start, "little")
            size = file.stat().st_size
            too_long = length > min(MAX_HEADER_BYTES, max(0, size - 8))
            content = start + opened.read(SNIFFED_BYTES if too_long else length)
    except OSError as error:
        raise CheckpointError(f"{file} can't be read: {error.strerror}") from error
    if reason := other_content(content):
        raise CheckpointError(f"{file} {reason}")
    if size < 8:
        raise _invalid(file, "it is empty; download it again" if not size else f"it has only {size} bytes, {_DAMAGED}")
    if too_long:
        limit = f"the {MAX_HEADER_BYTES:,} that are allowed" if size - 8 > MAX_HEADER_BYTES else f"the file, {size:,}"
        # without the length itself: of another kind of file, it would quote the first eight bytes
        raise _invalid(file, f"its header has more bytes than {limit}, {_DAMAGED}")
    try:
        value = json.loads(content[8:])
    except (ValueError, RecursionError) as error:
        raise _invalid(file, f"its header isn't JSON: {error}") from error
    if not isinstance(value, dict):
        raise _invalid(file, "its header isn't a JSON object")
    return _header(file, value, 8 + length, size)


def check_suffix(file: Path) -> None:
    """Raises CheckpointError for a pickle or a GGUF file, by its name."""
    if file.suffix.lower() in PICKLES:
        raise CheckpointError(f"{file} is a pickle, which can run code when it is opened; use a .safetensors file")
    if file.suffix.lower() == ".gguf":
        raise CheckpointError(f"{file} is a GGUF file, which isn't supported; use a .safetensors file")


def _invalid(file: Path, reason: str) -> CheckpointError:
    return CheckpointError(f"{file} is not a valid safetensors file: {reason}")


def _header(file: Path, value: dict[str, Any], start: int, size: int) -> Header:
    metadata = value.pop("__metadata__", None) or {}
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise _invalid(file, "its metadata aren't texts")
    entries: list[tuple[int, int, str, Entry]] = []
    for name, stored in value.items():
        try:
            dtype, shape, (first, last) = stored["dtype"], stored["shape"], stored["data_offsets"]
            bits = BITS[dtype]
        except (KeyError, TypeError, ValueError):
            raise _invalid(file, f"its header has no valid dtype, shape and place of {name!r}") from None
        if isinstance(shape, list) and len(shape) > MAX_DIMENSIONS:
            raise _invalid(file, f"{name!r} has {len(shape):,} dimensions; at most {MAX_DIMENSIONS} are allowed")
        numbers = [*shape, first, last] if isinstance(shape, list) else [None]
        if not all(type(number) is int and 0 <= number < 1 << 63 for number in numbers):
            raise _invalid(file, f"its header has no valid shape and place of {name!r}")
        if math.prod(shape) * bits != (last - first) * 8:
            raise _invalid(file, f"{name!r} has {last - first} bytes, which don't fit its shape {shape} in {dtype}")
        entries.append((first, last, name, Entry(dtype, tuple(shape), start + first)))
    end = 0
    for first, last, name, _ in sorted(entries, key=lambda entry: entry[:2]):
        if first != end:
            raise _invalid(file, f"{name!r} doesn't start where the tensor before it ends")
        end = last
    if start + end != size:
        raise _invalid(file, f"its header describes {start + end:,} bytes, but the file has {size:,}, {_DAMAGED}")
    return Header(file, {name: entry for _, _, name, entry in entries}, metadata)
