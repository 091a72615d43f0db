"""The JSON Schema (draft 2020-12) of brand specs and jobs, for editors; derived from the pydantic models.

`python -m brandpress.pipeline.spec.json_schema` writes both files into docs/schema. A schema accepts everything that
`validate` accepts; `validate` finds more, for example names that the brand spec doesn't have.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from brandpress.pipeline.spec.brand import ROLES, BrandFields
from brandpress.pipeline.spec.campaign import Job
from brandpress.pipeline.spec.feed.feed_fields import FEED_NAMES, FeedFields
from brandpress.pipeline.spec.field_descriptions import DESCRIPTIONS
from brandpress.pipeline.spec.fields import READER
from brandpress.pipeline.spec.spec_kind import SpecKind
from brandpress.pipeline.spec.value_schemas import FIELD_SCHEMAS, FREE_FIELD, FREE_NAME, VALUE_SCHEMAS
from brandpress.pipeline.spec.yaml_values import EXTENSION

MODELS: Mapping[SpecKind, type[BaseModel]] = {"brand": BrandFields, "campaign": Job}
_TITLES: Mapping[SpecKind, str] = {"brand": "brandpress brand spec", "campaign": "brandpress campaign job"}
_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean"}


def schema_of(kind: SpecKind) -> dict[str, Any]:
    """Returns the JSON Schema of brand specs or of jobs, as plain JSON values."""
    model = MODELS[kind]
    generated = model.model_json_schema(by_alias=True, schema_generator=_Generator)
    definitions: dict[str, Any] = generated.pop("$defs", {})
    _describe(generated, model.__name__)
    for name, definition in definitions.items():
        _describe(definition, name)
        if "attributes" in definition.get("properties", {}):  # free fields, which files have beside the known ones
            del definition["properties"]["attributes"]
            definition |= {"additionalProperties": FREE_FIELD, "propertyNames": {"pattern": FREE_NAME}}
    if model is BrandFields:
        definitions["FeedFields"] = _feed_fields()
        for role in ROLES.values():
            generated["properties"][role] = _with_feed(generated["properties"][role])
    top = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:brandpress:schema:{kind}:1",
        "title": _TITLES[kind],
    }
    extension = {f"^{EXTENSION}": {"description": "Free for your own use; brandpress ignores it."}}
    return top | {**generated, **top, "patternProperties": extension} | {"$defs": dict(sorted(definitions.items()))}


def _feed_fields() -> dict[str, Any]:
    schema = FeedFields.model_json_schema(by_alias=True, schema_generator=_Generator)
    _describe(schema, "FeedFields")
    return schema


def _with_feed(entities: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the schema of entities by name that can also come from a feed: then the feed's fields aren't entities."""
    described = {name: value for name, value in entities.items() if name in ("description", "examples")}
    [(pattern, entity)] = entities["patternProperties"].items()
    by_hand = {"type": "object", "patternProperties": {pattern: entity}, "additionalProperties": False}
    other = f"^(?!(?:{'|'.join(FEED_NAMES)})$){pattern.removeprefix('^')}"
    feed = by_hand | {
        "properties": {name: {"$ref": f"#/$defs/FeedFields/properties/{name}"} for name in FEED_NAMES},
        "required": ["from", "key"],
        "patternProperties": {other: entity},
    }
    return {"anyOf": [by_hand | {"not": {"required": ["from"]}}, feed], **described}


def undescribed(schema: Mapping[str, Any]) -> list[str]:
    """Returns the fields without a description, such as `Job.prompt`: they belong into `field_descriptions`."""
    models = {schema["title"]: schema, **schema["$defs"]}
    return [
        f"{name}.{field}"
        for name, definition in models.items()
        for field, value in definition.get("properties", {}).items()
        if "description" not in value
    ]


def to_text(schema: Mapping[str, Any]) -> str:
    """Returns the schema as a file's text."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def file_name(kind: SpecKind) -> str:
    """Returns the name of a schema's file."""
    return f"{kind}.schema.json"


def write_schemas(folder: Path) -> None:
    """Writes both schemas into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind in MODELS:
        (folder / file_name(kind)).write_text(to_text(schema_of(kind)), encoding="utf-8")


class _Generator(GenerateJsonSchema):
    """Describes the values that our own parsers read; pydantic knows only the types that they return."""

    def function_plain_schema(self, schema: core_schema.PlainValidatorFunctionSchema) -> JsonSchemaValue:
        read, source = schema.get("metadata", {}).get(READER, (None, None))
        return dict(VALUE_SCHEMAS[read]) if read in VALUE_SCHEMAS else _of_type(source)

    def function_after_schema(self, schema: core_schema.AfterValidatorFunctionSchema) -> JsonSchemaValue:
        return {**super().function_after_schema(schema), **VALUE_SCHEMAS.get(schema["function"]["function"], {})}

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        described = super().dict_schema(schema)
        if "patternProperties" in described:  # pydantic lets other keys through, which its own validation doesn't
            described["additionalProperties"] = False
        return described

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Leaves defaults out that aren't written in YAML as Python has them."""
        described = super().default_schema(schema)
        if not isinstance(described.get("default"), str | bool | int | float):
            described.pop("default", None)
        return described

    def get_title_from_name(self, name: str) -> str:
        return name


def _of_type(source: Any) -> JsonSchemaValue:
    """Returns the schema of a value that is written as the type that it's read as; {} if that isn't known."""
    if get_origin(source) is Literal:
        return {"enum": list(get_args(source))}
    return {"type": _TYPES[source]} if source in _TYPES else {}


def _describe(definition: dict[str, Any], model: str) -> None:
    """Adds descriptions, examples and written-out schemas to the fields of a model."""
    definition.pop("title", None)
    for name, value in definition.get("properties", {}).items():
        value.pop("title", None)
        value.pop("description", None)
        if (model, name) in FIELD_SCHEMAS:
            value.clear()
            value.update(FIELD_SCHEMAS[model, name])
        described = DESCRIPTIONS.get(model, {}).get(name)
        if described is not None:
            value["description"] = described.text
            value["examples"] = list(described.examples)


if __name__ == "__main__":
    write_schemas(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/schema"))
