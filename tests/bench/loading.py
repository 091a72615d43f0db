"""`python -m tests.bench.loading [--quick]`: loading a transformer against reading its file alone, time and memory."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from safetensors import safe_open
from torch import Tensor

from model.checkpoint.load import load_transformer
from model.checkpoint.locate import Parts
from model.quantised import Fp8Linear
from model.transformer import Transformer, TransformerConfig
from tests.bench.tiles import peak_bytes
from tests.model.other_layouts import State, bfl_fp8, each, is_block_linear, nvfp4, to_bfl, write

CONFIG = {"num_layers": 2, "num_single_layers": 6, "num_attention_heads": 16, "joint_attention_dim": 6144}
QUICK_CONFIG = CONFIG | {"num_attention_heads": 1, "joint_attention_dim": 384}
ROUNDS, QUICK_ROUNDS = 5, 1
MEMORY_GOAL, TIME_GOAL = 1.1, 1.5

CASES = {
    "bf16, kept": ("bf16", "bfloat16", None),
    "bf16 to float32": ("bf16", "float32", None),
    "fp8 file, kept": ("fp8", "bfloat16", None),
    "bf16 to fp8": ("bf16", "bfloat16", "fp8"),
    "NVFP4 to bf16": ("nvfp4", "bfloat16", None),
}
"""What is loaded: the file's form, the dtype, and whether it's quantised. Files are in BFL's layout."""

QUICK_CASES = ("bf16 to float32", "fp8 file, kept")


@dataclass(frozen=True)
class Loading:
    """One case: bytes that the weights take in memory, the highest memory over the time of loading, and seconds of
    loading and of reading alone, round by round."""

    name: str
    weight_bytes: int
    peak_bytes: int
    seconds: tuple[float, ...]
    reading: tuple[float, ...]

    @property
    def memory_ratio(self) -> float:
        return self.peak_bytes / self.weight_bytes

    @property
    def time_ratio(self) -> float:
        return statistics.median(ours / theirs for ours, theirs in zip(self.seconds, self.reading, strict=True))

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"memory_ratio": self.memory_ratio, "time_ratio": self.time_ratio}


def loading(quick: bool) -> list[Loading]:
    """Every case, each load in a process of its own; reading alone in alternation with it."""
    rounds = QUICK_ROUNDS if quick else ROUNDS
    with TemporaryDirectory() as folder:
        files = dict(write_files(Path(folder), QUICK_CONFIG if quick else CONFIG))
        return [measure(name, files, rounds) for name in (QUICK_CASES if quick else CASES)]


def measure(name: str, files: dict[str, Path], rounds: int) -> Loading:
    figures: dict[str, list[dict[str, float]]] = {"load": [], "read": []}
    for _ in range(rounds):
        for way, told in figures.items():
            command = [sys.executable, "-m", "tests.bench.loading", "--case", name, "--way", way]
            command += ["--file", str(files[CASES[name][0]])]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            told.append(json.loads(done.stdout))
    return Loading(
        name,
        int(figures["load"][0]["weight_bytes"]),
        int(max(told["peak_bytes"] for told in figures["load"])),
        tuple(told["seconds"] for told in figures["load"]),
        tuple(told["seconds"] for told in figures["read"]),
    )


def write_files(folder: Path, config: dict[str, Any]) -> Iterator[tuple[str, Path]]:
    """A random transformer in each form."""
    torch.manual_seed(0)
    state = Transformer(TransformerConfig(**config)).state_dict()
    plain: State = to_bfl({name: tensor.to(torch.bfloat16) for name, tensor in state.items()})
    yield "bf16", write(folder / "bf16.safetensors", plain)
    for form in (bfl_fp8, nvfp4):
        quantised = each({n: t.float() for n, t in plain.items()}, is_block_linear, form)
        made = {n: t.to(torch.bfloat16) if t.dtype == torch.float32 and t.ndim else t for n, t in quantised.items()}
        name = form.__name__.removeprefix("bfl_")
        yield name, write(folder / f"{name}.safetensors", made)


def load_once(case: str, file: Path) -> dict[str, float]:
    """What a child process does: load, and touch every page, as a file that is mapped costs nothing before."""
    _, dtype, quantise = CASES[case]
    parts = Parts(None, file, file, file, None, file.parent)
    forget(file)
    before, start = peak_bytes(), time.perf_counter()
    module = load_transformer(parts, torch.device("cpu"), getattr(torch, dtype), quantise)
    touch(module.state_dict().values())
    seconds = time.perf_counter() - start
    kept = [layer for layer in module.modules() if isinstance(layer, Fp8Linear)]
    assert bool(kept) == (quantise == "fp8" or "fp8" in case)
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


def table(rows: Sequence[Loading]) -> Table:
    made = Table(title=f"loading, against the size of the weights and reading alone; {torch.get_num_threads()} threads")
    made.add_column("what")
    columns = (
        "weights",
        "peak",
        f"peak/weights (goal {MEMORY_GOAL})",
        "loading",
        "reading",
        f"ratio (goal {TIME_GOAL})",
    )
    for column in columns:
        made.add_column(column, justify="right")
    for row in rows:
        made.add_row(
            row.name,
            f"{row.weight_bytes / 2**20:,.0f} MiB",
            f"{row.peak_bytes / 2**20:,.0f} MiB",
            f"{row.memory_ratio:.2f}",
            f"{statistics.median(row.seconds):.2f} s",
            f"{statistics.median(row.reading):.2f} s",
            f"{row.time_ratio:.2f}",
        )
    return made


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.loading", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small: proves that it runs, measures nothing")
    parser.add_argument("--case", choices=CASES, help="only this case, in this process; prints its cost as JSON")
    parser.add_argument("--way", choices=("load", "read"))
    parser.add_argument("--file", type=Path)
    options = parser.parse_args()
    if options.case:
        once = load_once if options.way == "load" else read_once
        print(json.dumps(once(options.case, options.file)))
        return 0
    Console(width=None if sys.stdout.isatty() else 140).print(table(loading(options.quick)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
