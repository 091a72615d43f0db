"""Campaigns with klein and dev, where references attend to all tokens: exact, and with `reuse: approximate`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from brandpress.model.family import MISTRAL, QWEN3_8B
from tests.bench.alternate import Side, alternate
from tests.bench.bench import Bench
from tests.bench.campaign import LEVELS, Campaign, Job, Pictures, largest_difference, psnr
from tests.bench.checkpoint import CheckpointShape, TextShape
from tests.bench.kv import sample_note
from tests.bench.row import Difference, Goal, Row

REUSE_GOALS = {"exact": 1.05, "approximate": 2.0}
"""The values of `reuse` and the speed-ups that are their goals."""


@dataclass(frozen=True)
class Model:
    """A model to measure.

    pipeline: the diffusers pipeline to compare with. timed: pictures that it renders per round without --whole.
    """

    shape: CheckpointShape
    job: Job
    quick_shape: CheckpointShape
    quick_job: Job
    pipeline: str
    timed: int


CHANNELS = (8, 16, 32, 32)
MODELS = {
    "klein": Model(
        CheckpointShape("klein", 4, 1, 3, TextShape(QWEN3_8B, 512, 4), CHANNELS),
        Job(4, 2, 4, 512, 4),
        CheckpointShape("klein", 1, 1, 1, TextShape(QWEN3_8B, 128, 4), CHANNELS),
        Job(2, 1, 2, 64, 2),
        "Flux2KleinPipeline",
        2,
    ),
    "dev": Model(
        CheckpointShape("dev", 3, 1, 6, TextShape(MISTRAL, 320, 4), CHANNELS),
        Job(2, 2, 3, 512, 20),
        CheckpointShape("dev", 1, 1, 1, TextShape(MISTRAL, 128, 4), CHANNELS),
        Job(2, 1, 2, 64, 4),
        "Flux2Pipeline",
        1,
    ),
}


def keys_of(name: str) -> dict[str, str]:
    """Returns the values of `reuse`, keyed by a model's row keys."""
    return {f"{name}-{reuse}": reuse for reuse in REUSE_GOALS}


def klein(bench: Bench) -> Iterator[Row]:
    """Yields klein's rows."""
    return measure_campaign("klein", bench)


def dev(bench: Bench) -> Iterator[Row]:
    """Yields dev's rows."""
    return measure_campaign("dev", bench)


def measure_campaign(name: str, bench: Bench) -> Iterator[Row]:
    """Yields the selected rows: exact and approximate against the same rounds of diffusers.

    Exact pictures are compared with diffusers', approximate ones with the exact ones of their round.
    """
    model = MODELS[name]
    job, shape = (model.quick_job, model.quick_shape) if bench.quick else (model.job, model.shape)
    campaign = Campaign.make(job, shape, bench.folder / name)
    timed = job.pictures if bench.whole else min(model.timed, job.pictures)
    approximate = f"{name}-approximate" in bench.selected
    sides: dict[str, Side[Pictures]] = {"exact": campaign.ours()}
    if approximate:
        sides["approximate"] = campaign.ours(reuse="approximate")
    sides["diffusers"] = campaign.theirs(model.pipeline, timed)
    levels: list[float] = []
    decibels: list[float] = []

    def judge(results: Mapping[str, Pictures]) -> None:
        levels.append(largest_difference(results["exact"], results["diffusers"]))
        if approximate:
            decibels.append(psnr(results["exact"], results["approximate"]))

    seconds = alternate(sides, bench.rounds, judge, lambda line: bench.log(f"{name}: {line}"), ())
    differences = {"exact": Difference(max(levels), "levels", LEVELS)}
    if approximate:
        differences["approximate"] = Difference(min(decibels), "dB PSNR")
    for key, reuse in keys_of(name).items():
        if key in bench.selected:
            yield Row(
                key,
                f"campaign {name}, {job.references} references, {job.steps} steps, {reuse}",
                f"{job}; {shape}. {describe(reuse)} "
                f"diffusers is called once per picture{sample_note(timed, job.pictures)}.",
                seconds[reuse],
                seconds["diffusers"],
                model.pipeline,
                goal=Goal(REUSE_GOALS[reuse]),
                difference=differences[reuse],
            )


def describe(reuse: str) -> str:
    """Returns what our renderer does, as text."""
    if reuse == "exact":
        return "Prompts and references are encoded once, and nothing is approximated."
    return (
        "With `reuse: approximate`. PSNR is measured against our exact pictures, the minimum of all rounds, with "
        "random weights; see nano's for trained ones."
    )
