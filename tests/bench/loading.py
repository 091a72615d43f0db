"""`python -m tests.bench.loading`: loading a transformer against reading its file alone, time and memory."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from brandpress.model.checkpoint.load import load_transformer
from brandpress.model.checkpoint.locate import Parts
from brandpress.model.network.fp8 import Fp8Linear
from brandpress.model.network.transformer import Transformer, TransformerConfig
from tests.bench.bench import Bench
from tests.bench.child import print_figures, run_child
from tests.bench.peak import peak_bytes
from tests.bench.row import Goal, Row
from tests.model.other_layouts import State, bfl_fp8, each, is_block_linear, nvfp4, to_bfl, write

CONFIG = {"num_layers": 2, "num_single_layers": 6, "num_attention_heads": 16, "joint_attention_dim": 6144}
QUICK_CONFIG = CONFIG | {"num_attention_heads": 1, "joint_attention_dim": 384}
MEMORY_GOAL, TIME_GOAL = Goal(1.1, at_least=False), Goal(1.5, at_least=False)
TABLE = "loading a transformer, against its weights' size and reading alone"

CASES = {
    "bf16, kept": ("bf16", "bfloat16", None),
    "bf16 to float32": ("bf16", "float32", None),
    "fp8 file, kept": ("fp8", "bfloat16", None),
    "bf16 to fp8": ("bf16", "bfloat16", "fp8"),
    "NVFP4 to bf16": ("nvfp4", "bfloat16", None),
}
"""What is loaded: the file's form, the dtype, and whether it's quantised. Files are in BFL's layout."""

QUICK_CASES = ("bf16 to float32", "fp8 file, kept")


def loading(bench: Bench) -> Iterator[Row]:
    """Every case, each load in a process of its own; reading alone in alternation with it."""
    files = dict(write_files(bench.folder, QUICK_CONFIG if bench.quick else CONFIG))
    for name in QUICK_CASES if bench.quick else CASES:
        yield from measure(name, files[CASES[name][0]], bench)


def measure(name: str, file: Path, bench: Bench) -> Iterator[Row]:
    figures: dict[str, list[dict[str, float]]] = {"load": [], "read": []}
    for number in range(bench.rounds):
        for way in list(figures)[:: -1 if number % 2 else 1]:
            figures[way].append(run_child("tests.bench.loading", "--case", name, "--way", way, "--file", file))
        bench.log(f"loading: {name}: round {number + 1} of {bench.rounds}: {figures['load'][-1]['seconds']:.2f} s")
    held = {size: tuple(load[size] / 2**20 for load in figures["load"]) for size in ("peak_bytes", "weight_bytes")}
    yield Row(
        "loading",
        f"loading {name}: peak memory",
        "The most that the process held while it loaded the transformer, over what the weights take.",
        held["peak_bytes"],
        held["weight_bytes"],
        "weights",
        "MiB",
        "ours/theirs",
        MEMORY_GOAL,
        table=TABLE,
    )
    yield Row(
        "loading",
        f"loading {name}: time",
        "Loading, every page touched, over reading the file's tensors alone in the dtype that is computed in.",
        tuple(load["seconds"] for load in figures["load"]),
        tuple(read["seconds"] for read in figures["read"]),
        "reading",
        "s",
        "ours/theirs",
        TIME_GOAL,
        table=TABLE,
    )


def write_files(folder: Path, config: dict[str, Any]) -> Iterator[tuple[str, Path]]:
    """A random transformer in each form."""
    torch.manual_seed(0)
    state = Transformer(TransformerConfig(**config)).state_dict()
    plain: State = to_bfl({name: tensor.to(torch.bfloat16) for name, tensor in state.items()})
    yield "bf16", write(folder / "bf16.safetensors", plain)
    for form in (bfl_fp8, nvfp4):
        quantised = each({n: t.float() for n, t in plain.items()}, is_block_linear, form)
        tensors = {n: t.to(torch.bfloat16) if t.dtype == torch.float32 and t.ndim else t for n, t in quantised.items()}
        name = form.__name__.removeprefix("bfl_")
        yield name, write(folder / f"{name}.safetensors", tensors)


def load_once(case: str, file: Path) -> dict[str, float]:
    """What a child process does: load, and touch every page, as a file that is mapped costs nothing before."""
    _, dtype, quantise = CASES[case]
    parts = Parts(None, file, file, file, None, file.parent)
    forget(file)
    before, start = peak_bytes(), time.perf_counter()
    module = load_transformer(parts, torch.device("cpu"), getattr(torch, dtype), quantise)
    touch(module.state_dict().values())
    seconds = time.perf_counter() - start
    fp8_layers = [layer for layer in module.modules() if isinstance(layer, Fp8Linear)]
    assert bool(fp8_layers) == (quantise == "fp8" or "fp8" in case)
    weight_bytes = sum(tensor.numel() * tensor.element_size() for tensor in module.state_dict().values())
    return {"seconds": seconds, "peak_bytes": peak_bytes() - before, "weight_bytes": weight_bytes}


def read_once(case: str, file: Path) -> dict[str, float]:
    """Reading alone: each tensor of the file, in the dtype asked for."""
    dtype = getattr(torch, CASES[case][1])
    forget(file)
    start = time.perf_counter()
    with safe_open(file, framework="pt") as opened:
        read = [opened.get_tensor(name) for name in opened.keys()]  # noqa: SIM118 (not a dict)
        touch([tensor.to(dtype) if tensor.dtype == torch.bfloat16 else tensor for tensor in read])
    return {"seconds": time.perf_counter() - start}


def forget(file: Path) -> None:
    """Make the system read a file from its disk again, where it can be asked to."""
    if hasattr(os, "posix_fadvise"):
        with file.open("rb") as opened:
            os.fsync(opened.fileno())
            os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def touch(tensors: Any) -> None:
    for tensor in tensors:
        flat: Tensor = tensor.flatten().view(torch.uint8) if tensor.numel() else tensor
        flat[::4096].int().sum()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.loading", description=__doc__)
    parser.add_argument("--case", choices=CASES, required=True)
    parser.add_argument("--way", choices=("load", "read"), required=True)
    parser.add_argument("--file", type=Path, required=True)
    options = parser.parse_args()
    once = load_once if options.way == "load" else read_once
    return print_figures(once(options.case, options.file))


if __name__ == "__main__":
    sys.exit(main())
