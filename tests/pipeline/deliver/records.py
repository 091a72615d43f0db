"""Records and pictures for tests of the store's contents."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from brandpress.pipeline.deliver.manifest import Header
from brandpress.pipeline.deliver.record import ModelStamp, Record
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.store.protocol import sha256_hex

MODEL = ModelStamp(name="nano", weights_digest="d" * 64, licence="Apache-2.0")
HEADER = Header(campaign="spring", brand="northwind", spec_sha256="5" * 64, model=MODEL)


def variant(number: int) -> Variant:
    """Variant `number` of a made-up campaign."""
    return Variant(
        name=f"mug/scene{number:03}",
        axes={"product": "mug", "scene": f"scene{number}"},
        prompt=f"a mug, scene {number}",
        references=(),
        width=64,
        height=64,
        steps=4,
        guidance=1.0,
        seed=number,
        format="png",
        render_key=sha256_hex(str(number).encode()),
    )


def record(number: int, **changes: Any) -> Record:
    """The record of variant `number`, done unless changed."""
    made = variant(number)
    fields: dict[str, Any] = {
        "name": made.name,
        "status": "done",
        "render_key": made.render_key,
        "width": 64,
        "height": 64,
        "format": "png",
        "prompt": made.prompt,
        "seed": number,
        "steps": 4,
        "guidance": 1.0,
        "model": MODEL,
        "axes": made.axes,
        "created": datetime(2026, 11, 23, 12, tzinfo=UTC),
    }
    return Record(**fields | changes)


def failed(number: int, cause: str = "it broke") -> Record:
    """The record of variant `number`, failed."""
    return record(number, status="failed", cause=cause)


def data_of(number: int) -> bytes:
    """The bytes of variant `number`'s asset."""
    return f"picture {number}".encode()
