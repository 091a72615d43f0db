"""The values of template variables: `{{ product }}`, `{{ scene }}`, `{{ palette.pine }}`."""

from __future__ import annotations

from collections.abc import Mapping

from brandpress.pipeline.spec.brand import Entity, Style
from brandpress.pipeline.spec.size import Size

ENTITY_ATTRIBUTES = ("name", "description", "sku")
CHOICE_ATTRIBUTES = ("name", "text")
FORMAT_ATTRIBUTES = ("name", "width", "height")


class Named(str):
    """A name that renders as itself and has attributes: `{{ product }}`, `{{ product.description }}`."""

    name: str
    text: str
    description: str
    sku: str
    width: int
    height: int

    @classmethod
    def entity(cls, name: str, entity: Entity | Style) -> Named:
        """An entity of the brand spec, with its description and article number if it has them."""
        named = cls(name)
        named.name = name
        for attribute in ("description", "sku"):
            value = getattr(entity, attribute, None)
            if value is not None:
                setattr(named, attribute, value)
        return named

    @classmethod
    def choice(cls, shown: str, name: str, text: str) -> Named:
        """A value of a free axis. shown: its text in prompts, its name in output names."""
        named = cls(shown)
        named.name, named.text = name, text
        return named

    @classmethod
    def shape(cls, name: str, size: Size) -> Named:
        """A size, and its name in the format axis."""
        named = cls(name)
        named.name = name
        named.width, named.height = size
        return named


class Palette:
    """The brand's colours, as `{{ palette.pine }}` or `{{ palette["deep-pine"] }}`."""

    def __init__(self, colours: Mapping[str, str]) -> None:
        self._colours = dict(colours)

    def __getitem__(self, name: str) -> str:
        return self._colours[name]
