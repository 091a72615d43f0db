"""Records: their fields, and that reading and writing them loses nothing."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import pytest

from brandpress.model.choice import LoraChoice, ModelChoice
from brandpress.model.sampler_version import SAMPLER
from brandpress.model.sampling_params import SamplingParams
from brandpress.pipeline.deliver.delivery import parse_record
from brandpress.pipeline.deliver.record import LoraStamp, Record, ReferenceStamp, new_record, stamp_of
from brandpress.pipeline.plan.variant import Reference
from brandpress.pipeline.store.protocol import StoreError
from tests.pipeline.deliver.records import MODEL, record, variant
from tests.pipeline.plan.keys import model

FIELDS = (
    *("name", "status", "render_key", "asset", "sha256", "bytes", "width", "height", "format", "prompt", "seed"),
    *("steps", "guidance", "model", "references", "axes", "attempts", "cause", "timings", "cache", "host", "created"),
)


def test_records_have_all_required_fields() -> None:
    assert set(FIELDS) <= json.loads(record(1).to_json()).keys()


RECORD_0_1_0 = (
    '{"name":"mug/scene001","status":"done","render_key":"6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"'
    f',"asset":"assets/a.png","sha256":"{"2" * 64}","bytes":7,"width":64,"height":64,"format":"png"'
    ',"prompt":"a mug, scene 1","seed":1,"steps":4,"guidance":1.0'
    f',"model":{{"name":"nano","weights_digest":"{"d" * 64}","licence":"Apache-2.0"}}'
    f',"references":[{{"role":"product","file":"mug.png","sha256":"{"1" * 64}"}}]'
    ',"axes":{"product":"mug","scene":"scene1"},"attempts":1,"cause":null,"timings":{"model":0.5},"cache":{"text":1}'
    ',"host":{"device":"cpu"},"tool":"brandpress 0.1.0","created":"2026-11-23T12:00:00Z"}'
).encode()
"""A record as 0.1.0 wrote it."""

REQUEST = {"negative_prompt": "a blur", "reference_pixels": 4096, "reuse": "approximate"}
RESULTS = {"enlarged_from": "48x64", "prompt_upsampled": "a mug, in detail", "cost": 4.5}


def test_a_record_of_0_1_0_is_written_as_it_was_read() -> None:
    assert parse_record(RECORD_0_1_0, "here").to_json() == RECORD_0_1_0


def test_later_fields_are_omitted_at_their_defaults() -> None:
    stamp = MODEL.model_copy(update={"quantisation": "fp8", "loras": (LoraStamp(file="a.safetensors", scale=0.8),)})
    reference = ReferenceStamp(role="product", file="mug.png", sha256="1" * 64, background="#1f4d3a")
    original = record(1, steps=None, guidance=None, model=stamp, references=(reference,), **REQUEST, **RESULTS)
    values = json.loads(original.to_json())
    assert {name: values[name] for name in (*REQUEST, *RESULTS)} == REQUEST | RESULTS
    assert (values["steps"], values["guidance"]) == (None, None)
    assert values["model"]["quantisation"] == "fp8"
    assert values["model"]["loras"] == [{"file": "a.safetensors", "scale": 0.8}]
    assert values["references"][0]["background"] == "#1f4d3a"
    assert parse_record(original.to_json(), "here") == original
    assert not {*REQUEST, *RESULTS} & json.loads(record(1).to_json()).keys()


def test_a_record_with_every_sampling_parameter_set_has_a_fixed_order_of_fields() -> None:
    line = record(1, steps=None, guidance=2.5, tool="brandpress 0.1.0", **REQUEST, **RESULTS).to_json().decode()
    assert '"height":64,"enlarged_from":"48x64","format":"png","prompt":' in line
    assert line.partition('"format":"png",')[2].startswith(
        '"prompt":"a mug, scene 1","negative_prompt":"a blur","prompt_upsampled":"a mug, in detail",'
        '"seed":1,"steps":null,"guidance":2.5,"model":'
    )
    assert ',"references":[],"reference_pixels":4096,"reuse":"approximate","axes":{' in line


def test_a_record_has_every_sampling_parameter() -> None:
    """Except `upsample`, which `prompt_upsampled` implies."""
    assert {field.name for field in fields(SamplingParams)} - Record.model_fields.keys() == {"upsample"}


def test_a_model_stamp_has_lora_names_and_no_paths() -> None:
    loras = (LoraChoice("/private/loras/style.safetensors", 0.8), LoraChoice("/private/other.safetensors"))
    stamp = stamp_of(model(choice=ModelChoice("/private/klein", loras=loras, quantise="fp8")))
    assert (stamp.name, stamp.quantisation) == ("some-model", "fp8")
    assert [(lora.file, lora.scale) for lora in stamp.loras] == [("style.safetensors", 0.8), ("other.safetensors", 1.0)]
    assert "private" not in stamp.model_dump_json()
    assert stamp_of(model()).model_dump() == {
        "name": "some-model",
        "weights_digest": "ab" * 32,
        "licence": "Apache-2.0",
        "sampler": SAMPLER,
    }


def test_records_survive_a_round_trip() -> None:
    original = record(
        1, prompt='Füchse ❄ \u2028 \n "quoted"', timings={"model": 0.1 + 0.2}, cache={"text": 1}, host={"device": "cpu"}
    )
    line = original.to_json()
    assert len(line.splitlines()) == 1
    assert parse_record(line, "here") == original
    assert parse_record(line, "here").to_json() == line


def test_a_new_record_describes_its_variant(tmp_path: Path) -> None:
    plain = variant(3)
    reference = Reference("product", "references/mug.png", tmp_path / "private" / "mug.png", "f" * 64)
    on_pine = Reference("style", "references/dawn.png", tmp_path / "dawn.png", "e" * 64, "#1f4d3a")
    rendered = replace(plain, references=(reference, on_pine), **REQUEST)
    original = new_record(rendered, MODEL, "failed", cause="it broke", strikes=1)
    values = json.loads(original.to_json())
    assert values["references"] == [
        {"role": "product", "file": "references/mug.png", "sha256": "f" * 64},
        {"role": "style", "file": "references/dawn.png", "sha256": "e" * 64, "background": "#1f4d3a"},
    ]
    assert {name: values[name] for name in REQUEST} == REQUEST
    assert (values["status"], values["attempts"], values["strikes"], values["cause"]) == ("failed", 1, 1, "it broke")
    assert (values["asset"], values["sha256"], values["bytes"]) == (None, None, None)
    assert values["created"].endswith("Z")
    assert str(tmp_path) not in original.to_json().decode()
    assert original.key == f"records/{plain.render_key}.json"


def test_unknown_fields_are_ignored() -> None:
    later = json.loads(record(1).to_json()) | {"invented_later": [1, 2]}
    assert Record.model_validate_json(json.dumps(later)) == record(1)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "invalid: JSON"),
        (b"\xff\xfe", "invalid: JSON"),
        (b"[]", "invalid: JSON"),
        (json.dumps(json.loads(record(1).to_json()) | {"status": "perhaps"}).encode(), "invalid: status"),
        (json.dumps(json.loads(record(1).to_json()) | {"model": {"name": "nano"}}).encode(), "invalid: model.licence"),
    ],
)
def test_invalid_records_are_reported_with_their_location(data: bytes, message: str) -> None:
    with pytest.raises(StoreError, match=f"out/records/x.json: not a valid brandpress record .*{message}"):
        parse_record(data, "out/records/x.json")
