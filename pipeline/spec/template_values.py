"""The values of template variables: `{{ product }}`, `{{ product.title }}`, `{{ scene }}`, `{{ palette.pine }}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from brandpress.pipeline.spec.brand import AnyEntity
from brandpress.pipeline.spec.free_fields import LOCALE, FreeFields, localised_value
from brandpress.pipeline.spec.messages import quote
from brandpress.pipeline.spec.size import Size

ENTITY_ATTRIBUTES = ("name", "description", "sku")
CHOICE_ATTRIBUTES = ("name", "text")
FORMAT_ATTRIBUTES = ("name", "width", "height")


class Listed(tuple[Any, ...]):
    """A list that renders as its items with commas between them."""

    __slots__ = ()

    def __str__(self) -> str:
        return ", ".join(str(shown(item)) for item in self)


def shown(value: object) -> object:
    """Returns what is inserted for a value: true and false in YAML's words."""
    return str(value).lower() if isinstance(value, bool) else value


class Named(str):
    """A name that renders as itself and has attributes: `{{ product }}`, `{{ product.description }}`.

    It equals the text that it renders as, and its name: `locale == "de"` holds where `{{ locale }}` is "in German".
    own: the attributes that each value of such an axis can have. free: the free fields. locale: chooses among the texts
    of a localised field; None if the combination has none.
    """

    own: Mapping[str, Any]
    free: FreeFields
    locale: str | None

    @classmethod
    def of(cls, shown: str, own: Mapping[str, Any], free: FreeFields, locale: str | None) -> Named:
        """Returns a value that renders as `shown`."""
        named = cls(shown)
        named.own, named.free, named.locale = own, free, locale
        return named

    @classmethod
    def entity(cls, name: str, entity: AnyEntity, locale: str | None = None) -> Named:
        """An entity of the brand spec, with its description and article number if it has them."""
        own = {"name": name, "description": entity.description, "sku": getattr(entity, "sku", None)}
        return cls.of(name, {key: value for key, value in own.items() if value is not None}, entity.attributes, locale)

    @classmethod
    def choice(
        cls, shown: str, name: str, text: str, free: FreeFields | None = None, locale: str | None = None
    ) -> Named:
        """A value of a free axis. shown: its text in prompts, its name in output names."""
        return cls.of(shown, {"name": name, "text": text}, free or {}, locale)

    @classmethod
    def shape(cls, name: str, size: Size, free: FreeFields | None = None, locale: str | None = None) -> Named:
        """A size, and its name in the format axis."""
        return cls.of(name, {"name": name, "width": size.width, "height": size.height}, free or {}, locale)

    def __eq__(self, other: object) -> bool:
        return str.__eq__(self, other) is True or (isinstance(other, str) and self.own["name"] == str(other))

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = str.__hash__

    def attribute(self, name: str) -> Any:
        """Returns an attribute; None if there is none of this name, or none for the locale."""
        value = self.own.get(name)
        if value is None:
            value = localised_value(self.free.get(name), self.locale)
        return Listed(value) if isinstance(value, tuple) else value

    def missing(self, name: str) -> str:
        """Returns why there is no such attribute."""
        if name not in self.free:
            return f"{quote(str(self))} has no {quote(name)}"
        if self.locale is None:
            return f"{quote(str(self))} has a {quote(name)} for each locale, but the combination has no {LOCALE}"
        return f"{quote(str(self))} has no {quote(name)} for the locale {quote(self.locale)}"


class Palette:
    """The brand's colours, as `{{ palette.pine }}` or `{{ palette["deep-pine"] }}`."""

    def __init__(self, colours: Mapping[str, str]) -> None:
        self._colours = dict(colours)

    def __getitem__(self, name: str) -> str:
        return self._colours[name]
