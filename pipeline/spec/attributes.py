"""The free fields of a combination: axis -> the fields of its value, in the combination's locale."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from brandpress.pipeline.spec.axes import Axis
from brandpress.pipeline.spec.brand import ROLES, BrandFields
from brandpress.pipeline.spec.free_fields import LOCALE, FreeFields, for_locale
from brandpress.pipeline.spec.matrix import Combination

Attributes = Mapping[str, FreeFields]
NO_ATTRIBUTES: Attributes = {}


def plain_attributes(attributes: Attributes) -> dict[str, dict[str, Any]]:
    """Returns the fields as JSON has them: dicts and lists."""
    return {
        axis: {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()}
        for axis, fields in attributes.items()
    }


class CombinationAttributes:
    """The free fields of a campaign's combinations. Combinations with the same values share them."""

    def __init__(self, brand: BrandFields, axes: Mapping[str, Axis]) -> None:
        self._fields: dict[str, Callable[[str], FreeFields]] = {}
        for axis in axes.values():
            if axis.name in ROLES:
                entities = brand.entities(axis.name)
                if any(entities[name].attributes for name in axis.values):
                    self._fields[axis.name] = lambda name, entities=entities: entities[name].attributes  # type: ignore[misc]
            elif axis.free:
                self._fields[axis.name] = lambda name, free=axis.free: free.get(name, {})  # type: ignore[misc]
        self._known: dict[tuple[str | None, ...], Attributes] = {}

    def of(self, combination: Combination) -> Attributes:
        """Returns the fields of a combination's axes that have any."""
        if not self._fields:
            return NO_ATTRIBUTES
        locale = combination.get(LOCALE)
        key = (locale, *(combination.get(axis) for axis in self._fields))
        if key not in self._known:
            fields = {
                axis: for_locale(read(combination[axis]), locale)
                for axis, read in self._fields.items()
                if axis in combination
            }
            self._known[key] = {axis: inner for axis, inner in fields.items() if inner}
        return self._known[key]
