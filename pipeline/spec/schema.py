"""Validates a document against a pydantic model, field by field: a wrong field doesn't hide problems of others."""

from __future__ import annotations

import types
import typing
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from brandpress.pipeline.spec.document import Document, Location
from brandpress.pipeline.spec.fields import quotes_hint
from brandpress.pipeline.spec.messages import closest, kind, kind_only, listing, quote
from brandpress.pipeline.spec.problem import Problem, WrongValueError
from brandpress.pipeline.spec.yaml_values import EXTENSION

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
}


@dataclass(frozen=True)
class ValidFields:
    """The valid fields keyed by attribute name, defaults included, and the problems of the others."""

    values: dict[str, Any]
    problems: tuple[Problem, ...]


def validate_fields(document: Document, model: type[BaseModel]) -> ValidFields:
    """Returns the fields of the document that are valid for the model. A missing or wrong field isn't among them."""
    data = document.data
    if not isinstance(data, dict):
        what, names = f"the file must be a mapping, not {kind_only(data)}", list(_fields(model))
        return ValidFields({}, (document.problem((), what, f"fields: {listing(names, len(names))}"),))
    fields = _fields(model)
    problems = [
        _unknown(document, (name,), fields) for name in data if name not in fields and not name.startswith(EXTENSION)
    ]
    values: dict[str, Any] = {}
    for name, (attribute, info) in fields.items():
        if name not in data:
            if info.is_required():
                problems.append(_missing(document, (name,), info))
            else:
                values[attribute] = info.get_default(call_default_factory=True)
            continue
        try:
            values[attribute] = _adapter(model, attribute).validate_python(data[name], strict=True)
        except ValidationError as error:
            problems += [problem for detail in error.errors() for problem in _problems(document, name, info, detail)]
    return ValidFields(values, tuple(problems))


@cache
def _adapter(model: type[BaseModel], attribute: str) -> TypeAdapter[Any]:
    return TypeAdapter(model.model_fields[attribute].rebuild_annotation())


def _problems(document: Document, name: str, info: FieldInfo, detail: ErrorDetails) -> list[Problem]:
    code = detail["type"]
    place = document.existing((name, *detail["loc"]))
    label = ".".join(str(step) for step in place)
    if code == "missing":
        inner = _fields_at(info.annotation, detail["loc"][:-1])
        field = str(detail["loc"][-1])
        return [_missing(document, (*place, field), inner[field][1] if field in inner else None)]
    if code == "extra_forbidden":
        return [_unknown(document, place, _fields_at(info.annotation, detail["loc"][:-1]))]
    if code == "wrong":
        errors: tuple[WrongValueError, ...] = detail["ctx"]["errors"]
        on_key = detail["loc"][-1:] == ("[key]",)
        return [_wrong(document, place, label, error.on_its_key() if on_key else error) for error in errors]
    if code in _EXPECTED:
        what = f"{label} must be {_EXPECTED[code]}, not {kind(detail['input'])}"
        return [document.problem(place, what, _hint(info, detail))]
    rule = "allowed: " + detail["msg"].removeprefix("Input should be ")
    return [document.problem(place, f"{label} is {kind(detail['input'])}", rule)]


def _hint(info: FieldInfo, detail: ErrorDetails) -> str:
    """Returns what to write instead of a value of the wrong type."""
    if detail["type"] == "string_type":
        return quotes_hint(detail["input"])
    inner = _fields_at(info.annotation, detail["loc"]) if detail["type"] == "model_type" else {}
    needed = [inside.description for _, inside in inner.values() if inside.is_required() and inside.description]
    return f"write {{{', '.join(needed)}}}" if needed else ""


def _wrong(document: Document, location: Location, label: str, error: WrongValueError) -> Problem:
    """Puts the field's name in front: `size must be …`, `size: '100x100' …`."""
    if error.what.startswith("unknown field "):
        return document.wrong(location, error.with_what(f"{error.what} in {label}"))
    separator = " " if error.what.startswith(("must ", "is ", "contains ", "has ")) else ": "
    return document.wrong(location, error, label + separator)


def _missing(document: Document, location: Location, info: FieldInfo | None) -> Problem:
    where = ".".join(str(step) for step in location[:-1])
    example = f"write {info.description}" if info and info.description else ""
    what = f"the field {quote(location[-1])} is missing" + (f" in {where}" if where else "")
    return document.problem(location[:-1], what, example, on_key=True)


def _unknown(document: Document, location: Location, fields: dict[str, tuple[str, FieldInfo]]) -> Problem:
    where = ".".join(str(step) for step in location[:-1])
    name = str(location[-1])
    what = f"unknown field {quote(name)}" + (f" in {where}" if where else "")
    return document.problem(
        location, what, f"allowed: {listing(list(fields), len(fields))}", closest(name, fields), on_key=True
    )


def _fields(model: type[BaseModel]) -> dict[str, tuple[str, FieldInfo]]:
    """Returns the model's fields keyed by their name in files: attribute name and pydantic's field info."""
    return {info.alias or attribute: (attribute, info) for attribute, info in model.model_fields.items()}


def _fields_at(annotation: Any, location: tuple[int | str, ...]) -> dict[str, tuple[str, FieldInfo]]:
    """Returns the fields of the model at a location below a field of this type; {} if there is no model."""
    model = _model_in(annotation)
    if model is None:
        return {}
    fields = _fields(model)
    inner = next((step for step in location if step in fields), None)
    if inner is None:
        return fields
    rest = location[location.index(inner) + 1 :]
    return _fields_at(fields[str(inner)][1].annotation, rest)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Returns the pydantic model in a type: the type itself, the items of a container, or a branch of a union."""
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return annotation if issubclass(annotation, BaseModel) else None
    for part in reversed(typing.get_args(annotation)):
        model = _model_in(part)
        if model is not None:
            return model
    return None
