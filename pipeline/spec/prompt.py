"""Prompts that are written as a mapping or a list: their texts are templates, and the result is JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from brandpress.pipeline.spec.fields import control_character
from brandpress.pipeline.spec.messages import kind, quote
from brandpress.pipeline.spec.problem import WrongValueError
from brandpress.pipeline.spec.template import Template, TemplateRenderError
from brandpress.pipeline.spec.template_environment import MAX_RENDERED

Structure = Mapping[str, Any] | tuple[Any, ...]
"""A mapping or list as a file has it: text keys, tuples, texts, numbers, booleans, nothing."""

Step = str | int

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
_TEMPLATE_BRACKETS = ("{{", "{%", "{#")


@dataclass(frozen=True)
class StructuredTemplate:
    """A structure whose texts are compiled templates. variables: those that any of them uses."""

    structure: object
    variables: frozenset[str]

    def render(self, values: Mapping[str, Any]) -> str:
        """Returns the canonical JSON for these values: sorted keys, no blanks. Raises TemplateRenderError."""
        text = _ENCODER.encode(_rendered(self.structure, values))
        if len(text) > MAX_RENDERED:
            raise TemplateRenderError(f"the text is longer than {MAX_RENDERED:,} characters")
        return text


def compile_structure(structure: Structure, compile_text: Callable[[str], Template]) -> StructuredTemplate:
    """Returns the structure with its texts compiled. The texts must have been checked."""
    compiled = _mapped(structure, compile_text)
    variables = frozenset[str]().union(*(text.variables for _, text in _leaves(compiled) if isinstance(text, Template)))
    return StructuredTemplate(compiled, variables)


def parse_structure(value: Structure, limit: int) -> Structure:
    """Returns a structure that can be written as JSON. Raises a group of WrongValueErrors for what can't."""
    errors = [*_errors(value)]
    if not errors and not any(True for _ in _leaves(value)):
        errors.append(WrongValueError("is empty", "write some text"))
    if not errors and len(to_json(value)) > limit:
        errors.append(WrongValueError(f"is longer than {limit:,} characters as JSON", f"allowed: at most {limit:,}"))
    if errors:
        raise ExceptionGroup("wrong values", errors)
    return value


def texts(structure: Structure) -> Iterator[tuple[tuple[Step, ...], str]]:
    """Yields (steps from the structure, text) of each text."""
    return ((steps, leaf) for steps, leaf in _leaves(structure) if isinstance(leaf, str))


def to_json(structure: Structure) -> str:
    """Returns a structure without templates as canonical JSON: sorted keys, no blanks."""
    return _ENCODER.encode(structure)


def _errors(value: object) -> Iterator[WrongValueError]:
    for steps, leaf in _leaves(value):
        rule = "allowed: text, numbers, true, false and nothing; put a date in quotes"
        finite = not isinstance(leaf, float) or math.isfinite(leaf)
        if not finite or not isinstance(leaf, str | int | float | None):
            yield WrongValueError(f"has {kind(leaf)}, which JSON doesn't have", rule, at=steps)
        if isinstance(leaf, str) and (bad := control_character(leaf)):
            yield WrongValueError(f"contains the control character {quote(bad)}", "remove it", at=steps)
    for steps in _keys(value):
        if any(brackets in str(steps[-1]) for brackets in _TEMPLATE_BRACKETS):
            what = f"has the key {quote(steps[-1])}, but keys aren't templates"
            yield WrongValueError(what, "write templates into the values", at=steps, on_key=True)


def _leaves(value: object, steps: tuple[Step, ...] = ()) -> Iterator[tuple[tuple[Step, ...], object]]:
    if isinstance(value, Mapping | tuple):
        for step, inner in _items(value):
            yield from _leaves(inner, (*steps, step))
    else:
        yield steps, value


def _keys(value: object, steps: tuple[Step, ...] = ()) -> Iterator[tuple[Step, ...]]:
    for step, inner in _items(value):
        if isinstance(value, Mapping):
            yield (*steps, step)
        yield from _keys(inner, (*steps, step))


def _items(value: object) -> Iterator[tuple[Step, object]]:
    if isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, tuple):
        yield from enumerate(value)


def _mapped(value: object, change: Callable[[str], object]) -> object:
    if isinstance(value, Mapping):
        return {key: _mapped(inner, change) for key, inner in value.items()}
    if isinstance(value, tuple):
        return tuple(_mapped(inner, change) for inner in value)
    return change(value) if isinstance(value, str) else value


def _rendered(value: object, values: Mapping[str, Any]) -> object:
    if isinstance(value, Mapping):
        return {key: _rendered(inner, values) for key, inner in value.items()}
    if isinstance(value, tuple):
        return [_rendered(inner, values) for inner in value]
    return value.render(values) if isinstance(value, Template) else value
