"""The tensors of safetensors files by name, read one at a time: nothing else is ever opened, a pickle least of all."""

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
"""What may stand beside a quantised layer's weight; `formats` reads them."""

PICKLES = (".ckpt", ".pt", ".pth", ".bin", ".pkl")
SHOWN = 5
REOPEN_BYTES = 32 << 20
"""A file is mapped anew after so many bytes: what was read of it and copied no longer counts as this process's."""

ITEM_BYTES = {"F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2, "U16": 2}


class Weights:
    """Names (without a prefix of Comfy's) of the tensors in some files, with shape, dtype and content of each."""

    def __init__(self, files: Sequence[Path], label: str) -> None:
        """Reads the headers. label: what errors call the files. Raises CheckpointError for what isn't a safetensors
        file."""
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
        return self._shapes[name]

    def dtype(self, name: str) -> str:
        """As safetensors writes it: F32, BF16, F8_E4M3, U8…"""
        return self._dtypes[name]

    def read(self, name: str, third: int | None = None) -> Tensor:
        """A tensor, or one third of its rows, on the CPU; as long as it isn't touched it costs no memory."""
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
        """Let go of the files; tensors that were read stay."""
        self._open.clear()

    def bytes(self, name: str) -> int:
        """What a tensor takes in the file."""
        return ITEM_BYTES.get(self._dtypes[name], 1) * math.prod(self._shapes[name])


@contextmanager
def opened(file: Path, framework: str) -> Iterator[Any]:
    """A safetensors file, open. Raises CheckpointError, by name for pickles and GGUF."""
    if file.suffix.lower() in PICKLES:
        raise CheckpointError(f"{file} is a pickle, which can run code when it's opened; only .safetensors is read")
    if file.suffix.lower() == ".gguf":
        raise CheckpointError(f"{file} is a GGUF file; only .safetensors is read, for instance BFL's fp8 files")
    try:
        with safe_open(file, framework=framework) as handle:
            yield handle
    except (OSError, SafetensorError) as error:
        reason = f"is not a valid safetensors file: {error}" if file.exists() else "is missing"
        raise CheckpointError(f"{file} {reason}") from error


def _prefix(names: Sequence[str]) -> str:
    """The prefix of Comfy's that all names carry but bookkeeping (`scaled_fp8` may stand without it)."""
    for prefix in COMFY_PREFIXES:
        if any(name.startswith(prefix) for name in names):
            return prefix
    return ""


def open_weights(path: Path) -> Weights:
    """The weights of a file, or of a folder: the files that its index names, else its only one."""
    return Weights(weight_files(path) if path.is_dir() else [path], str(path))


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a folder: those that its index names, else the only one. Raises CheckpointError."""
    indexes = sorted(folder.glob("*.safetensors.index.json"))
    if indexes:
        mapping = read_json(indexes[0]).get("weight_map")
        if not isinstance(mapping, dict):
            raise CheckpointError(f"{indexes[0]} has no weight_map, which says where each tensor is")
        names = sorted({str(name) for name in mapping.values()})
        for name in names:
            if (folder / name).parent.resolve() != folder.resolve() or not (folder / name).is_file():
                raise CheckpointError(f"{indexes[0]} names {name!r}, which is not a file in its folder")
        return [folder / name for name in names]
    files = sorted(folder.glob("*.safetensors"))
    if len(files) != 1:
        raise CheckpointError(f"{folder}: {len(files)} safetensors files without an index; one is needed")
    return files


def listing(names: Sequence[str]) -> str:
    """The first few names."""
    return ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")
