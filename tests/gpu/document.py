"""The check's results as text and as Markdown."""

from __future__ import annotations

from typing import Any

from tests.gpu.figure import Section

HEAD = """# On a GPU

Written by `make gpu` (`python -m tests.gpu`), which checks pictures, memory and speed on an NVIDIA GPU. Notes were
added by hand. Speed and memory are measured with random weights at the real models' sizes; pictures are compared on
small random checkpoints and on nano.

- *Floor*: the time that the transformer's matrix products and attention would take at the rate of one large product on
  this card (`ceilings`); nothing else is counted.
- *Eager*: torch's own functions. *Triton*: our kernels, the default on a GPU. *Levels* are of 255.
- *Spreads*: the largest difference between two results, in standard deviations of one of them.
- *In tiles*: the decoder works on some rows of the picture at a time, which saves memory.
"""

TINY = "**Small sizes on a CPU, whatever the titles say. Only shows that all sections run; times mean nothing.**"


def as_markdown(report: dict[str, Any]) -> str:
    """Returns the document of a run. report: the contents of `results.json`, and `notes` that were added by hand."""
    machine = report["machine"]
    lines = [HEAD, "## The machine", ""]
    if report["tiny"]:
        lines += [TINY, ""]
    for name, value in machine.items():
        shown = ", ".join(f"{key} {one}" for key, one in value.items()) if isinstance(value, dict) else value
        lines.append(f"- {name}: {shown}")
    lines += [f"- {note}" for note in report.get("notes", ())]
    for section in report["sections"]:
        lines += ["", f"## {section['key']}", "", section["about"], ""]
        if section["status"] != "done":
            cause = section["cause"].strip().splitlines()[-1:] or [""]
            lines += [f"**{section['status']}** after {section['seconds']:.0f} s: {cause[0]}", ""]
        if section["figures"]:
            lines += ["| what | figure | goal | diffusers | |", "|---|---|---|---|---|"]
        lines += [row_of(figure) for figure in section["figures"]]
        if section["profile"]:
            lines += ["", "Where the time goes:", "", "| kernel | ms | calls |", "|---|---|---|"]
            lines += [f"| `{name[:90]}` | {spent:.2f} | {calls} |" for name, spent, calls in section["profile"]]
    return "\n".join(lines) + "\n"


def row_of(figure: dict[str, Any]) -> str:
    goal = figure["goal"]
    sign = "" if goal is None else f"{'≥' if goal['at_least'] else '≤'} {goal['bound']:g}"
    if goal is not None and figure["met"] is False:
        sign += ": **missed**"
    beside = "" if figure["beside"] is None else number(figure["beside"])
    value = f"{number(figure['value'])} {figure['unit']}".strip()
    return f"| {figure['name']} | {value} | {sign} | {beside} | {figure['note']} |"


def as_text(section: Section) -> str:
    """Returns a section for a terminal."""
    lines = [f"== {section.key}: {section.status}, {section.seconds:.0f} s {section.cause}"]
    for figure in section.figures:
        mark = {True: "ok  ", False: "MISS", None: "    "}[figure.met]
        goal = "" if figure.goal is None else f" (goal {figure.goal})"
        lines.append(f"  {mark} {figure.name}: {number(figure.value)} {figure.unit}{goal} {figure.note}")
    lines += [f"       {spent:9.2f} ms {calls:6} {name[:90]}" for name, spent, calls in section.profile]
    return "\n".join(lines)


def number(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"
