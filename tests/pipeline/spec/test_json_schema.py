"""The JSON Schemas agree with `validate` on the corpus and on the examples, and the shipped files are current."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from jsonschema.protocols import Validator

from brandpress.pipeline.spec.json_schema import MODELS, file_name, schema_of, to_text, undescribed, write_schemas
from brandpress.pipeline.spec.schedule import parse_duration
from brandpress.pipeline.spec.spec_kind import SpecKind
from tests.corpus.layout import CORPUS

ROOT = Path(__file__).parents[3]
KINDS: list[SpecKind] = ["brand", "campaign"]
GOOD = sorted(
    [
        *(CORPUS / "good").glob("*.yaml"),
        *(CORPUS / "northwind").glob("*.yaml"),
        *(ROOT / "jobs").glob("*.yaml"),
        *(ROOT / "specs").glob("*/brand.yaml"),
    ]
)
SHAPE = re.compile(r"unknown field|must be [\w ]+, not|isn't known|the field '\w+' is missing")
"""Messages about a problem that a schema has to find: unknown and missing fields, wrong types, wrong choices."""
ELSEWHERE = {"missing-size", "where-matrix", "where-nothing"}
"""The size is only needed if the matrix has no formats; fields in conditions are those of the brand's entities; a free
field is a mistake only if its name is similar to a known field's."""


def misshapen(case: Path) -> bool:
    """Returns whether a bad file has a problem that a schema has to find."""
    lines = (case / "expected.txt").read_text().splitlines()
    own = [line for line in lines if line.startswith(bad_file(case).name) and SHAPE.search(line)]
    return bool(own) and case.name not in ELSEWHERE


def bad_file(case: Path) -> Path:
    return case / ("job.yaml" if (case / "job.yaml").exists() else "brand.yaml")


BAD = sorted(case for case in (CORPUS / "bad").iterdir() if misshapen(case))
VALIDATORS = {kind: Draft202012Validator(schema_of(kind)) for kind in KINDS}


def validator(file: Path) -> Validator:
    return VALIDATORS["brand" if file.name == "brand.yaml" else "campaign"]


def errors(file: Path) -> list[str]:
    return [
        f"{error.json_path}: {error.message}" for error in validator(file).iter_errors(yaml.safe_load(file.read_text()))
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_the_schemas_are_valid_and_their_files_are_current(kind: SpecKind) -> None:
    """If this fails: `python -m brandpress.pipeline.spec.json_schema`."""
    Draft202012Validator.check_schema(schema_of(kind))
    assert (ROOT / "docs" / "schema" / file_name(kind)).read_text() == to_text(schema_of(kind))


@pytest.mark.parametrize("file", GOOD, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_what_is_valid_satisfies_the_schema(file: Path) -> None:
    assert errors(file) == []


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.name)
def test_the_schema_finds_unknown_fields_wrong_types_and_wrong_choices(case: Path) -> None:
    assert errors(bad_file(case))


def test_enough_bad_files_are_checked() -> None:
    assert len(BAD) >= 40


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_has_a_description_and_valid_examples(kind: SpecKind) -> None:
    schema = schema_of(kind)
    assert undescribed(schema) == []
    for definition in (schema, *schema["$defs"].values()):
        for name, field in definition.get("properties", {}).items():
            assert field["examples"], name
            whole = {**field, "$defs": schema["$defs"]}
            for example in field["examples"]:
                Draft202012Validator(whole).validate(example)


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_names_the_fields_that_files_have(kind: SpecKind) -> None:
    schema = schema_of(kind)
    fields = {info.alias or name: info for name, info in MODELS[kind].model_fields.items()}
    assert set(schema["properties"]) == set(fields)
    assert set(schema["required"]) == {name for name, info in fields.items() if info.is_required()}
    assert schema["additionalProperties"] is False


JOB: dict[str, Any] = yaml.safe_load((CORPUS / "good" / "smallest.yaml").read_text())


@pytest.mark.parametrize(
    ("changes", "valid"),
    [
        ({"x-anything": [1]}, True),
        ({"seeds": [1, 1]}, False),
        ({"seeds": 0}, False),
        ({"size": "128 x 128"}, False),
        ({"references": "product"}, False),
        ({"references": ["producs"]}, False),
        ({"quality": {}}, False),
        ({"quality": "best"}, False),
        ({"quality": {"steps": 20}}, True),
        ({"publish": "sometimes"}, False),
        ({"allow_failed": "2%"}, True),
        ({"allow_failed": "2"}, False),
        ({"model": {"base": "nano", "quantise": "int3"}}, False),
        ({"prompt": {"scene": "{{ product }}"}}, True),
        ({"prompt": []}, False),
        ({"negative_prompt": "{{ product }}"}, False),
        ({"output": {"format": "gif"}}, False),
        ({"matrix": {"product": "mug"}}, False),
        ({"matrix": {"product": "*", "format": {"square": "64x64"}}}, True),
        ({"matrix": {"Scene": ["on a beach"]}}, False),
        ({"matrix": {"scene": {"beach": 5}}}, False),
        ({"include": [{"scene": {"beach": "on a beach"}}]}, True),
        ({"deliver": None}, False),
    ],
)
def test_values_of_a_job(changes: dict[str, Any], valid: bool) -> None:
    assert VALIDATORS["campaign"].is_valid(JOB | changes) is valid


def test_the_command_for_the_files(tmp_path: Path) -> None:
    write_schemas(tmp_path / "new")
    assert sorted(file.name for file in (tmp_path / "new").iterdir()) == ["brand.schema.json", "campaign.schema.json"]


@pytest.mark.parametrize("deadline", ["6H", "45MIN", "1d"])
def test_units_of_time_can_be_in_capitals(deadline: str) -> None:
    job = yaml.safe_load((CORPUS / "good" / "smallest.yaml").read_text())
    job["schedule"] = {"cron": "0 3 * * MON", "deadline": deadline}
    assert not list(VALIDATORS["campaign"].iter_errors(job))
    assert parse_duration(deadline)
