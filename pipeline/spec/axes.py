"""The axes of a campaign's matrix: the names of each, and the texts or sizes that they stand for."""

from __future__ import annotations

import difflib
import keyword
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from brandpress.pipeline.spec.brand import ROLES
from brandpress.pipeline.spec.document import Document, Location
from brandpress.pipeline.spec.fields import plain_text, quotes_hint, slug, slug_of
from brandpress.pipeline.spec.messages import allowed, closest, kind, listing, quote
from brandpress.pipeline.spec.problem import Problem, WrongValueError
from brandpress.pipeline.spec.size import parse_size

FORMAT = "format"
RESERVED = (
    "asset", "brand", "campaign", "guidance", "height", "index", "model", "name", "output", "palette", "prompt",
    "quality", "references", "seed", "seeds", "size", "steps", "width",
)  # fmt: skip
_AXIS_RULE = "allowed: small letters, digits and '_', beginning with a letter, at most 40 characters"
_TEMPLATE_WORDS = (
    "and",
    "or",
    "not",
    "in",
    "is",
    "if",
    "else",
    "elif",
    "endif",
    "true",
    "false",
    "none",
    "loop",
    "self",
)


Names = Mapping[str, tuple[str, ...]]
"""What a brand spec has under each role."""


@dataclass(frozen=True)
class Axis:
    """One axis: name -> text. For product, character and style the text is the name; for `format` it's the size.
    `whole` is false when some of its values were wrong, so that nothing should be said about values it lacks."""

    name: str
    values: Mapping[str, str]
    whole: bool = True

    def resolve(self, value: object) -> str | None:
        """The name that a value of this axis means, given as its name or, on a free axis, as its text."""
        if not isinstance(value, str):
            return None
        if value in self.values:
            return value
        return next((name for name, text in self.values.items() if text == value.strip()), None)


@dataclass(frozen=True)
class Axes:
    """The axes that could be read, in order, and the problems of the rest."""

    found: Mapping[str, Axis]
    problems: tuple[Problem, ...] = field(default=())


def read_axes(document: Document, matrix: Mapping[str, object], names: Names | None) -> Axes:
    """The axes under `matrix:`. `names` holds what the brand spec has under each role; None when that isn't known."""
    found: dict[str, Axis] = {}
    problems: list[Problem] = []
    for axis, raw in matrix.items():
        location: Location = ("matrix", axis)
        try:
            check_axis_name(axis)
        except WrongValueError as error:
            problems.append(document.wrong(location, error.on_its_key()))
            continue
        values, wrongs = _values(axis, raw, names)
        problems += [document.wrong(location, wrong) for wrong in wrongs]
        found[axis] = Axis(axis, values, whole=not wrongs and (names is not None or axis not in ROLES))
    return Axes(found, tuple(problems))


def misspelt(written: Collection[str], found: Collection[str]) -> frozenset[str]:
    """The axes that were written but not found, and those that they were meant to be: what uses them isn't wrong
    again."""
    lost = [axis for axis in written if axis not in found]
    meant = [closest(axis, [*ROLES, FORMAT]).strip("'") for axis in lost]
    return frozenset([*lost, *meant]) - {""}


def check_axis_name(name: str) -> None:
    """Raises WrongValueError for a name that can't be an axis: no identifier, taken, or a slip of the pen for one of
    the brand's."""
    if name in ROLES or name == FORMAT:
        return
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
        meant = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
        raise WrongValueError(
            f"{quote(name)} can't be an axis", _AXIS_RULE, quote(meant) if meant[:1].isalpha() else ""
        )
    if name in RESERVED or name in _TEMPLATE_WORDS or keyword.iskeyword(name):
        raise WrongValueError(f"the axis name {quote(name)} is taken", "choose another name for the axis")
    near = difflib.get_close_matches(name, [*ROLES, FORMAT], n=1, cutoff=0.8)
    if near:
        what = f"unknown axis {quote(name)}"
        raise WrongValueError(
            what, f"axes of the brand are {listing([*ROLES])}; a free axis needs a name less like them", quote(near[0])
        )


def check_role_value(role: str, value: object, names: Names | None) -> str:
    """The value, if the brand spec has it under this role. Raises WrongValueError."""
    if not isinstance(value, str):
        raise WrongValueError(f"a {role} is named by text, not by {kind(value)}", quotes_hint(value))
    if names is not None and value not in names[role]:
        raise WrongValueError(f"unknown {role} {quote(value)}", allowed(names[role]), closest(value, names[role]))
    return value


def free_value(axis: str, value: object) -> tuple[str, str]:
    """(name, text) of a value that stands as plain text: the name is made of the text. Raises WrongValueError."""
    if not isinstance(value, str):
        raise WrongValueError(f"a value of {quote(axis)} must be text, not {kind(value)}", quotes_hint(value))
    text = _text(axis, value)
    name = slug_of(text)
    if not name:
        raise WrongValueError(
            f"no name can be made of {quote(text)}", f"write a mapping: {axis}: {{some-name: {text[:20]}}}"
        )
    return name, text


def named_value(axis: str, name: str, value: object) -> tuple[str, str]:
    """(name, text) of a value that stands as `name: text`. Raises WrongValueError."""
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
        what = f"'*' stands for all names of the brand spec, and {quote(axis)} is no axis of it"
        return {}, [WrongValueError(what, "write a mapping of names to texts, or a list of texts")]
    what = f"the axis {quote(axis)} must be a mapping or a list, not {kind(raw)}"
    return {}, [WrongValueError(what, f"write {axis}: {{name: {'1024x1024' if axis == FORMAT else 'text'}}}")]


def _role_values(axis: str, raw: object, names: Names | None) -> tuple[dict[str, str], list[WrongValueError]]:
    rule = f'write a list of names, or "*" for all of the brand\'s {ROLES[axis]}'
    if raw == "*":
        if names is not None and not names[axis]:
            return {}, [WrongValueError(f"'*' finds nothing: the brand spec has no {ROLES[axis]}")]
        return {name: name for name in (names[axis] if names else ())}, []
    if not isinstance(raw, tuple):
        meant = quote(f"[{raw}]") if isinstance(raw, str) else ""
        return {}, [WrongValueError(f"the axis {quote(axis)} must be a list, not {kind(raw)}", rule, meant)]

    def read(_: str | int, value: object) -> tuple[str, str]:
        if value == "*":
            raise WrongValueError("'*' stands alone, not in a list", rule)
        name = check_role_value(axis, value, names)
        return name, name

    return _collect(axis, enumerate(raw), read)


def _collect(
    axis: str, items: Iterable[tuple[str | int, object]], read: Callable[[str | int, object], tuple[str, str]]
) -> tuple[dict[str, str], list[WrongValueError]]:
    """Reads (name, text) of each value; one that fails is wrong at its place, and so is one that stands there twice."""
    values: dict[str, str] = {}
    wrongs: list[WrongValueError] = []
    items = tuple(items)
    for step, value in items:
        try:
            name, text = read(step, value)
            if name in values:
                rule = "take one out" if axis in ROLES else "take one out, or write a mapping with a name for each text"
                raise WrongValueError(f"{quote(name)} stands twice in the axis {quote(axis)}", rule)
            values[name] = text
        except WrongValueError as error:
            wrongs.append(error.below(step))
    if not items:
        what = f"the axis {quote(axis)} is empty"
        wrongs.append(WrongValueError(what, "write at least one value, or take the axis out"))
    return values, wrongs
