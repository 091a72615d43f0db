"""Reads tensors from safetensors files, one at a time. No other file format is opened, in particular no pickles."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open

from brandpress.model.checkpoint.files import read_json
from brandpress.model.errors import CheckpointError

if TYPE_CHECKING:
    from torch import Tensor

COMFY_PREFIXES = ("model.diffusion_model.", "diffusion_model.")
MARKER = "comfy_quant"
SIDES = ("weight_scale", "weight_scale_2", "input_scale", "scale_weight", "scale_input", MARKER)
"""Names of the tensors that describe a quantised layer's weight; `formats` reads them."""

STATISTICS = ("running_mean", "running_var")
"""Tensors that stay in float32 for every dtype, because latents are scaled by them."""

PICKLES = (".ckpt", ".pt", ".pth", ".bin", ".pkl")
MAX_LISTED = 5
REOPEN_BYTES = 32 << 20
"""A file is mapped again after this many bytes, so that pages already read and copied don't count as this process's."""

ITEM_BYTES = {"F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2, "U16": 2}


class Weights:
    """The tensors of some files: shape, dtype and content, keyed by name without Comfy's prefix."""

    def __init__(self, files: Sequence[Path], label: str) -> None:
        """Reads the headers. label: names the files in errors. Raises CheckpointError for a file that isn't in
        safetensors format."""
        self.label = label
        self.metadata: dict[str, str] = {}
        self._places: dict[str, tuple[Path, str]] = {}
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._dtypes: dict[str, str] = {}
        self._open: dict[Path, Any] = {}
        self._read_bytes = 0
        for file in files:
            with opened(file, "np") as header:
                self.metadata |= header.metadata() or {}
                stored = list(header.keys())
                prefix = _prefix(stored)
                for name in stored:
                    part = header.get_slice(name)
                    short = name.removeprefix(prefix)
                    self._places[short] = file, name
                    self._shapes[short], self._dtypes[short] = tuple(part.get_shape()), part.get_dtype()

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
        return ITEM_BYTES.get(self._dtypes[name], 1) * math.prod(self._shapes[name])


@contextmanager
def opened(file: Path, framework: str) -> Iterator[Any]:
    """Opens a safetensors file. Raises CheckpointError; for pickles and GGUF files it says so."""
    if file.suffix.lower() in PICKLES:
        raise CheckpointError(f"{file} is a pickle, which can run code when it is opened; use a .safetensors file")
    if file.suffix.lower() == ".gguf":
        raise CheckpointError(f"{file} is a GGUF file, which isn't supported; use a .safetensors file")
    try:
        with safe_open(file, framework=framework) as handle:
            yield handle
    except (OSError, SafetensorError) as error:
        reason = f"is not a valid safetensors file: {error}" if file.exists() else "is missing"
        raise CheckpointError(f"{file} {reason}") from error


def _prefix(names: Sequence[str]) -> str:
    """Comfy's prefix of the names, "" if they have none. Bookkeeping tensors such as `scaled_fp8` can lack it."""
    for prefix in COMFY_PREFIXES:
        if any(name.startswith(prefix) for name in names):
            return prefix
    return ""


def open_weights(path: Path) -> Weights:
    """Opens the weights of a file, or of a folder: the files that its index lists, or its only file."""
    return Weights(weight_files(path) if path.is_dir() else [path], str(path))


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a folder: those that its index lists, or the only one. Raises CheckpointError."""
    indexes = sorted(folder.glob("*.safetensors.index.json"))
    if indexes:
        mapping = read_json(indexes[0]).get("weight_map")
        if not isinstance(mapping, dict):
            raise CheckpointError(f"{indexes[0]} has no weight_map, which maps tensors to files")
        names = sorted({str(name) for name in mapping.values()})
        for name in names:
            if (folder / name).parent.resolve() != folder.resolve() or not (folder / name).is_file():
                raise CheckpointError(f"{indexes[0]} names {name!r}, which is not a file in its folder")
        return [folder / name for name in names]
    files = sorted(folder.glob("*.safetensors"))
    if len(files) != 1:
        raise CheckpointError(
            f"{folder}: {len(files)} safetensors files without an index; expected one file, or an index"
        )
    return files


def listing(names: Sequence[str]) -> str:
    """The first few names, for an error."""
    return ", ".join(names[:MAX_LISTED]) + (", …" if len(names) > MAX_LISTED else "")
