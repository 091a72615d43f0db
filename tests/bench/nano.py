"""nano, the trained model that ships: a single picture, and what `reuse: approximate` does to its pictures."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from brandpress.model import Renderer, RenderRequest
from tests.bench.alternate import Contest, Side, alternate, duel
from tests.bench.bench import Bench
from tests.bench.campaign import LEVELS, Pictures, largest, psnr
from tests.bench.row import Difference, Row
from tests.model.small import fresh, judged, levels_of, load_pipeline

REFERENCES = Path(__file__).parents[2] / "specs" / "northwind" / "references"
ITEMS = ("mug", "fox", "dawn")
PROMPT = (
    "the {item} from image 1 on the {side} and the fox from image 2 on the {other}, {scene}, in the style of image 3"
)
SCENES = ("on a beach", "by a lake", "in the snow", "on a yellow podium")
STEPS, QUICK_STEPS = (4, 20), (2,)
SIDE = 128
REFERENCE_SIDE = 64
"""As nano prepares references; diffusers would take larger ones as they are."""


def load(bench: Bench) -> Renderer:
    renderer = Renderer.load(bench.nano, device="cpu", dtype="float32")
    assert isinstance(renderer, Renderer)
    return renderer


def requests(steps: int) -> list[RenderRequest]:
    """Pictures that nano was trained to make, of three references of the northwind brand."""
    references = tuple(Image.open(REFERENCES / f"{item}.png") for item in ITEMS)
    sides = (("left", "right"), ("right", "left"))
    return [
        RenderRequest(
            PROMPT.format(item=ITEMS[0], side=sides[seed % 2][0], other=sides[seed % 2][1], scene=scene),
            references,
            SIDE,
            SIDE,
            seed=seed,
            steps=steps,
        )
        for seed, scene in enumerate(SCENES)
    ]


def nano(bench: Bench) -> Iterator[Row]:
    """One picture, nothing known before."""
    renderer = load(bench)
    description = renderer.description
    assert description.parts is not None and description.parts.root is not None
    pipeline: Any = load_pipeline(description.parts.root)
    request = requests(1 if bench.quick else 4)[0]
    shrunk = tuple(picture.resize((REFERENCE_SIDE, REFERENCE_SIDE)) for picture in request.references)
    request = replace(request, references=shrunk)
    contest: Contest[Pictures] = Contest(
        "nano",
        lambda: {0: levels_of(fresh(renderer).render([request])[0])},
        lambda: {0: judged(pipeline, request, description.text_length, description.text_layers or (9, 18, 27))},
        largest,
        LEVELS,
    )
    result = duel(contest, bench.rounds, lambda line: bench.log(f"nano: {line}"))
    yield Row(
        "nano",
        f"nano, one picture of {SIDE}x{SIDE}, {len(ITEMS)} references, {request.steps} steps",
        "The shipped model with nothing known before: what a single picture costs where there's nothing to reuse.",
        result.ours,
        result.theirs,
        difference=Difference(result.difference, "levels", result.allowed),
    )


def approximate(bench: Bench) -> Iterator[Row]:
    """Our approximate pictures beside our exact ones, for schedules of several lengths."""
    renderer = load(as_klein(bench))
    for steps in QUICK_STEPS if bench.quick else STEPS:
        yield distance(renderer, steps, bench)


def distance(renderer: Renderer, steps: int, bench: Bench) -> Row:
    decibels: list[float] = []

    def judge(results: Mapping[str, Pictures]) -> None:
        decibels.append(psnr(results["exact"], results["approximate"]))

    sides = {reuse: side(renderer, steps, reuse) for reuse in ("exact", "approximate")}
    seconds = alternate(sides, bench.rounds, judge, lambda line: bench.log(f"nano, {steps} steps: {line}"))
    return Row(
        "nano-approximate",
        f"nano, {len(SCENES)} pictures, {len(ITEMS)} references, {steps} steps, approximate",
        f"{SIDE}x{SIDE}, references of specs/northwind, each picture another prompt and seed. nano's trained "
        "weights, read as a model whose references aren't apart (nano itself needs no approximation); it wasn't "
        "trained to attend so, and its pictures are worse for it. PSNR is the least of all rounds.",
        seconds["approximate"],
        seconds["exact"],
        "exact",
        difference=Difference(min(decibels), "dB PSNR"),
        table="approximate on nano, against exact",
    )


def as_klein(bench: Bench) -> Bench:
    """With a copy of nano that says it's plain klein: references attend to everything, as in the models that
    `reuse: approximate` is for. Of those no trained one is small enough to ship."""
    parts = load(bench).description.parts
    assert parts is not None and parts.root is not None
    folder = bench.folder / "nano-as-klein"
    shutil.copytree(parts.root, folder)
    index = folder / "model_index.json"
    index.write_text(json.dumps(json.loads(index.read_text()) | {"_class_name": "Flux2KleinPipeline"}))
    return replace(bench, nano=str(folder))


def side(renderer: Renderer, steps: int, reuse: str) -> Side[Pictures]:
    reuse_requests = [replace(request, reuse=reuse) for request in requests(steps)]
    return Side(lambda _: dict(enumerate(map(levels_of, fresh(renderer).render(reuse_requests)))))
