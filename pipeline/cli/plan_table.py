"""The output of `plan` on a terminal: facts, changes, reference sets, first variants, memory and warnings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from brandpress.model.memory.plan import gigabytes, listed_bytes
from brandpress.pipeline.cli.text import plural, printable
from brandpress.pipeline.plan.change_text import change_text, label, state_line
from brandpress.pipeline.plan.cost.text import cost_rows
from brandpress.pipeline.plan.memory import MemoryPlan, reference_memory
from brandpress.pipeline.plan.state import count_states, summarise_changes
from brandpress.pipeline.plan.summary import Summary

SHOWN_CHANGES = 20
SHOWN_REASONS = 10
SHOWN_SETS = 10
SHOWN_NAMES = 8
MENTIONED_BYTES = 500_000_000
"""From this on, the memory for decoding reference pictures is mentioned."""


def print_plan(summary: Summary, first: int, changes: int | None = None) -> None:
    """Prints the plan's counts, its first changes (default: 20), reference sets, `first` variants and warnings."""
    from rich.console import Console
    from rich.table import Table

    console = Console(markup=False, highlight=False, emoji=False)
    plan = summary.plan
    facts = Table.grid(padding=(0, 2))
    rows = {
        "campaign": f"{plan.campaign.name} (brand {plan.campaign.brand.name})",
        "variants": _variants(summary),
        **_states(summary),
        "model": _model(summary),
        "sampling": _sampling(summary),
        **_optional_fields(summary),
        "seeds": f"{summary.seeds:,}",
        "sizes": _counts(summary.sizes),
        **_memory(summary),
        **_reference_memory(summary),
        **cost_rows(summary.cost),
        "deliver to": f"{summary.deliver}/{plan.campaign.name}",
        "in the store": _in_store(summary),
    }
    for name, value in rows.items():
        facts.add_row(name, printable(value))
    for axis, names in summary.axes.items():
        facts.add_row(axis, printable(_counts(names)))
    console.print(facts)
    for line in _change_lines(summary, SHOWN_CHANGES if changes is None else changes):
        console.print(printable(line), soft_wrap=True)
    console.print()
    console.print(_sets_table(summary))
    if first:
        console.print()
        console.print(_first_table(summary, first))
    if summary.warnings:
        console.print()
    for warning in summary.warnings:
        console.print(printable(f"warning: {warning}"))


def _states(summary: Summary) -> dict[str, str]:
    """Rows for the states of all variants, and for what is selected."""
    rows = {}
    if summary.states is not None:
        counts = count_states(summary.states)
        rows["states"] = ", ".join(f"{count:,} {label(state)}" for state, count in counts.items())
    if summary.selection is not None:
        selected = f"{plural(len(summary.selected_variants), 'variant')} by {' '.join(summary.selection.written)}"
        rows["selected"] = selected
    return rows


def _change_lines(summary: Summary, limit: int) -> Iterator[str]:
    """Why variants are stale, and the first of what changes, or of what is selected."""
    reasons = list(summarise_changes(summary.selected))
    if reasons:
        yield ""
        yield "why stale"
    for change, count in reasons[:SHOWN_REASONS]:
        yield f"{count:>8,}  {change_text(change)}"
    if len(reasons) > SHOWN_REASONS:
        yield f"          and {len(reasons) - SHOWN_REASONS:,} more"
    listed = summary.listed
    if not listed or not limit:
        return
    yield ""
    yield "changes" if summary.selection is None else "selected"
    yield from map(state_line, listed[:limit])
    if len(listed) > limit:
        yield f"and {len(listed) - limit:,} more; --show lists more, --json all of them"


def _model(summary: Summary) -> str:
    model, choice = summary.plan.model, summary.plan.campaign.choice
    licence = model.licence if model.commercial_use else f"{model.licence}, not for commercial use"
    parts = {"transformer": choice.transformer, "VAE": choice.vae, "text encoder": choice.text_encoder}
    other = [f"{part} {file}" for part, file in parts.items() if file]
    other += [f"LoRA {lora.file} at {lora.scale:g}" for lora in choice.loras]
    other += [f"quantised to {choice.quantise}"] if choice.quantise else []
    other += [f"region {choice.region}"] if choice.region else []
    lock = summary.plan.lock
    source = f"; as {lock.file.name} has it, because its files aren't here" if lock and lock.missing else ""
    return f"{', '.join([model.name, *other])} (licence: {licence}){source}"


