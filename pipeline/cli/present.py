"""How the command line shows things to people. Plain lines for what other tools read, rich tables for the rest."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

from brandpress.model.memory.plan import gigabytes
from brandpress.pipeline.plan.memory import MemoryPlan
from brandpress.pipeline.plan.summary import Summary
from brandpress.pipeline.plan.validate import Validation

SHOWN_SETS = 10
SHOWN_NAMES = 8


def show_validations(validations: Sequence[Validation]) -> None:
    """A line on stdout for each good file, and every problem on stderr, each once even when two files lead to it."""
    problems = list(dict.fromkeys(problem for validation in validations for problem in validation.problems))
    for validation in validations:
        if not validation.problems:
            variants = "" if validation.variants is None else f", {_count(validation.variants, 'variant')}"
            print(_plain(f"{validation.file}: ok, {validation.kind} {validation.name}{variants}"))
    sys.stdout.flush()
    for problem in problems:
        print(_plain(str(problem)), file=sys.stderr)
    if problems:
        files = len({problem.file for problem in problems})
        print(f"{_count(len(problems), 'problem')} in {_count(files, 'file')}", file=sys.stderr)


def validations_json(validations: Sequence[Validation]) -> dict[str, Any]:
    """The validations as plain JSON values."""
    return {
        "ok": not any(validation.problems for validation in validations),
        "files": [
            {
                "file": validation.file,
                "kind": validation.kind,
                "name": validation.name,
                "variants": validation.variants,
                "ok": not validation.problems,
                "problems": [
                    {
                        "file": problem.file,
                        "line": problem.line,
                        "column": problem.column,
                        "what": problem.what,
                        "allowed": problem.allowed,
                        "suggestion": problem.suggestion,
                        "message": str(problem),
                    }
                    for problem in validation.problems
                ],
            }
            for validation in validations
        ],
    }


def show_plan(summary: Summary, first: int) -> None:
    """The plan's counts, reference sets, first variants and warnings."""
    from rich.console import Console
    from rich.table import Table

    console = Console(markup=False, highlight=False, emoji=False)
    plan = summary.plan
    facts = Table.grid(padding=(0, 2))
    rows = {
        "campaign": f"{plan.campaign.name} (brand {plan.campaign.brand.name})",
        "variants": _variants(summary),
        "model": _model(summary),
        "sampling": _sampling(summary),
        **_asked(summary),
        "seeds": f"{summary.seeds:,}",
        "sizes": _counts(summary.sizes),
        **_memory(summary),
        "deliver to": f"{summary.deliver}/{plan.campaign.name}",
        "in the store": _in_store(summary),
    }
    for name, value in rows.items():
        facts.add_row(name, _plain(value))
    for axis, names in summary.axes.items():
        facts.add_row(axis, _plain(_counts(names)))
    console.print(facts)
    console.print()
    console.print(_sets_table(summary))
    if first:
        console.print()
        console.print(_first_table(summary, first))
    if summary.warnings:
        console.print()
    for warning in summary.warnings:
        console.print(_plain(f"warning: {warning}"))


def _model(summary: Summary) -> str:
    model, choice = summary.plan.model, summary.plan.campaign.choice
    licence = model.licence if model.commercial_use else f"{model.licence}, not for commercial use"
    parts = {"transformer": choice.transformer, "VAE": choice.vae, "text encoder": choice.text_encoder}
    other = [f"{part} {file}" for part, file in parts.items() if file]
    other += [f"LoRA {lora.file} at {lora.scale:g}" for lora in choice.loras]
    other += [f"quantised to {choice.quantise}"] if choice.quantise else []
    other += [f"region {choice.region}"] if choice.region else []
    return f"{', '.join([model.name, *other])} (licence: {licence})"


def _sampling(summary: Summary) -> str:
    steps = "the service's steps" if summary.steps is None else _count(summary.steps, "step")
    guidance = "the service's guidance" if summary.guidance is None else f"guidance {summary.guidance:g}"
    return f"{steps}, {guidance}"


