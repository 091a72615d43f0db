"""Reads the axes of a campaign's matrix: the names of each axis, and their texts or sizes."""

from __future__ import annotations

import difflib
import keyword
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple

from brandpress.pipeline.spec.brand import ROLES
from brandpress.pipeline.spec.document import Document, Location
from brandpress.pipeline.spec.fields import plain_text, quotes_hint, slug, slug_of
from brandpress.pipeline.spec.free_fields import FreeFields, parse_free_fields
from brandpress.pipeline.spec.messages import allowed, closest, kind, listing, quote
from brandpress.pipeline.spec.problem import Problem, WrongValueError, wrong_values
from brandpress.pipeline.spec.size import parse_size
from brandpress.pipeline.spec.where import Condition, parse_condition

FORMAT = "format"
MAX_AXES = 64
RESERVED = (
    "asset", "brand", "campaign", "guidance", "height", "index", "model", "name", "output", "palette", "prompt",
    "quality", "references", "seed", "seeds", "size", "steps", "width",
)  # fmt: skip
_AXIS_RULE = "allowed: lowercase letters, digits and '_', starting with a letter, at most 40 characters"
_TEMPLATE_WORDS = (
    "and", "or", "not", "in", "is", "if", "else", "elif", "endif", "true", "false", "none", "loop", "self",
)  # fmt: skip

Names = Mapping[str, Collection[str] | None]
"""Role -> names of the brand spec's entities; None for a role whose feed couldn't be read."""

Select = Callable[[str, Condition], Sequence[str]]
"""Returns the names of a role's entities that match a condition. Raises WrongValueError."""

_OWN_FIELDS = {FORMAT: ("size",)}
_RESERVED_FIELDS = {FORMAT: ("name", "width", "height", "text")}


class AxisValue(NamedTuple):
    """A value of an axis: its name, its text, and its free fields."""

    name: str
    text: str
    free: FreeFields = MappingProxyType({})


@dataclass(frozen=True)
class Axis:
    """One axis. values: name -> text; for product, character and style the text is the name, for `format` the size.
    free: name -> free fields of the values that have any; those of products, characters and styles are in the brand
    spec. complete: whether all its values could be read; if not, a value that it lacks isn't reported."""

    name: str
    values: Mapping[str, str]
    complete: bool = True
    free: Mapping[str, FreeFields] = field(default_factory=dict)

    def resolve(self, value: object) -> str | None:
        """Returns the name of a value that is given as its name or, on a free axis, as its text."""
        if not isinstance(value, str):
            return None
        return value if value in self.values else self._names.get(value.strip())

    @cached_property
    def _names(self) -> Mapping[str, str]:
        """Text -> the first name that has it."""
        return {text: name for name, text in reversed([*self.values.items()])}


@dataclass(frozen=True)
class Axes:
    """The axes that could be read, in order, and the problems of the others."""

    by_name: Mapping[str, Axis]
    problems: tuple[Problem, ...] = field(default=())


def read_axes(
    document: Document, matrix: Mapping[str, object], names: Names | None, select: Select | None = None
) -> Axes:
    """Returns the axes under `matrix:`. names: the brand spec's names; None if they aren't known. select: chooses among
    its entities; None if they aren't known."""
    axes: dict[str, Axis] = {}
    problems: list[Problem] = []
    for axis, raw in matrix.items():
        location: Location = ("matrix", axis)
        try:
            check_axis_name(axis)
        except WrongValueError as error:
            problems.append(document.wrong(location, error.on_its_key()))
            continue
        values, errors = _values(axis, raw, names, select)
        problems += [document.wrong(location, error) for error in errors]
        known = axis not in ROLES or (names is not None and names[axis] is not None)
        axes[axis] = Axis(
            axis,
            {value.name: value.text for value in values},
            complete=not errors and known,
            free={value.name: value.free for value in values if value.free},
        )
    return Axes(axes, tuple(problems))


