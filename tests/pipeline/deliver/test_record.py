"""A record says everything that DESIGN.md asks for, and survives being written and read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.deliver.delivery import parse_record
from pipeline.deliver.record import Record, new_record
from pipeline.deliver.store import StoreError
from pipeline.plan.variant import Reference, Variant
from tests.pipeline.deliver.records import MODEL, record, variant

FIELDS = (
    *("name", "status", "render_key", "asset", "sha256", "bytes", "width", "height", "format", "prompt", "seed"),
    *("steps", "guidance", "model", "references", "axes", "attempts", "cause", "timings", "cache", "host", "created"),
)


def test_it_has_every_field_of_the_design() -> None:
    assert set(FIELDS) <= json.loads(record(1).to_json()).keys()


def test_writing_and_reading_gives_the_same_bytes() -> None:
    made = record(
        1, prompt='Füchse ❄ \u2028 \n "quoted"', timings={"model": 0.1 + 0.2}, cache={"text": 1}, host={"device": "cpu"}
    )
    line = made.to_json()
    assert len(line.splitlines()) == 1
    assert parse_record(line, "here") == made
    assert parse_record(line, "here").to_json() == line


def test_a_new_record_tells_of_its_variant(tmp_path: Path) -> None:
    plain = variant(3)
    reference = Reference("product", "references/mug.png", tmp_path / "private" / "mug.png", "f" * 64)
    with_reference = Variant(
        **{name: getattr(plain, name) for name in Variant.__dataclass_fields__} | {"references": (reference,)}
    )
    made = new_record(with_reference, MODEL, "failed", attempts=2, cause="it broke")
    told = json.loads(made.to_json())
    assert told["references"] == [{"role": "product", "file": "references/mug.png", "sha256": "f" * 64}]
    assert (told["status"], told["attempts"], told["cause"]) == ("failed", 2, "it broke")
    assert (told["asset"], told["sha256"], told["bytes"]) == (None, None, None)
    assert told["created"].endswith("Z")
    assert str(tmp_path) not in made.to_json().decode()
    assert made.key == f"records/{plain.render_key}.json"


def test_fields_of_a_later_version_do_no_harm() -> None:
    later = json.loads(record(1).to_json()) | {"invented_later": [1, 2]}
    assert Record.model_validate_json(json.dumps(later)) == record(1)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "wrong: JSON"),
        (b"\xff\xfe", "wrong: JSON"),
        (b"[]", "wrong: JSON"),
        (json.dumps(json.loads(record(1).to_json()) | {"status": "perhaps"}).encode(), "wrong: status"),
        (json.dumps(json.loads(record(1).to_json()) | {"model": {"name": "nano"}}).encode(), "wrong: model.licence"),
    ],
)
def test_what_is_no_record_is_told_with_its_place(data: bytes, words: str) -> None:
    with pytest.raises(StoreError, match=f"out/records/x.json: isn't a record .*{words}"):
        parse_record(data, "out/records/x.json")