def _asked(summary: Summary) -> dict[str, str]:
    """What campaigns may ask for besides, where this one does."""
    job = summary.plan.campaign.job
    asked = {"negative prompt": job.negative_prompt} if job.negative_prompt else {}
    if job.reference_pixels is not None:
        asked["reference pixels"] = f"at most {job.reference_pixels:,}"
    if job.upsample:
        asked["upsample"] = "the model rewrites prompts first"
    if job.reuse != "exact":
        asked["reuse"] = f"{job.reuse}: faster, and not quite the exact pictures"
    return asked


def _memory(summary: Summary) -> dict[str, str]:
    """What the pictures need, and how the model's parts share what there is."""
    found = summary.memory
    if found is None:
        return {}
    need = found.need
    parts = {
        "transformer": need.transformer,
        "text encoder": need.text_encoder,
        "autoencoder": need.autoencoder,
        "one picture": need.work,
    }
    listed = ", ".join(f"{part} {gigabytes(count)}" for part, count in parts.items())
    ways = {
        "resident": "all of it stays in memory",
        "offload": f"{gigabytes(need.offloaded)} with one large part offloaded at a time{_offloaded_to(found)}",
        None: "too much, even with offloading",
    }
    device = found.device
    free = "" if device.free == device.total else f", {gigabytes(device.free)} free"
    have = f"{device.name}, {gigabytes(device.total)}{free}"
    return {"memory": f"{gigabytes(need.resident)} ({listed}); on {have}: {ways[found.residency]}"}


def _offloaded_to(memory: MemoryPlan) -> str:
    both = gigabytes(memory.need.transformer + memory.need.text_encoder)
    has = f"{gigabytes(memory.host)} of this machine's memory are available"
    ways = {
        "memory": f"; offloaded weights are kept in this machine's memory ({both}; {has})",
        "disk": f"; they are read from disk each time, as {has} and they take {both}",
    }
    return ways.get(memory.offloaded_to or "", "")


def _variants(summary: Summary) -> str:
    total = f"{len(summary.plan.variants):,}"
    if summary.done is None:
        return total
    held_back = f", {summary.held_back:,} held back" if summary.held_back else ""
    return f"{total}: {summary.done:,} done{held_back}, {summary.to_render:,} to render"


def _in_store(summary: Summary) -> str:
    if summary.done is None:
        return f"unknown: {summary.unknown}"
    return f"{summary.done:,} of {len(summary.plan.variants):,}"


def _sets_table(summary: Summary) -> Any:
    from rich.table import Table

    sets = summary.reference_sets
    table = Table(title=f"{_count(len(sets), 'reference set')}", title_justify="left", box=None, pad_edge=False)
    table.add_column("variants", justify="right")
    table.add_column("references, in order")
    for found in sets[:SHOWN_SETS]:
        files = ", ".join(f"{reference.role} {reference.file}" for reference in found.references)
        table.add_row(f"{found.variants:,}", _plain(files or "none"))
    if len(sets) > SHOWN_SETS:
        table.add_row("", f"and {len(sets) - SHOWN_SETS:,} more")
    return table


def _first_table(summary: Summary, first: int) -> Any:
    from rich.table import Table

    table = Table(title="first variants", title_justify="left", box=None, pad_edge=False)
    for column in ("name", "size", "seed", "render key", "prompt"):
        table.add_column(column, overflow="fold")
    for variant in summary.plan.variants[:first]:
        size = f"{variant.width}x{variant.height}"
        table.add_row(variant.name, size, str(variant.seed), variant.render_key[:8], _plain(variant.prompt))
    return table


def _counts(counts: dict[str, int]) -> str:
    shown = [f"{name} ({count:,})" for name, count in list(counts.items())[:SHOWN_NAMES]]
    rest = len(counts) - len(shown)
    return ", ".join(shown) + (f" and {rest:,} more" if rest else "")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _plain(text: str) -> str:
    """The text without characters that could steer a terminal."""
    return "".join(_escapes(text))


def _escapes(text: str) -> Iterable[str]:
    for character in text:
        yield character if character.isprintable() or character == "\n" else character.encode("unicode_escape").decode()
