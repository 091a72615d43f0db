"""Campaigns of klein-kv: keys and values of a reference set once, against diffusers' full attention and its own KV
pipeline, which has them once a picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from brandpress.model.family import QWEN3_8B
from tests.bench.alternate import alternate
from tests.bench.bench import Bench
from tests.bench.campaign import LEVELS, Campaign, Job, Pictures, largest
from tests.bench.checkpoint import Shape, TextShape
from tests.bench.row import Difference, Goal, Row

FULL, KV = "Flux2KleinPipeline", "Flux2KleinKVPipeline"
SHAPE = Shape("klein-kv", 4, 1, 3, TextShape(QWEN3_8B, 512, 4), (8, 16, 32, 32))
QUICK_SHAPE = Shape("klein-kv", 1, 1, 1, TextShape(QWEN3_8B, 128, 4), (8, 16, 32, 32))
JOBS = {"kv-4": Job(16, 4, 4, 512, 4), "kv-10": Job(16, 4, 10, 512, 4)}
QUICK_JOBS = {"kv-4": Job(4, 2, 2, 64, 2), "kv-10": Job(4, 2, 3, 64, 2)}
GOALS = {"kv-4": {FULL: 3.5, KV: 1.6}, "kv-10": {FULL: 7.0, KV: 2.5}}
TIMED = 1
"""Pictures that diffusers renders in a round, unless the whole campaign is asked for."""


def kv(bench: Bench) -> Iterator[Row]:
    for key in JOBS:
        if key in bench.selected:
            yield from campaign(key, bench)


def campaign(key: str, bench: Bench) -> Iterator[Row]:
    job, shape = (QUICK_JOBS[key], QUICK_SHAPE) if bench.quick else (JOBS[key], SHAPE)
    campaign = Campaign.make(job, shape, bench.folder / key)
    timed = job.pictures if bench.whole else TIMED
    sides = {"ours": campaign.ours(), **{name: campaign.theirs(name, timed) for name in (FULL, KV)}}
    differences: list[float] = []

    def judge(results: Mapping[str, Pictures]) -> None:
        differences.append(largest(results["ours"], results[KV]))

    seconds = alternate(sides, bench.rounds, judge, lambda line: bench.log(f"{key}: {line}"), ())
    equality = Difference(max(differences), "levels", LEVELS)
    for pipeline, difference in ((FULL, None), (KV, equality)):
        yield Row(
            key,
            f"campaign klein-kv, {job.pictures} pictures, {job.references} references, against {pipeline}",
            f"{job}; {shape}. {about(pipeline, timed, job.pictures)}",
            seconds["ours"],
            seconds[pipeline],
            pipeline,
            goal=Goal(GOALS[key][pipeline]),
            difference=difference,
        )


def about(pipeline: str, timed: int, pictures: int) -> str:
    """What diffusers does."""
    calls = f"diffusers is called once a picture{sampled(timed, pictures)}, as its users call it"
    if pipeline == FULL:
        return f"{calls}; it attends fully, with the same weights, so its pictures are other ones."
    return f"{calls}; it reuses the references' keys and values within a picture."


def sampled(timed: int, pictures: int) -> str:
    """How much of a campaign diffusers renders in a round."""
    if timed == pictures:
        return ""
    return f" ({timed} of the {pictures} in each round, other ones each time, their seconds scaled to all)"