def _sampling(summary: Summary) -> str:
    steps = "the service's steps" if summary.params.steps is None else plural(summary.params.steps, "step")
    guidance = "the service's guidance" if summary.params.guidance is None else f"guidance {summary.params.guidance:g}"
    return f"{steps}, {guidance}"


def _optional_fields(summary: Summary) -> dict[str, str]:
    """Rows for the optional fields that the campaign sets."""
    job = summary.plan.campaign.job
    rows = {"negative prompt": job.negative_prompt} if job.negative_prompt else {}
    if job.reference_pixels is not None:
        rows["reference pixels"] = f"at most {job.reference_pixels:,}"
    if job.upsample:
        rows["upsample"] = "the model rewrites the prompts first"
    if job.reuse != "exact":
        rows["reuse"] = f"{job.reuse}: faster, but pictures differ slightly from exact ones"
    return rows


def _memory(summary: Summary) -> dict[str, str]:
    """A row for the memory that the pictures need, and how the model's parts share the device."""
    memory = summary.memory
    if memory is None:
        return {}
    need = memory.need
    listed = ", ".join(f"{part} {gigabytes(count)}" for part, count in listed_bytes(need).items())
    ways = {
        "resident": "everything stays in memory",
        "offload": f"{gigabytes(need.offloaded)} with one large part offloaded at a time{_offloaded_to(memory)}",
        None: "too little memory, even with offloading",
    }
    device = memory.device
    free = "" if device.free == device.total else f", {gigabytes(device.free)} free"
    size = f"{device.name}, {gigabytes(device.total)}{free}"
    return {"memory": f"{gigabytes(need.resident)} ({listed}); on {size}: {ways[memory.residency]}"}


def _reference_memory(summary: Summary) -> dict[str, str]:
    """A row for the machine's memory that reference pictures need, if it's worth mentioning."""
    memory = reference_memory(summary.plan)
    if memory.decoding < MENTIONED_BYTES:
        return {}
    kept, decoding = gigabytes(memory.kept), gigabytes(memory.decoding)
    return {"references": f"{kept} of each worker's memory, and {decoding} while the largest picture is scaled down"}


def _offloaded_to(memory: MemoryPlan) -> str:
    both = gigabytes(memory.need.transformer + memory.need.text_encoder)
    available = f"{gigabytes(memory.host)} of this machine's memory is available"
    ways = {
        "memory": f"; offloaded weights are kept in this machine's memory ({both}; {available})",
        "disk": f"; they are read from disk each time, because {available} and they take {both}",
    }
    return ways.get(memory.offloaded_to or "", "")


def _variants(summary: Summary) -> str:
    total = f"{summary.plan.planned:,}"
    if summary.done is None:
        return total
    held_back = f", {summary.held_back:,} held back" if summary.held_back else ""
    changes = [f"{summary.unpublished:,} to publish" if summary.unpublished else ""]
    changes += [f"{summary.removals:,} to remove from the manifest" if summary.removals else ""]
    picked_out = len(summary.plan.picked_out)
    changes += [f"{picked_out:,} picked out" if picked_out else ""]
    rest = "".join(f", {change}" for change in changes if change)
    return f"{total}: {summary.done:,} done{held_back}, {summary.to_render:,} to render{rest}"


def _in_store(summary: Summary) -> str:
    if summary.done is None:
        return f"unknown: {summary.unknown}"
    return f"{summary.done:,} of {len(summary.plan.variants):,}"


def _sets_table(summary: Summary) -> Any:
    from rich.table import Table

    sets = summary.reference_sets
    table = Table(title=plural(len(sets), "reference set"), title_justify="left", box=None, pad_edge=False)
    table.add_column("variants", justify="right")
    table.add_column("references, in order")
    for reference_set in sets[:SHOWN_SETS]:
        files = ", ".join(f"{reference.role} {reference.file}" for reference in reference_set.references)
        table.add_row(f"{reference_set.variants:,}", printable(files or "none"))
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
        table.add_row(variant.name, size, str(variant.seed), variant.render_key[:8], printable(variant.prompt))
    return table


def _counts(counts: dict[str, int]) -> str:
    shown = [f"{name} ({count:,})" for name, count in list(counts.items())[:SHOWN_NAMES]]
    rest = len(counts) - len(shown)
    return ", ".join(shown) + (f" and {rest:,} more" if rest else "")
