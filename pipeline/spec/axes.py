"""Reads the axes of a campaign's matrix: the names of each axis, and their texts or sizes."""

from __future__ import annotations

import difflib
import keyword
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from brandpress.pipeline.spec.brand import ROLES
from brandpress.pipeline.spec.document import Document, Location
from brandpress.pipeline.spec.fields import plain_text, quotes_hint, slug, slug_of
from brandpress.pipeline.spec.messages import allowed, closest, kind, listing, quote
from brandpress.pipeline.spec.problem import Problem, WrongValueError
from brandpress.pipeline.spec.size import parse_size

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

Names = Mapping[str, tuple[str, ...]]
"""Role -> names of the brand spec's entities."""


@dataclass(frozen=True)
class Axis:
    """One axis. values: name -> text; for product, character and style the text is the name, for `format` the size.
    complete: whether all its values could be read; if not, a value that it lacks isn't reported."""

    name: str
    values: Mapping[str, str]
    complete: bool = True

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


def read_axes(document: Document, matrix: Mapping[str, object], names: Names | None) -> Axes:
    """Returns the axes under `matrix:`. names: the brand spec's names; None if they aren't known."""
    axes: dict[str, Axis] = {}
    problems: list[Problem] = []
    for axis, raw in matrix.items():
        location: Location = ("matrix", axis)
        try:
            check_axis_name(axis)
        except WrongValueError as error:
            problems.append(document.wrong(location, error.on_its_key()))
            continue
        values, errors = _values(axis, raw, names)
        problems += [document.wrong(location, error) for error in errors]
        axes[axis] = Axis(axis, values, complete=not errors and (names is not None or axis not in ROLES))
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
    if names is not None and value not in names[role]:
        raise WrongValueError(f"unknown {role} {quote(value)}", allowed(names[role]), closest(value, names[role]))
    return value


def free_value(axis: str, value: object) -> tuple[str, str]:
    """Returns (name, text) of a value that is plain text; the name is derived from it. Raises WrongValueError."""
    if not isinstance(value, str):
        raise WrongValueError(f"a value of {quote(axis)} must be text, not {kind(value)}", quotes_hint(value))
    text = _text(axis, value)
    name = slug_of(text)
    if not name:
        raise WrongValueError(
            f"can't derive a name from {quote(text)}", f"write a mapping: {axis}: {{some-name: {text[:20]}}}"
        )
    return name, text


def named_value(axis: str, name: str, value: object) -> tuple[str, str]:
    """Returns (name, text) of a value that is written as `name: text`. Raises WrongValueError."""
    try:
        slug(name)
    except WrongValueError as error:
        raise error.on_its_key() from None
    if not isinstance(value, str):
        what = "a size like 1024x1024" if axis == FORMAT else "text"
        raise WrongValueError(f"{axis}.{name} must be {what}, not {kind(value)}", quotes_hint(value))
    return name, _text(f"{axis}.{name}", value, axis)


def _text(label: str, value: str, axis: str | None = None) -> str:
    if (axis or label) == FORMAT:
        return str(parse_size(value))
    try:
        return plain_text(value)
    except WrongValueError as error:
        raise WrongValueError(f"{label} {error.what}", error.allowed, error.suggestion) from None


def _values(axis: str, raw: object, names: Names | None) -> tuple[dict[str, str], list[WrongValueError]]:
    if axis in ROLES:
        return _role_values(axis, raw, names)
    if isinstance(raw, Mapping):
        return _collect(axis, raw.items(), lambda name, value: named_value(axis, str(name), value))
    if isinstance(raw, tuple):
        return _collect(axis, enumerate(raw), lambda _, value: free_value(axis, value))
    if raw == "*":
        what = f"'*' means all names in the brand spec, but {quote(axis)} isn't one of its axes"
        return {}, [WrongValueError(what, "write a mapping of names to texts, or a list of texts")]
    what = f"the axis {quote(axis)} must be a mapping or a list, not {kind(raw)}"
    return {}, [WrongValueError(what, f"write {axis}: {{name: {'1024x1024' if axis == FORMAT else 'text'}}}")]


def _role_values(axis: str, raw: object, names: Names | None) -> tuple[dict[str, str], list[WrongValueError]]:
    rule = f'write a list of names, or "*" for all of the brand\'s {ROLES[axis]}'
    if raw == "*":
        if names is not None and not names[axis]:
            return {}, [WrongValueError(f"'*' matches nothing: the brand spec has no {ROLES[axis]}")]
        return {name: name for name in (names[axis] if names else ())}, []
    if not isinstance(raw, tuple):
        suggestion = quote(f"[{raw}]") if isinstance(raw, str) else ""
        return {}, [WrongValueError(f"the axis {quote(axis)} must be a list, not {kind(raw)}", rule, suggestion)]

    def read(_: str | int, value: object) -> tuple[str, str]:
        if value == "*":
            raise WrongValueError("'*' isn't allowed in a list", rule)
        name = check_role_value(axis, value, names)
        return name, name

    return _collect(axis, enumerate(raw), read)


def _collect(
    axis: str, items: Iterable[tuple[str | int, object]], read: Callable[[str | int, object], tuple[str, str]]
) -> tuple[dict[str, str], list[WrongValueError]]:
    """Reads (name, text) of each value. Returns an error for each wrong or repeated value."""
    values: dict[str, str] = {}
    errors: list[WrongValueError] = []
    items = tuple(items)
    for step, value in items:
        try:
            name, text = read(step, value)
            if name in values:
                rule = "remove one" if axis in ROLES else "remove one, or write a mapping with a name for each text"
                raise WrongValueError(f"{quote(name)} is listed twice in the axis {quote(axis)}", rule)
            values[name] = text
        except WrongValueError as error:
            errors.append(error.below(step))
    if not items:
        what = f"the axis {quote(axis)} is empty"
        errors.append(WrongValueError(what, "add at least one value, or remove the axis"))
    return values, errors
