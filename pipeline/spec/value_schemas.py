"""JSON Schemas of the values that our own parsers read, and of fields without a type of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from brandpress.model.request import MAX_REFERENCE_PIXELS, MIN_REFERENCE_PIXELS
from brandpress.pipeline.spec.axes import FORMAT, RESERVED
from brandpress.pipeline.spec.brand import ROLES, parse_background, parse_colour
from brandpress.pipeline.spec.budget import Budget
from brandpress.pipeline.spec.campaign import (
    MAX_SEED,
    MAX_VARIANTS,
    Custom,
    parse_negative_prompt,
    parse_prompt,
    parse_references,
    parse_seeds,
    parse_template,
)
from brandpress.pipeline.spec.feed.feed_fields import MAX_MAPPED, parse_map
from brandpress.pipeline.spec.fields import MAX_SLUG, MAX_TEMPLATE, MAX_TEXT, parse_name, parse_sku, plain_text
from brandpress.pipeline.spec.free_fields import MAX_FREE_TEXT, MAX_ITEMS, MAX_LOCALES
from brandpress.pipeline.spec.model_field import MAX_LORAS, MAX_SCALE, check_count, parse_model_name, parse_scale
from brandpress.pipeline.spec.on_finish import RESULTS, parse_results, parse_variable, parse_webhook_url
from brandpress.pipeline.spec.provenance import parse_key_env
from brandpress.pipeline.spec.public_url import parse_public_url
from brandpress.pipeline.spec.publication import parse_allowed_failures
from brandpress.pipeline.spec.quality_gate import (
    CALIBRATED,
    MEASURES,
    MeasureRule,
    QualityGate,
    parse_measure,
    parse_sample,
    parse_short_rule,
    parse_threshold,
)
from brandpress.pipeline.spec.schedule import MAX_CRON, parse_catch_up, parse_cron, parse_duration, parse_timezone
from brandpress.pipeline.spec.size import parse_area, parse_size
from brandpress.pipeline.spec.where import parse_condition

Schema = Mapping[str, Any]

_SLUG = {"pattern": "^[a-z0-9]+([-_][a-z0-9]+)*$", "maxLength": MAX_SLUG}
_COLOUR = {"type": "string", "pattern": "^#[0-9a-fA-F]{6}$"}
_SIZE = {"type": "string", "pattern": "^\\s*[0-9]{1,6}x[0-9]{1,6}\\s*$"}


def _text(limit: int) -> Schema:
    return {"type": "string", "pattern": "\\S", "maxLength": limit}


def _any_of(*schemas: Schema) -> Schema:
    return {"anyOf": list(schemas)}


_STRUCTURES: tuple[Schema, ...] = ({"type": "object", "minProperties": 1}, {"type": "array", "minItems": 1})

_THRESHOLD = _any_of({"type": "number"}, {"const": CALIBRATED})
_CONDITION = _text(MAX_TEXT)
_COLUMN = _text(200)
_SCALAR = _any_of(_text(MAX_FREE_TEXT), {"type": ["number", "boolean"]})
_FREE_VALUE = _any_of(*_SCALAR["anyOf"], {"type": "array", "items": _SCALAR, "minItems": 1, "maxItems": MAX_ITEMS})

FREE_NAME = "^[a-z][a-z0-9_]{0,39}$"
FREE_FIELD = _any_of(
    *_FREE_VALUE["anyOf"],
    {
        "type": "object",
        "propertyNames": _SLUG,
        "additionalProperties": _FREE_VALUE,
        "minProperties": 1,
        "maxProperties": MAX_LOCALES,
    },
)
"""The value of a free field: text, a number, a boolean, a list of these, or locales with one of these each."""

VALUE_SCHEMAS: Mapping[Callable[..., Any], Schema] = {
    plain_text: _text(MAX_TEXT),
    parse_name: _SLUG,
    parse_template: _text(MAX_TEMPLATE),
    parse_prompt: _any_of(_text(MAX_TEMPLATE), *_STRUCTURES),
    parse_negative_prompt: _any_of({**_text(MAX_TEMPLATE), "not": {"pattern": "\\{\\{|\\{%"}}, *_STRUCTURES),
    parse_model_name: _text(MAX_TEXT),
    parse_scale: {"type": "number", "minimum": -MAX_SCALE, "maximum": MAX_SCALE},
    check_count: {"maxItems": MAX_LORAS},
    Custom.check: {"minProperties": 1},
    parse_colour: _COLOUR,
    parse_background: _any_of(_COLOUR, {"type": "string", "pattern": "^\\s*[^#\\s]", "maxLength": MAX_TEXT}),
    parse_sku: _text(64),
    parse_size: _SIZE,
    parse_area: _any_of(
        {"type": "integer", "minimum": MIN_REFERENCE_PIXELS, "maximum": MAX_REFERENCE_PIXELS},
        {"type": "string", "pattern": "^\\s*[0-9]{1,7}x[0-9]{1,7}\\s*$"},
    ),
    parse_seeds: _any_of(
        {"type": "integer", "minimum": 1, "maximum": MAX_VARIANTS},
        {
            "type": "array",
            "items": {"type": "integer", "minimum": 0, "maximum": MAX_SEED},
            "minItems": 1,
            "uniqueItems": True,
        },
    ),
    parse_condition: _CONDITION,
    parse_map: {
        "type": "object",
        "additionalProperties": _any_of(_COLUMN, {"type": "array", "items": _COLUMN, "minItems": 1}),
        "maxProperties": MAX_MAPPED,
    },
    parse_cron: _text(MAX_CRON),
    parse_timezone: _text(100),
    parse_catch_up: {"enum": [0, 1]},
    parse_duration: {"type": "string", "pattern": "^\\s*[0-9]+(\\.[0-9]+)?\\s*([sSmMhHdD]|[mM][iI][nN])\\s*$"},
    parse_webhook_url: {"type": "string", "pattern": "^\\s*https?://[^?#]*$", "maxLength": MAX_TEXT},
    parse_variable: {"type": "string", "pattern": "^\\s*[A-Za-z_][A-Za-z0-9_]{0,99}\\s*$"},
    parse_results: {"type": "array", "items": {"enum": list(RESULTS)}, "minItems": 1},
    parse_public_url: {"type": "string", "pattern": "^\\s*https?://", "maxLength": MAX_TEXT},
    parse_key_env: {"type": "string", "pattern": "^\\s*BRANDPRESS_C2PA_[A-Z0-9_]+\\s*$", "maxLength": 100},
    Budget.check: {"minProperties": 1},
    MeasureRule.check: {"minProperties": 1},
    QualityGate.check: {},
    parse_threshold: _THRESHOLD,
    parse_short_rule: _THRESHOLD,
    parse_sample: {"type": "string", "pattern": "^\\s*[0-9]{1,3}(\\.[0-9]{1,6})?\\s*%\\s*$"},
    parse_measure: {"enum": list(MEASURES)},
    parse_references: {"type": "array", "items": {"enum": list(ROLES)}, "uniqueItems": True},
    parse_allowed_failures: _any_of(
        {"type": "integer", "minimum": 0},
        {"type": "string", "pattern": "^\\s*[0-9]{1,3}(\\.[0-9]{1,6})?\\s*%\\s*$"},
    ),
}
"""Parser or check -> schema of what it accepts."""

_NAMES = _any_of(
    {"const": "*"},
    {"type": "array", "items": {"type": "string", "not": {"const": "*"}}, "minItems": 1, "uniqueItems": True},
    {
        "type": "object",
        "properties": {"where": _CONDITION},
        "required": ["where"],
        "additionalProperties": False,
    },
)
_AXIS = {"pattern": "^[a-z][a-z0-9_]{0,39}$", "not": {"enum": list(RESERVED)}}


def _named(text: Schema, own: str = "text") -> Schema:
    """The values of a free axis by name: each is a text, or a mapping with the text and free fields."""
    described = {
        "type": "object",
        "properties": {own: text},
        "propertyNames": {"pattern": FREE_NAME},
        "additionalProperties": FREE_FIELD,
    }
    value = _any_of(text, described)
    return {"type": "object", "propertyNames": _SLUG, "additionalProperties": value, "minProperties": 1}


def _values(text: Schema, own: str = "text") -> Schema:
    """A free axis: values by name, or a list of texts."""
    return _any_of(
        _named(text, own),
        {"type": "array", "items": text, "minItems": 1},
    )


def _combinations(value: Schema) -> Schema:
    """The entries of `exclude` and `include`."""
    roles = {role: {"type": "string"} for role in ROLES}
    entry = {"type": "object", "properties": roles, "additionalProperties": value, "minProperties": 1}
    return {"type": "array", "items": entry}


FIELD_SCHEMAS: Mapping[tuple[str, str], Schema] = {
    ("Job", "matrix"): {
        "type": "object",
        "properties": {**dict.fromkeys(ROLES, _NAMES), FORMAT: _values(_SIZE, "size")},
        "propertyNames": _AXIS,
        "additionalProperties": _values(_text(MAX_TEXT)),
    },
    ("Job", "exclude"): _combinations({"type": "string"}),
    ("Job", "include"): _combinations(_any_of(_text(MAX_TEXT), {**_named(_text(MAX_TEXT)), "maxProperties": 1})),
}
"""(pydantic model, field) -> schema, for fields that hold any mapping or list as far as pydantic knows."""
