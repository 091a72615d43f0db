"""Variants, records and asset contents for tests."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from brandpress.pipeline.deliver.contents import Contents
from brandpress.pipeline.deliver.manifest import Counts, Header, Published
from brandpress.pipeline.deliver.publication import publish
from brandpress.pipeline.deliver.record import ModelStamp, Record
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.store.protocol import Store, sha256_hex

MODEL = ModelStamp(name="nano", weights_digest="d" * 64, licence="Apache-2.0")
HEADER = Header(campaign="spring", brand="northwind", job="spring.yaml", spec_sha256="5" * 64, model=MODEL)


def variant(number: int) -> Variant:
    """Returns variant `number` of a fictitious campaign."""
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
    """Returns the record of variant `number`, with `changes`; done by default."""
    rendered = variant(number)
    fields: dict[str, Any] = {
        "name": rendered.name,
        "status": "done",
        "render_key": rendered.render_key,
        "width": 64,
        "height": 64,
        "format": "png",
        "prompt": rendered.prompt,
        "seed": number,
        "steps": 4,
        "guidance": 1.0,
        "model": MODEL,
        "axes": rendered.axes,
        "created": datetime(2026, 11, 23, 12, tzinfo=UTC),
    }
    return Record(**fields | changes)


def failed(number: int, cause: str = "it broke") -> Record:
    """Returns the record of variant `number` as failed."""
    return record(number, status="failed", cause=cause)


def data_of(number: int) -> bytes:
    """Returns the asset content of variant `number`."""
    return f"picture {number}".encode()


def contents(planned: int, records: Iterable[Record]) -> Contents:
    """Returns the contents of a manifest with these records."""
    ordered = sorted(records, key=lambda one: (one.name, one.render_key))
    done = tuple(one.to_json() for one in ordered if one.status == "done")
    other = tuple(one.to_json() for one in ordered if one.status != "done")
    missing = planned - len(done) - len(other)
    return Contents(Counts(planned=planned, done=len(done), failed=len(other), missing=missing), done, other)


def publish_records(
    folder: Store, header: Header, planned: int, records: Iterable[Record], refresh: Callable[[], Iterable[Record]]
) -> Published:
    """Publishes `records` as a campaign of `planned` variants. refresh: called if another run publishes meanwhile."""
    pending = [list(records)]

    def compose(previous: Published | None) -> Contents:
        return contents(planned, pending.pop() if pending else refresh())

    publication = publish(folder, header, compose)
    assert publication is not None
    return publication.published


def write_manifest_0_1_0(folder: Store, records: Iterable[Record]) -> None:
    """Publishes done records as version 0.1.0 did."""
    lines = b"".join(one.to_json() + b"\n" for one in records)
    count = lines.count(b"\n")
    header = {
        "campaign": "spring",
        "brand": "northwind",
        "spec_sha256": "5" * 64,
        "model": {"name": "nano", "weights_digest": "d" * 64, "licence": "Apache-2.0"},
        "number": 1,
        "created": "2026-11-23T12:00:00Z",
        "status": "done",
        "counts": {"planned": count, "done": count, "failed": 0},
        "parts": [{"file": "variants.jsonl", "sha256": sha256_hex(lines), "records": count}],
    }
    data = json.dumps(header).encode()
    pointer = {"manifest": "manifests/00000001/manifest.json", "sha256": sha256_hex(data)}
    folder.create("manifests/00000001/variants.jsonl", lines, "application/jsonl")
    folder.create("manifests/00000001/manifest.json", data, "application/json")
    folder.create("latest.json", json.dumps(pointer).encode(), "application/json")