def misspelt(written: Collection[str], axes: Collection[str]) -> frozenset[str]:
    """Returns the names in `written` that aren't axes, and the axes that were probably meant. Fields that use one of
    them shouldn't be reported as well."""
    unknown = [axis for axis in written if axis not in axes]
    suggestions = [closest(axis, [*ROLES, FORMAT]).strip("'") for axis in unknown]
    return frozenset([*unknown, *suggestions]) - {""}


def check_axis_name(name: str) -> None:
    """Raises WrongValueError for a name that isn't an identifier, is reserved, or is a likely typo for one of the brand
    spec's axes."""
    if name in ROLES or name == FORMAT:
        return
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
        identifier = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
        suggestion = quote(identifier) if identifier[:1].isalpha() else ""
        raise WrongValueError(f"{quote(name)} isn't a valid axis name", _AXIS_RULE, suggestion)
    if name in RESERVED or name in _TEMPLATE_WORDS or keyword.iskeyword(name):
        raise WrongValueError(f"the axis name {quote(name)} is reserved", "choose another name")
    near = difflib.get_close_matches(name, [*ROLES, FORMAT], n=1, cutoff=0.8)
    if near:
        what = f"unknown axis {quote(name)}"
        raise WrongValueError(
            what,
            f"the brand spec's axes are {listing([*ROLES])}; give your own axis a less similar name",
            quote(near[0]),
        )


def check_role_value(role: str, value: object, names: Names | None) -> str:
    """Returns the value if the brand spec has it under this role. Raises WrongValueError."""
    if not isinstance(value, str):
        raise WrongValueError(f"a {role} must be named by text, not {kind(value)}", quotes_hint(value))
    known = None if names is None else names[role]
    if known is not None and value not in known:
        raise WrongValueError(f"unknown {role} {quote(value)}", allowed(known), closest(value, known))
    return value


def free_value(axis: str, value: object) -> AxisValue:
    """Returns a value that is plain text; the name is derived from it. Raises WrongValueError."""
    if not isinstance(value, str):
        raise WrongValueError(f"a value of {quote(axis)} must be text, not {kind(value)}", quotes_hint(value))
    text = _text(axis, value)
    name = slug_of(text)
    if not name:
        raise WrongValueError(
            f"can't derive a name from {quote(text)}", f"write a mapping: {axis}: {{some-name: {text[:20]}}}"
        )
    return AxisValue(name, text)


def named_value(axis: str, name: str, value: object) -> AxisValue:
    """Returns a value that is written as `name: text`, or as `name: {text: text, title: …}` with free fields. Raises
    WrongValueError, or a group of them."""
    try:
        slug(name)
    except WrongValueError as error:
        raise error.on_its_key() from None
    if isinstance(value, Mapping):
        return _described_value(axis, name, value)
    if not isinstance(value, str):
        what = "a size like 1024x1024" if axis == FORMAT else "text"
        raise WrongValueError(f"{axis}.{name} must be {what}, not {kind(value)}", quotes_hint(value))
    return AxisValue(name, _text(f"{axis}.{name}", value, axis))


def _described_value(axis: str, name: str, fields: Mapping[str, object]) -> AxisValue:
    """Returns a value with free fields. Without a text, which a format needs, its text is its name."""
    [own] = _OWN_FIELDS.get(axis, ("text",))
    free = {key: value for key, value in fields.items() if key != own}
    errors: list[Exception] = []
    text = name
    if own in fields or axis == FORMAT:
        try:
            text = _own_text(axis, name, own, fields.get(own))
        except WrongValueError as error:
            errors.append(error.below(own) if own in fields else error)
    try:
        parsed = parse_free_fields(free, (own,), _RESERVED_FIELDS.get(axis, ("name",)))
    except ExceptionGroup as group:
        errors += [error.with_what(f"{axis}.{name}: {error.what}") for error in wrong_values(group)]
    if errors:
        raise ExceptionGroup("wrong values", errors)
    return AxisValue(name, text, parsed)


def _own_text(axis: str, name: str, own: str, value: object) -> str:
    if not isinstance(value, str):
        what = "a size like 1024x1024" if axis == FORMAT else "text"
        raise WrongValueError(f"{axis}.{name}.{own} must be {what}, not {kind(value)}", quotes_hint(value))
    return _text(f"{axis}.{name}.{own}", value, axis)


