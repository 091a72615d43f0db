"""Writes small campaigns to disk, for tests of rendering, delivery and review."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from PIL import Image, ImageDraw

from brandpress.pipeline.plan.expand import Plan, make_plan
from brandpress.pipeline.spec.load import load_campaign
from tests.model.sparse import sparse_checkpoint

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
    """Write a job file `spring.yaml`, its brand spec and references, and return the job file's path.

    scenes: the values of the free axis, or a number of generated ones; each product and scene is a variant.
    deliver: `out` beside the job file by default. model: a checkpoint without weights by default.
    fields: added to the job, or replacing its fields.
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
    """Returns the plan of a job file."""
    return make_plan(load_campaign(file))


def write_checkpoint(folder: Path) -> Path:
    """Write a small checkpoint without values, enough to plan with it, and return the folder."""
    return sparse_checkpoint(folder, _class_name="Flux2KleinPipeline", is_distilled=True)


def draw_reference(file: Path, colour: str) -> Path:
    """Write a reference picture, an ellipse on white, and return its path."""
    picture = Image.new("RGB", (96, 80), "white")
    ImageDraw.Draw(picture).ellipse((20, 12, 76, 68), fill=colour)
    picture.save(file)
    return file
