"""`python -m tests.gpu`: the check on a GPU, in one command of at most eight minutes.

Needs torch, transformers, safetensors and Pillow, but no installation. Compares with diffusers if it is installed.
Results are written after each section. Exits with 1 if a picture is wrong or a section doesn't finish; a missed speed
goal is only reported.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import torch

from tests.gpu.deadline import OutOfTimeError, deadline, end_at
from tests.gpu.document import as_text, number
from tests.gpu.figure import Section
from tests.gpu.machine import machine
from tests.gpu.report import Report
from tests.gpu.rig import Rig
from tests.gpu.sections import (
    batch_invariance,
    ceilings,
    decoder,
    dev,
    exhaustion,
    graphs,
    klein,
    pictures,
    stream,
    suite,
)

SECTIONS: dict[str, ModuleType] = {
    "ceilings": ceilings,
    "pictures": pictures,
    "klein": klein,
    "decoder": decoder,
    "stream": stream,
    "dev": dev,
    "company": batch_invariance,
    "exhaustion": exhaustion,
    "graphs": graphs,
    "suite": suite,
}
SECONDS, GRACE = 480, 20
"""The time limit for all sections, and how long a running section then gets to return."""

OUT = Path("out/gpu")
DOCUMENT = Path("docs/gpu.md")


def main() -> int:
    options = parse()
    device = torch.device("cpu" if options.cpu_tiny else "cuda")
    if device.type == "cuda" and not torch.cuda.is_available():
        sys.exit("no CUDA device found; --cpu-tiny runs every section at small sizes on the CPU")
    options.out.mkdir(parents=True, exist_ok=True)
    document = options.write or (options.out / "gpu.md" if options.cpu_tiny else DOCUMENT)
    report = Report(machine(device), options.cpu_tiny, options.out / "results.json", document)
    report.keep_others(options.only)
    start = time.monotonic()
    rig = Rig(device, options.cpu_tiny, options.out, say, every=options.every)
    sections: list[Section] = []
    with end_at(options.seconds + GRACE, lambda: report.add(hanging(sections, options.only))):
        for key in options.only:
            left = options.seconds - (time.monotonic() - start)
            sections.append(run(key, SECTIONS[key], rig, left))
            report.add(sections[-1])
            print(as_text(sections[-1]), flush=True)
    print(f"{summary(sections)}; written to {report.results} and {report.document}")
    return 1 if any(section.wrong for section in sections) else 0


def hanging(sections: Sequence[Section], only: Sequence[str]) -> Section:
    """The running section, which never returned."""
    key = only[len(sections)]
    return Section(key, SECTIONS[key].ABOUT, "out of time", cause="it didn't return; the check was ended")


def summary(sections: Sequence[Section]) -> str:
    """The result of a check in one line."""
    met = Counter(figure.met for section in sections for figure in section.figures)
    undone = ", ".join(section.key for section in sections if section.status != "done")
    return f"{met[True]} goals met, {met[False]} missed" + (f"; not done: {undone}" if undone else "")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.gpu", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cpu-tiny", action="store_true", help="small sizes on the CPU, written to OUT/gpu.md")
    parser.add_argument("--only", type=keys, default=list(SECTIONS), metavar="NAME[,NAME]", help=", ".join(SECTIONS))
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"for all sections; default: {SECONDS}")
    parser.add_argument("--every", action="store_true", help="also measure what isn't the default; takes longer")
    parser.add_argument("--out", type=Path, default=OUT, help=f"for results.json and pictures; default: {OUT}")
    parser.add_argument(
        "--write",
        type=Path,
        metavar="FILE",
        help=f"the tables, with the figures as JSON beside them; with --only, other sections stay; default: {DOCUMENT}",
    )
    return parser.parse_args()


def keys(words: str) -> list[str]:
    """Parses the names of `--only`. Raises ArgumentTypeError, listing the sections, for unknown names."""
    names = words.split(",")
    if unknown := sorted(set(names) - set(SECTIONS)):
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: there are {', '.join(SECTIONS)}")
    return names


def run(key: str, module: ModuleType, rig: Rig, left: float) -> Section:
    """Runs one section to its end, its deadline or its first error. Keeps the figures measured until then."""
    section = Section(key, module.ABOUT)
    if left < 5:
        section.cause = "no time was left"
        return section
    start = time.monotonic()
    rig.profile.clear()
    try:
        rig.free()
        with deadline(min(module.SECONDS, left)):
            for figure in module.measure(rig):
                # Speed at small sizes means nothing.
                figure = replace(figure, goal=None) if rig.tiny and not figure.must else figure
                section.figures.append(figure)
                rig.say(f"{key}: {figure.name}: {number(figure.value)} {figure.unit} {figure.note}")
        section.status = "done"
    except OutOfTimeError as error:
        section.status, section.cause = "out of time", str(error)
    except Exception:
        section.status, section.cause = "failed", traceback.format_exc()
    section.profile = list(rig.profile)
    section.seconds = time.monotonic() - start
    return section


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
