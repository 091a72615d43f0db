"""Reads the entries of `exclude` and `include`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from brandpress.pipeline.spec.axes import (
    FORMAT,
    Axis,
    AxisValue,
    Names,
    check_axis_name,
    check_role_value,
    free_value,
    named_value,
)
from brandpress.pipeline.spec.brand import ROLES
from brandpress.pipeline.spec.document import Document, Location
from brandpress.pipeline.spec.messages import allowed, closest, kind, listing, quote
from brandpress.pipeline.spec.problem import Problem, WrongValueError, wrong_values


@dataclass(frozen=True)
class Entries:
    """Entries as axis -> name, the axes with the values that `include` adds, and the problems."""

    entries: tuple[Mapping[str, str], ...]
    axes: Mapping[str, Axis]
    problems: tuple[Problem, ...]


def read_exclude(
    document: Document,
    raw: Sequence[Mapping[str, object]],
    axes: Mapping[str, Axis],
    names: Names | None,
    misspelt: Set[str] = frozenset(),
) -> Entries:
    """Returns the entries of `exclude`. A value that the matrix doesn't have is a problem: it would exclude nothing."""
    entries: list[dict[str, str]] = []
    problems: list[Problem] = []
    for i, entry in enumerate(raw):
        if not entry:
            problems.append(document.problem(("exclude", i), "an empty entry would exclude everything", "name an axis"))
        resolved: dict[str, str] = {}
        for axis, value in entry.items():
            location: Location = ("exclude", i, axis)
            if axis in misspelt and axis not in axes:
                continue
            if axis not in axes:
                suggestion = closest(axis, axes)
                what = f"unknown axis {quote(axis)} in exclude"
                problems.append(document.problem(location, what, allowed(axes), suggestion, on_key=True))
                continue
            name = axes[axis].resolve(value)
            if name is not None:
                resolved[axis] = name
            elif axes[axis].complete:
                problems.append(_unknown_value(document, location, axes[axis], value))
            elif axis in ROLES:
                try:
                    check_role_value(axis, value, names)
                except WrongValueError as error:
                    problems.append(document.wrong(location, error))
        entries.append(resolved)
    return Entries(tuple(entries), axes, tuple(problems))


def read_include(
    document: Document,
    raw: Sequence[Mapping[str, object]],
    axes: Mapping[str, Axis],
    names: Names | None,
) -> Entries:
    """Returns the entries of `include`. They can add values: any name of the brand spec on its axes, `{name: text}` on
    a free axis of the matrix, and also plain text on an axis that only `include` has."""
    all_axes = {name: _GrowingAxis(axis) for name, axis in axes.items()}
    entries: list[dict[str, str]] = []
    problems: list[Problem] = []
    for i, entry in enumerate(raw):
        if not entry:
            problems.append(document.problem(("include", i), "an empty entry includes nothing", "name an axis"))
        resolved: dict[str, str] = {}
        for axis, value in entry.items():
            location: Location = ("include", i, axis)
            try:
                if axis not in all_axes:
                    check_axis_name(axis)
            except WrongValueError as error:
                problems.append(document.wrong(location, error.on_its_key()))
                continue
            try:
                included = _included(axis, value, axes, all_axes, names)
            except (WrongValueError, ExceptionGroup) as raised:
                errors = wrong_values(raised) if isinstance(raised, ExceptionGroup) else [raised]
                if axis in ROLES or axis not in axes or axes[axis].complete:
                    problems += [document.wrong(location, error) for error in errors]
                continue
            resolved[axis] = included.name
            all_axes.setdefault(axis, _GrowingAxis(Axis(axis, {}))).add(included)
        entries.append(resolved)
    return Entries(tuple(entries), {name: axis.finished() for name, axis in all_axes.items()}, tuple(problems))


class _GrowingAxis:
    """An axis to which `include` adds values."""

    def __init__(self, axis: Axis) -> None:
        self._axis = axis
        self.values = dict(axis.values)
        self.free = dict(axis.free)
        self._added: dict[str, str] = {}

    def add(self, value: AxisValue) -> None:
        if value.name not in self._axis.values:
            self._added.setdefault(value.text, value.name)
        self.values[value.name] = value.text
        if value.free:
            self.free[value.name] = value.free

    def resolve(self, value: object) -> str | None:
        """Returns the name of a value that is given as its name or as its text."""
        if not isinstance(value, str):
            return None
        if value in self.values:
            return value
        return self._axis.resolve(value) or self._added.get(value.strip())

    def finished(self) -> Axis:
        return Axis(self._axis.name, self.values, self._axis.complete, self.free)


def _included(
    axis: str,
    value: object,
    axes: Mapping[str, Axis],
    all_axes: Mapping[str, _GrowingAxis],
    names: Names | None,
) -> AxisValue:
    if axis in ROLES:
        name = check_role_value(axis, value, names)
        return AxisValue(name, name)
    existing_name = all_axes[axis].resolve(value) if axis in all_axes else None
    if existing_name is not None:
        return AxisValue(existing_name, all_axes[axis].values[existing_name])
    if isinstance(value, Mapping):
        if len(value) != 1:
            raise WrongValueError(
                f"a new value of {quote(axis)} is a mapping of one name to its text", f"write {axis}: {{name: text}}"
            )
        [(key, inner)] = value.items()
        try:
            new_value = named_value(axis, key, inner)
        except WrongValueError as error:
            raise error.below(key) from None
        except ExceptionGroup as group:
            raise ExceptionGroup("wrong values", [error.below(key) for error in wrong_values(group)]) from None
        name = new_value.name
        existing = all_axes.get(axis)
        if existing is None or name not in existing.values:
            return new_value
        if existing.values[name] != new_value.text:
            what = f"{quote(name)} of the axis {quote(axis)} already has another text"
            raise WrongValueError(what, f"its text is {quote(existing.values[name])}; choose another name", at=(key,))
        if new_value.free and new_value.free != existing.free.get(name):
            what = f"{quote(name)} of the axis {quote(axis)} is already defined with other fields"
            raise WrongValueError(what, "choose another name, or remove the fields here", at=(key,))
        return new_value
    if axis in axes and isinstance(value, str):
        what = f"{quote(value)} isn't in the axis {quote(axis)}"
        new = f"{{name: {'1024x1024' if axis == FORMAT else 'text'}}}"
        values = axes[axis].values
        raise WrongValueError(
            what, f"allowed: {listing(values)}, or {axis}: {new} for a new value", closest(value, values)
        )
    derived = free_value(axis, value)
    if axis in all_axes and all_axes[axis].values.get(derived.name, derived.text) != derived.text:
        raise WrongValueError(
            f"the name {quote(derived.name)}, derived from this text, already has another text",
            f"write {axis}: {{name: text}}",
        )
    return derived


def _unknown_value(document: Document, location: Location, axis: Axis, value: object) -> Problem:
    if not isinstance(value, str):
        return document.problem(location, f"a value of {quote(axis.name)} must be named by text, not {kind(value)}")
    what = f"{quote(value)} isn't in the axis {quote(axis.name)}, so nothing is excluded"
    return document.problem(location, what, allowed(axis.values), closest(value, axis.values))
