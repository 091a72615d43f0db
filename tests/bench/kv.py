"""Campaigns with klein-kv, where ours computes a reference set's keys and values once.

Compared with diffusers' full attention and with its KV pipeline, which computes them once per picture.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from brandpress.model.family import QWEN3_8B
from tests.bench.alternate import alternate
from tests.bench.bench import Bench
from tests.bench.campaign import LEVELS, Campaign, Job, Pictures, largest_difference
from tests.bench.checkpoint import CheckpointShape, TextShape
from tests.bench.row import Difference, Goal, Row

FULL, KV = "Flux2KleinPipeline", "Flux2KleinKVPipeline"
SHAPE = CheckpointShape("klein-kv", 4, 1, 3, TextShape(QWEN3_8B, 512, 4), (8, 16, 32, 32))
QUICK_SHAPE = CheckpointShape("klein-kv", 1, 1, 1, TextShape(QWEN3_8B, 128, 4), (8, 16, 32, 32))
JOBS = {"kv-4": Job(16, 4, 4, 512, 4), "kv-10": Job(16, 4, 10, 512, 4)}
QUICK_JOBS = {"kv-4": Job(4, 2, 2, 64, 2), "kv-10": Job(4, 2, 3, 64, 2)}
GOALS = {"kv-4": {FULL: 3.5, KV: 1.6}, "kv-10": {FULL: 7.0, KV: 2.5}}
TIMED = 1
"""Pictures that diffusers renders per round without --whole."""


def kv(bench: Bench) -> Iterator[Row]:
    """Yields the rows of the selected jobs."""
    for key in JOBS:
        if key in bench.selected:
            yield from measure_campaign(key, bench)


def measure_campaign(key: str, bench: Bench) -> Iterator[Row]:
    """Yields a job's rows, one against each diffusers pipeline; only the KV pipeline's pictures should be equal."""
    job, shape = (QUICK_JOBS[key], QUICK_SHAPE) if bench.quick else (JOBS[key], SHAPE)
    campaign = Campaign.make(job, shape, bench.folder / key)
    timed = job.pictures if bench.whole else TIMED
    sides = {"ours": campaign.ours(), **{name: campaign.theirs(name, timed) for name in (FULL, KV)}}
    differences: list[float] = []

    def judge(results: Mapping[str, Pictures]) -> None:
        differences.append(largest_difference(results["ours"], results[KV]))

    seconds = alternate(sides, bench.rounds, judge, lambda line: bench.log(f"{key}: {line}"), ())
    equality = Difference(max(differences), "levels", LEVELS)
    for pipeline, difference in ((FULL, None), (KV, equality)):
        yield Row(
            key,
            f"campaign klein-kv, {job.pictures} pictures, {job.references} references, against {pipeline}",
            f"{job}; {shape}. {describe_diffusers(pipeline, timed, job.pictures)}",
            seconds["ours"],
            seconds[pipeline],
            pipeline,
            goal=Goal(GOALS[key][pipeline]),
            difference=difference,
        )


def describe_diffusers(pipeline: str, timed: int, pictures: int) -> str:
    """Returns what the diffusers pipeline does, as text."""
    calls = f"diffusers is called once per picture, as its users call it{sample_note(timed, pictures)}"
    if pipeline == FULL:
        return f"{calls}; it uses full attention with the same weights, so its pictures differ."
    return f"{calls}; it reuses the references' keys and values within a picture."


def sample_note(timed: int, pictures: int) -> str:
    """Returns how many of a campaign's pictures diffusers renders per round; empty if all."""
    if timed == pictures:
        return ""
    return f" ({timed} of {pictures} pictures per round, different ones each round; the time is scaled to all)"
