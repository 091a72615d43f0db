"""nano, the trained model that ships: the time of a single picture, and the effect of `reuse: approximate`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from brandpress.model import Renderer, RenderRequest
from tests.bench.alternate import Comparison, Side, alternate, compare
from tests.bench.bench import Bench
from tests.bench.campaign import LEVELS, Pictures, largest_difference, psnr
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
"""The size to which nano scales references. diffusers would use larger ones unscaled."""


def load(bench: Bench) -> Renderer:
    """Returns nano's renderer, in float32 on the CPU."""
    renderer = Renderer.load(bench.nano, device="cpu", dtype="float32")
    assert isinstance(renderer, Renderer)
    return renderer


def requests(steps: int) -> list[RenderRequest]:
    """Returns requests like those nano was trained on, with three references of the northwind brand."""
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
    """Yields the time of one picture with empty caches."""
    renderer = load(bench)
    description = renderer.description
    assert description.parts is not None and description.parts.root is not None
    pipeline: Any = load_pipeline(description.parts.root)
    request = requests(1 if bench.quick else 4)[0]
    shrunk = tuple(picture.resize((REFERENCE_SIDE, REFERENCE_SIDE)) for picture in request.references)
    request = replace(request, references=shrunk)
    comparison: Comparison[Pictures] = Comparison(
        "nano",
        lambda: {0: levels_of(fresh(renderer).render([request])[0])},
        lambda: {0: judged(pipeline, request, description.text_length, description.text_layers or (9, 18, 27))},
        largest_difference,
        LEVELS,
    )
    result = compare(comparison, bench.rounds, lambda line: bench.log(f"nano: {line}"))
    yield Row(
        "nano",
        f"nano, one {SIDE}x{SIDE} picture, {len(ITEMS)} references, {request.steps} steps",
        "The shipped model with empty caches: the time of a single picture that can reuse nothing.",
        result.ours,
        result.theirs,
        difference=Difference(result.difference, "levels", result.allowed),
    )


def approximate(bench: Bench) -> Iterator[Row]:
    """Yields the rows of approximate against exact pictures, for several numbers of steps."""
    renderer = load(as_klein(bench))
    for steps in QUICK_STEPS if bench.quick else STEPS:
        yield compare_reuse(renderer, steps, bench)


def compare_reuse(renderer: Renderer, steps: int, bench: Bench) -> Row:
    """Returns the row of approximate against exact pictures."""
    decibels: list[float] = []

    def judge(results: Mapping[str, Pictures]) -> None:
        decibels.append(psnr(results["exact"], results["approximate"]))

    sides = {reuse: side(renderer, steps, reuse) for reuse in ("exact", "approximate")}
    seconds = alternate(sides, bench.rounds, judge, lambda line: bench.log(f"nano, {steps} steps: {line}"))
    return Row(
        "nano-approximate",
        f"nano, {len(SCENES)} pictures, {len(ITEMS)} references, {steps} steps, approximate",
        f"{SIDE}x{SIDE}, references of specs/northwind, a different prompt and seed for each picture. nano's weights "
        "are run with full attention, as in klein (nano itself needs no approximation). It wasn't trained for that, "
        "and its pictures are worse. PSNR is the minimum of all rounds.",
        seconds["approximate"],
        seconds["exact"],
        "exact",
        difference=Difference(min(decibels), "dB PSNR"),
        table="approximate on nano, against exact",
    )


def as_klein(bench: Bench) -> Bench:
    """Returns `bench` with a copy of nano that is marked as klein, so that references attend to all tokens.

    `reuse: approximate` is for such models; none that is trained is small enough to ship.
    """
    parts = load(bench).description.parts
    assert parts is not None and parts.root is not None
    folder = bench.folder / "nano-as-klein"
    shutil.copytree(parts.root, folder)
    index = folder / "model_index.json"
    index.write_text(json.dumps(json.loads(index.read_text()) | {"_class_name": "Flux2KleinPipeline"}))
    return replace(bench, nano=str(folder))


def side(renderer: Renderer, steps: int, reuse: str) -> Side[Pictures]:
    """Renders all pictures with empty caches and the given reuse."""
    reuse_requests = [replace(request, reuse=reuse) for request in requests(steps)]
    return Side(lambda _: dict(enumerate(map(levels_of, fresh(renderer).render(reuse_requests)))))
