"""Campaigns of models whose references' keys and values depend on everything: exact, and with `reuse: approximate`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from brandpress.model.family import MISTRAL, QWEN3_8B
from tests.bench.alternate import Side, alternate
from tests.bench.bench import Bench
from tests.bench.campaign import LEVELS, Campaign, Job, Pictures, largest, psnr
from tests.bench.checkpoint import Shape, TextShape
from tests.bench.kv import sampled
from tests.bench.row import Difference, Goal, Row

WAYS = {"exact": 1.05, "approximate": 2.0}
"""The ways and how many times faster they are to be."""


@dataclass(frozen=True)
class Model:
    """pipeline: diffusers'. timed: how many pictures it renders in a round, unless the whole campaign is asked for."""

    shape: Shape
    job: Job
    quick_shape: Shape
    quick_job: Job
    pipeline: str
    timed: int


CHANNELS = (8, 16, 32, 32)
MODELS = {
    "klein": Model(
        Shape("klein", 4, 1, 3, TextShape(QWEN3_8B, 512, 4), CHANNELS),
        Job(4, 2, 4, 512, 4),
        Shape("klein", 1, 1, 1, TextShape(QWEN3_8B, 128, 4), CHANNELS),
        Job(2, 1, 2, 64, 2),
        "Flux2KleinPipeline",
        2,
    ),
    "dev": Model(
        Shape("dev", 3, 1, 6, TextShape(MISTRAL, 320, 4), CHANNELS),
        Job(2, 2, 3, 512, 20),
        Shape("dev", 1, 1, 1, TextShape(MISTRAL, 128, 4), CHANNELS),
        Job(2, 1, 2, 64, 4),
        "Flux2Pipeline",
        1,
    ),
}


def keys_of(name: str) -> dict[str, str]:
    """The rows of a model: way by key."""
    return {f"{name}-{way}": way for way in WAYS}


def klein(bench: Bench) -> Iterator[Row]:
    return campaign("klein", bench)


def dev(bench: Bench) -> Iterator[Row]:
    return campaign("dev", bench)


def campaign(name: str, bench: Bench) -> Iterator[Row]:
    """Both ways beside the same rounds of diffusers; the approximate pictures beside the exact ones of their round."""
    model = MODELS[name]
    job, shape = (model.quick_job, model.quick_shape) if bench.quick else (model.job, model.shape)
    campaign_of_job = Campaign.make(job, shape, bench.folder / name)
    timed = job.pictures if bench.whole else min(model.timed, job.pictures)
    approximate = f"{name}-approximate" in bench.selected
    sides: dict[str, Side[Pictures]] = {"exact": campaign_of_job.ours()}
    if approximate:
        sides["approximate"] = campaign_of_job.ours(reuse="approximate")
    sides["diffusers"] = campaign_of_job.theirs(model.pipeline, timed)
    levels: list[float] = []
    decibels: list[float] = []

    def judge(results: Mapping[str, Pictures]) -> None:
        levels.append(largest(results["exact"], results["diffusers"]))
        if approximate:
            decibels.append(psnr(results["exact"], results["approximate"]))

    seconds = alternate(sides, bench.rounds, judge, lambda line: bench.log(f"{name}: {line}"), ())
    differences = {"exact": Difference(max(levels), "levels", LEVELS)}
    if approximate:
        differences["approximate"] = Difference(min(decibels), "dB PSNR")
    for key, way in keys_of(name).items():
        if key in bench.selected:
            yield Row(
                key,
                f"campaign {name}, {job.references} references, {job.steps} steps, {way}",
                f"{job}; {shape}. {about(way)} diffusers is called once a picture{sampled(timed, job.pictures)}.",
                seconds[way],
                seconds["diffusers"],
                model.pipeline,
                goal=Goal(WAYS[way]),
                difference=differences[way],
            )


def about(way: str) -> str:
    if way == "exact":
        return "Prompts and references are encoded once, and nothing is approximated."
    return (
        "With `reuse: approximate`; PSNR is against our exact pictures, the least of all rounds, and of random "
        "weights: see nano's for trained ones."
    )
