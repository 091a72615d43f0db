"""Sparse files with the real checkpoints' headers, for code that reads no tensors."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from tests.model.layout import real_layout
from tests.model.other_layouts import is_block_linear

Head = dict[str, tuple[str, tuple[int, ...]]]
BYTES = {"F8_E4M3": 1, "BF16": 2, "F32": 4}


def sparse(file: Path, tensors: Head) -> Path:
    """Writes a safetensors file of zeros that takes no space on disk."""
    head: dict[str, Any] = {}
    end = 0
    for name, (dtype, shape) in tensors.items():
        size = BYTES[dtype] * math.prod(shape)
        head[name] = {"dtype": dtype, "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(head).encode()
    with file.open("wb") as opened:
        opened.write(len(text).to_bytes(8, "little") + text)
        opened.truncate(8 + len(text) + end)
    return file


def sparse_transformer(file: Path, layout: str, fp8: bool = False) -> Path:
    """Writes a real transformer's file in BFL's layout, in bf16 or like BFL's fp8 files."""
    tensors: Head = {}
    for name, shape in real_layout(f"bfl-{layout}")[1].items():
        quantised = fp8 and is_block_linear(name)
        tensors[name] = ("F8_E4M3" if quantised else "BF16", shape)
        if quantised:
            tensors[name.replace(".weight", ".weight_scale")] = ("F32", ())
    return sparse(file, tensors)