def _text(label: str, value: str, axis: str | None = None) -> str:
    if (axis or label) == FORMAT:
        return str(parse_size(value))
    try:
        return plain_text(value)
    except WrongValueError as error:
        raise WrongValueError(f"{label} {error.what}", error.allowed, error.suggestion) from None


def _values(
    axis: str, raw: object, names: Names | None, select: Select | None
) -> tuple[list[AxisValue], list[WrongValueError]]:
    if axis in ROLES:
        return _role_values(axis, raw, names, select)
    if isinstance(raw, Mapping):
        return _collect(axis, raw.items(), lambda name, value: named_value(axis, str(name), value))
    if isinstance(raw, tuple):
        return _collect(axis, enumerate(raw), lambda _, value: free_value(axis, value))
    if raw == "*":
        what = f"'*' means all names in the brand spec, but {quote(axis)} isn't one of its axes"
        return [], [WrongValueError(what, "write a mapping of names to texts, or a list of texts")]
    what = f"the axis {quote(axis)} must be a mapping or a list, not {kind(raw)}"
    return [], [WrongValueError(what, f"write {axis}: {{name: {'1024x1024' if axis == FORMAT else 'text'}}}")]


def _role_values(
    axis: str, raw: object, names: Names | None, select: Select | None
) -> tuple[list[AxisValue], list[WrongValueError]]:
    rule = f'write a list of names, or "*" for all of the brand\'s {ROLES[axis]}'
    known = None if names is None else names[axis]
    if raw == "*":
        if known is not None and not known:
            return [], [WrongValueError(f"'*' matches nothing: the brand spec has no {ROLES[axis]}")]
        return [AxisValue(name, name) for name in known or ()], []
    if isinstance(raw, Mapping) and raw.keys() == {"where"}:
        return _selected(axis, raw["where"], select)
    if not isinstance(raw, tuple):
        suggestion = quote(f"[{raw}]") if isinstance(raw, str) else ""
        rule += f", or {axis}: {{where: \"category == 'shoes'\"}}" if isinstance(raw, Mapping) else ""
        return [], [WrongValueError(f"the axis {quote(axis)} must be a list, not {kind(raw)}", rule, suggestion)]

    def read(_: str | int, value: object) -> AxisValue:
        if value == "*":
            raise WrongValueError("'*' isn't allowed in a list", rule)
        name = check_role_value(axis, value, names)
        return AxisValue(name, name)

    return _collect(axis, enumerate(raw), read)


def _selected(axis: str, written: object, select: Select | None) -> tuple[list[AxisValue], list[WrongValueError]]:
    try:
        condition = parse_condition(written)
        names = select(axis, condition) if select is not None else ()
    except WrongValueError as error:
        return [], [error.about(f"{axis}.where:").below("where")]
    if select is not None and not names:
        what = f"{axis}.where: no {axis} of the brand spec matches {quote(condition.source)}"
        return [], [WrongValueError(what, at=("where",))]
    return [AxisValue(name, name) for name in names], []


def _collect(
    axis: str, items: Iterable[tuple[str | int, object]], read: Callable[[str | int, object], AxisValue]
) -> tuple[list[AxisValue], list[WrongValueError]]:
    """Reads each value. Returns an error for each wrong or repeated value."""
    values: dict[str, AxisValue] = {}
    errors: list[WrongValueError] = []
    items = tuple(items)
    for step, value in items:
        try:
            parsed = read(step, value)
            if parsed.name in values:
                rule = "remove one" if axis in ROLES else "remove one, or write a mapping with a name for each text"
                raise WrongValueError(f"{quote(parsed.name)} is listed twice in the axis {quote(axis)}", rule)
            values[parsed.name] = parsed
        except WrongValueError as error:
            errors.append(error.below(step))
        except ExceptionGroup as group:
            errors += [error.below(step) for error in wrong_values(group)]
    if not items:
        what = f"the axis {quote(axis)} is empty"
        errors.append(WrongValueError(what, "add at least one value, or remove the axis"))
    return [*values.values()], errors
