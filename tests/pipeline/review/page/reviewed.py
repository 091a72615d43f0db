"""Reviewed pictures for tests of the page, without a store: drawn pictures with scores, verdicts and decisions."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from brandpress.pipeline.deliver.decisions import Decision
from brandpress.pipeline.deliver.manifest import Counts, Manifest
from brandpress.pipeline.review.measures.scales import SCALES
from brandpress.pipeline.review.page.content import PageSettings, ReviewedPictures, page_content
from brandpress.pipeline.review.page.document import page_html
from brandpress.pipeline.review.page.thumbnails import Thumbnails, webp
from brandpress.pipeline.review.score import Score
from brandpress.pipeline.store.protocol import sha256_hex
from tests.pipeline.deliver.records import MODEL

ROOT = Path(__file__).parents[4]
REFERENCES = ROOT / "specs" / "northwind" / "references"
PRODUCTS = ("backpack", "bottle", "mug", "sneaker", "teapot-left")
CHARACTERS = ("fox", "frog", "panda", "robot")
SCENES = {"beach": "#f2d7a0", "lake": "#9fc5d9", "snow": "#e9eef3", "studio": "#d8c3e8"}
PALETTE = {"pine": "#1f4d3a", "snow": "#f7f7f2", "sun": "#f2b705"}
CREATED = "2026-11-23T12:00:00Z"


def reviewed_pictures(count: int, *, hostile: bool = False) -> ReviewedPictures:
    """Returns `count` pictures of products, characters and scenes, with several seeds; some are decided and judged.

    hostile: their texts contain what would end a script or an attribute.
    """
    seeds = range(-(-count // (len(PRODUCTS) * len(CHARACTERS) * len(SCENES))))
    points = list(itertools.product(seeds, PRODUCTS, CHARACTERS, SCENES))[:count]
    records = [_record(*point, hostile=hostile) for point in points]
    records.sort(key=lambda record: str(record["name"]))
    scores = {str(record["sha256"]): _scores(number) for number, record in enumerate(records)}
    decisions = {}
    for number, record in enumerate(records):
        if number % 9 in (3, 7):
            decisions[record["sha256"]] = decision_about(record, "approved" if number % 9 == 3 else "rejected")
    return ReviewedPictures(
        manifest=manifest_of(count),
        records=records,
        decisions=decisions,
        scores=scores,
        scales=SCALES,
        references=frozenset(reference_digest(name) for name in (*PRODUCTS, *CHARACTERS)),
        palette=PALETTE,
    )


def manifest_of(count: int) -> Manifest:
    """Returns the header of a manifest with `count` pictures."""
    return Manifest(
        campaign="spring",
        brand="northwind",
        spec_sha256="5" * 64,
        model=MODEL,
        number=12,
        created=datetime(2026, 11, 24, 9, 30, tzinfo=UTC),
        status="done",
        counts=Counts(planned=count, done=count, failed=0, missing=0),
        parts=(),
    )


def decision_about(record: Mapping[str, Any], decision: str, reason: str = "") -> Decision:
    """Returns a decision about a record's picture."""
    return Decision.model_validate(
        {
            "name": record["name"],
            "render_key": record["render_key"],
            "sha256": record["sha256"],
            "decision": decision,
            "reason": reason or ("wrong product" if decision == "rejected" else ""),
            "by": "ana",
            "at": datetime(2026, 11, 24, 10, tzinfo=UTC),
        }
    )


def reference_digest(name: str) -> str:
    """Returns the SHA-256 of a reference picture."""
    return sha256_hex((REFERENCES / f"{name}.png").read_bytes())


