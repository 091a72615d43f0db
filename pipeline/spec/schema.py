"""Lays a document over a pydantic model: the fields that are right, and a problem for each part that isn't.

Each field is validated on its own, so that one wrong field hides nothing that can be checked of the others.
"""

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
from brandpress.pipeline.spec.messages import closest, kind, listing, quote
from brandpress.pipeline.spec.problem import Problem, WrongValueError

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
class Shape:
    """The right fields by attribute name, with defaults for what isn't written, and the problems of the rest."""

    values: dict[str, Any]
    problems: tuple[Problem, ...]


def read_shape(document: Document, model: type[BaseModel]) -> Shape:
    """What of the document fits the model. A field that is missing or wrong is not among the values."""
    data = document.data
    if not isinstance(data, dict):
        what = f"the file must hold a mapping, not {kind(data)}"
        return Shape({}, (document.problem((), what, f"fields: {listing(list(_fields(model)))}"),))
    fields = _fields(model)
    problems = [_unknown(document, (name,), fields) for name in data if name not in fields]
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
    return Shape(values, tuple(problems))


@cache
def _adapter(model: type[BaseModel], attribute: str) -> TypeAdapter[Any]:
    return TypeAdapter(model.model_fields[attribute].rebuild_annotation())


def _problems(document: Document, name: str, info: FieldInfo, detail: ErrorDetails) -> list[Problem]:
    code = detail["type"]
    known = document.known((name, *detail["loc"]))
    label = ".".join(str(step) for step in known)
    if code == "missing":
        inner = _fields_at(info.annotation, detail["loc"][:-1])
        field = str(detail["loc"][-1])
        return [_missing(document, (*known, field), inner[field][1] if field in inner else None)]
    if code == "extra_forbidden":
        return [_unknown(document, known, _fields_at(info.annotation, detail["loc"][:-1]))]
    if code == "wrong":
        errors: tuple[WrongValueError, ...] = detail["ctx"]["errors"]
        on_key = detail["loc"][-1:] == ("[key]",)
        return [_wrong(document, known, label, error.on_its_key() if on_key else error) for error in errors]
    if code in _EXPECTED:
        what = f"{label} must be {_EXPECTED[code]}, not {kind(detail['input'])}"
        return [document.problem(known, what, _hint(info, detail))]
    rule = "allowed: " + detail["msg"].removeprefix("Input should be ")
    return [document.problem(known, f"{label} is {kind(detail['input'])}", rule)]


def _hint(info: FieldInfo, detail: ErrorDetails) -> str:
    """What to write where something of another type stands."""
    if detail["type"] == "string_type":
        return quotes_hint(detail["input"])
    inner = _fields_at(info.annotation, detail["loc"]) if detail["type"] == "model_type" else {}
    needed = [inside.description for _, inside in inner.values() if inside.is_required() and inside.description]
    return f"write {{{', '.join(needed)}}}" if needed else ""


def _wrong(document: Document, location: Location, label: str, error: WrongValueError) -> Problem:
    """Puts the field's name before what is wrong: `size must be …`, `size: '100x100' …`."""
    joint = " " if error.what.startswith(("must ", "is ", "holds ", "names ")) else ": "
    return document.wrong(location, error, label + joint)


def _missing(document: Document, location: Location, info: FieldInfo | None) -> Problem:
    where = ".".join(str(step) for step in location[:-1])
    example = f"write {info.description}" if info and info.description else ""
    what = f"the field {quote(location[-1])} is missing" + (f" in {where}" if where else "")
    return document.problem(location[:-1], what, example, on_key=True)


def _unknown(document: Document, location: Location, fields: dict[str, tuple[str, FieldInfo]]) -> Problem:
    where = ".".join(str(step) for step in location[:-1])
    name = str(location[-1])
    what = f"unknown field {quote(name)}" + (f" in {where}" if where else "")
    return document.problem(location, what, f"allowed: {listing(list(fields))}", closest(name, fields), on_key=True)


def _fields(model: type[BaseModel]) -> dict[str, tuple[str, FieldInfo]]:
    """The model's fields by the name that a file uses: attribute name and what pydantic knows of it."""
    return {info.alias or attribute: (attribute, info) for attribute, info in model.model_fields.items()}


def _fields_at(annotation: Any, location: tuple[int | str, ...]) -> dict[str, tuple[str, FieldInfo]]:
    """The fields of the model that stands at a location below a field of this type; {} when there's none."""
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
    """The pydantic model that a type holds: itself, a mapping's or a list's value, or a branch of a union."""
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return annotation if issubclass(annotation, BaseModel) else None
    for part in reversed(typing.get_args(annotation)):
        found = _model_in(part)
        if found is not None:
            return found
    return None
