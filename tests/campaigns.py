"""Small campaigns on disk, as people write them, for tests of what comes after the plan."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from PIL import Image, ImageDraw

from brandpress.pipeline.plan.expand import Plan, make_plan
from brandpress.pipeline.spec.load import load_campaign

PRODUCTS = {"mug": "#1f4d3a", "bottle": "#20639b", "lamp": "#d1495b"}


def write_campaign(
    folder: Path,
    scenes: Mapping[str, str] | int,
    *,
    products: tuple[str, ...] = ("mug", "bottle"),
    deliver: str | None = None,
    model: str | Mapping[str, object] | None = None,
    size: str = "64x64",
    format: str = "png",
    **fields: object,
) -> Path:
    """A job file `spring.yaml` with its brand, references and, unless `model` is given, a checkpoint without weights.

    scenes: the free axis, or how many plain scenes it has; there is a variant for each product and scene.
    deliver: else `out` beside it. fields: of the job, besides or instead.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(scenes, int):
        scenes = {f"scene{number:02}": f"in scene {number}" for number in range(scenes)}
    for name in products:
        draw_reference(folder / f"{name}.png", PRODUCTS[name])
    brand = {
        "brand": "northwind",
        "products": {name: {"description": f"a {name}", "references": [f"{name}.png"]} for name in products},
    }
    job = {
        "campaign": "spring",
        "brand": "brand.yaml",
        "model": model or write_checkpoint(folder / "checkpoint").name,
        "matrix": {"product": list(products), "scene": dict(scenes)},
        "prompt": "{{ product.description }} {{ scene }}",
        "references": ["product"],
        "size": size,
        "output": {"format": format, "name": "{{ product }}/{{ scene }}"},
        "deliver": deliver or "out",
        **fields,
    }
    (folder / "brand.yaml").write_text(json.dumps(brand))
    file = folder / "spring.yaml"
    file.write_text(json.dumps(job))
    return file


def plan_of(file: Path) -> Plan:
    """The plan of a job file."""
    return make_plan(load_campaign(file))


def write_checkpoint(folder: Path, *, whole: bool = False) -> Path:
    """What a checkpoint's folder needs to be described and planned with; there are no weights in it.

    whole: with all parts, as it needs when one of them is replaced.
    """
    (folder / "transformer").mkdir(parents=True)
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "Flux2KleinPipeline", "is_distilled": True}))
    (folder / "transformer" / "config.json").write_text(json.dumps({"num_attention_heads": 24}))
    for part in ("vae/config", "text_encoder/config", "tokenizer/tokenizer") if whole else ():
        (folder / part).parent.mkdir()
        (folder / f"{part}.json").write_text("{}")
    return folder


def draw_reference(file: Path, colour: str) -> Path:
    """A reference picture: a shape on white."""
    picture = Image.new("RGB", (96, 80), "white")
    ImageDraw.Draw(picture).ellipse((20, 12, 76, 68), fill=colour)
    picture.save(file)
    return file