def _record(round_: int, product: str, character: str, scene: str, *, hostile: bool) -> dict[str, Any]:
    name = f"{product}/{character}-{scene}-s{round_}"
    prompt = f"A {product} on the left and a cheerful {character} on the right, {scene}, soft light, plain ground"
    if hostile:
        prompt += '</script><script>document.title="broken"</script><img src=x onerror=alert(1)> "\'&amp;<!--'
    outcome = ("pass", "pass", "pass", "warn", "block")[(len(name) + round_ + len(scene)) % 5]
    reason = {
        "measure": "subject",
        "subject": f"product:{product}",
        "severity": outcome,
        "value": 0.41,
        "threshold": 0.6,
    }
    return {
        "name": name,
        "status": "done",
        "render_key": sha256_hex(f"key {name}".encode()),
        "asset": f"assets/{name}.0123456789abcdef.png",
        "sha256": sha256_hex(name.encode()),
        "bytes": 1_480_000,
        "width": 512,
        "height": 512,
        "format": "png",
        "prompt": prompt,
        "seed": round_,
        "steps": 4,
        "guidance": 1.0,
        "axes": {"product": product, "character": character, "scene": scene},
        "references": [
            {"role": role, "file": f"references/{one}.png", "sha256": reference_digest_of(one)}
            for role, one in (("product", product), ("character", character))
        ],
        "timings": {"model": 3.2 + 0.1 * (len(name) % 7)},
        "host": {"device": "NVIDIA H100"},
        "created": CREATED,
        "verdict": {
            "outcome": outcome,
            "reasons": [] if outcome == "pass" else [reason | {"text": "0.41, at least 0.6 is needed"}],
            "review": ["subject"] if round_ % 4 == 1 else [],
        },
        "gate_attempts": [
            {"seed": 90, "sha256": "a" * 64, "outcome": "block", "reasons": [{"text": "0.2, at least 0.6 is needed"}]}
        ]
        if round_ % 5 == 0
        else [],
    }


_DIGESTS: dict[str, str] = {}


def reference_digest_of(name: str) -> str:
    """Returns the SHA-256 of a reference picture, which is read once."""
    return _DIGESTS.setdefault(name, reference_digest(name))


def _scores(number: int) -> tuple[Score, ...]:
    return (
        Score("noise", 0.01 + (number * 37 % 100) / 900),
        Score("subject", 0.45 + (number * 53 % 100) / 200, "product:mug"),
        Score("palette", 3 + number * 29 % 17),
        Score("text", None, reason="the prompt quotes no copy"),
    )


def write_reviewed(out: Path, reviewed: ReviewedPictures, **settings: Any) -> Path:
    """Writes the page with drawn thumbnails, and returns its file. Pictures with the same axes have the same one."""
    thumbnails = Thumbnails(out)
    drawn: dict[tuple[str, ...], bytes] = {}
    (out / "thumbnails").mkdir(parents=True, exist_ok=True)
    for record in reviewed.records:
        axes = tuple(record["axes"].values())
        if axes not in drawn:
            drawn[axes] = webp(draw(*axes))
        thumbnails.file(record["sha256"]).write_bytes(drawn[axes])
    for name in (*PRODUCTS, *CHARACTERS):
        thumbnails.file(reference_digest_of(name)).write_bytes(webp((REFERENCES / f"{name}.png").read_bytes()))
    page = out / "index.html"
    page.write_bytes(page_html(page_content(reviewed, PageSettings(**settings))))
    return page


def draw(product: str, character: str, scene: str, side: int = 512) -> bytes:
    """Returns a PNG that shows a product and a character on the scene's colour."""
    picture = Image.new("RGB", (side, side), SCENES[scene])
    floor = Image.new("RGB", (side, side // 4), SCENES[scene]).point(lambda level: level * 9 // 10)
    picture.paste(floor, (0, side * 3 // 4))
    for name, left in ((product, 0.05), (character, 0.5)):
        with Image.open(REFERENCES / f"{name}.png") as opened:
            subject = opened.convert("RGBA").resize((side * 45 // 100, side * 45 // 100))
        picture.paste(subject, (round(left * side), side * 2 // 5), subject)
    content = BytesIO()
    picture.save(content, "PNG")
    return content.getvalue()
