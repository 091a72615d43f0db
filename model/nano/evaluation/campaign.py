"""Renders a stranger's pictures as a stranger does: a brand and a job in YAML, and `brandpress render`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import yaml
from PIL import Image

from brandpress.model.nano.evaluation.brand import Brand, Subject
from brandpress.model.nano.evaluation.shots import Shot

BRAND = "stranger"


def render_campaign(
    folder: Path, brand: Brand, shots: Sequence[Shot], model: str, size: int, seeds: Sequence[int]
) -> list[Image.Image]:
    """Returns the pictures of shots of a product with a character, rendered by the command line: shot by shot, one with
    each seed.

    folder: an empty folder for the specs and the pictures. Raises RuntimeError with the command's messages if it fails.
    """
    job = write_campaign(folder, brand, shots, model, size, seeds)
    command = [sys.executable, "-m", "brandpress.pipeline.cli", "render", str(job)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    if done.returncode:
        raise RuntimeError(f"brandpress render failed with exit code {done.returncode}:\n{done.stdout}{done.stderr}")
    pictures = []
    for index, seed in product(range(len(shots)), seeds):
        (file,) = (folder / "out").rglob(f"{shot_name(index)}-s{seed}.*.png")
        with Image.open(file) as picture:
            pictures.append(picture.convert("RGB"))
    return pictures


def write_campaign(
    folder: Path, brand: Brand, shots: Sequence[Shot], model: str, size: int, seeds: Sequence[int]
) -> Path:
    """Writes the brand with its references, and the job. Returns the job's file. model: a name or a folder."""
    brand_spec: dict[str, Any] = {"brand": BRAND}
    for kind, subjects in (("products", brand.products), ("characters", brand.characters)):
        brand_spec[kind] = {}
        for subject in subjects:
            path = Path("references") / f"{key(subject)}.png"
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            subject.reference().save(folder / path)
            brand_spec[kind][key(subject)] = {"description": subject.coloured, "references": [str(path)]}
    job = {
        "campaign": BRAND,
        "brand": "brand.yaml",
        "model": str(Path(model).resolve()) if Path(model).is_dir() else model,
        "matrix": {"shot": {shot_name(index): shot.prompt for index, shot in enumerate(shots)}},
        "include": [
            {"shot": shot_name(index), "product": key(shot.references[0]), "character": key(shot.references[1])}
            for index, shot in enumerate(shots)
        ],
        "prompt": "{{ shot }}",
        "references": ["product", "character"],
        "size": f"{size}x{size}",
        "seeds": list(seeds),
        "output": {"name": "{{ shot }}-s{{ seed }}"},
        "deliver": "out",
    }
    (folder / "brand.yaml").write_text(yaml.safe_dump(brand_spec, sort_keys=False), "utf-8")
    file = folder / "job.yaml"
    file.write_text(yaml.safe_dump(job, sort_keys=False), "utf-8")
    return file


def shot_name(index: int) -> str:
    """Returns the name of a shot in the job."""
    return f"shot{index:02}"


def key(subject: Subject) -> str:
    """Returns a subject's name in the spec."""
    return subject.noun.replace(" ", "-")
