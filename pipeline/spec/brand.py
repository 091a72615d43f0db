"""The fields of a brand spec: characters, products and styles with their reference pictures, palette, background."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, model_validator

from brandpress.pipeline.spec.feed.use import FeedEntity, FeedUse
from brandpress.pipeline.spec.fields import Fields, Slug, Text, parse_sku, reader
from brandpress.pipeline.spec.free_fields import FreeFields, parse_free_fields
from brandpress.pipeline.spec.messages import closest, kind, listing, quote
from brandpress.pipeline.spec.picture import Picture
from brandpress.pipeline.spec.problem import WrongValueError
from brandpress.pipeline.spec.written import written

ROLES = {"product": "products", "character": "characters", "style": "styles"}
"""Matrix axis -> the brand spec's field with its values."""

WHITE = "#ffffff"
RESERVED_FIELDS = ("name",)
"""Names that a free field of an entity can't have: templates have them already."""


def parse_colour(value: object) -> str:
    """Returns a colour as lowercase `#rrggbb`. Raises WrongValueError."""
    if not isinstance(value, str):
        number = written(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""
        raise WrongValueError(f"must be a colour, not {kind(value)}", _COLOUR_RULE, _suggestion(number))
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", value):
        raise WrongValueError(f"{quote(value)} isn't a colour", _COLOUR_RULE, _suggestion(value))
    return value.lower()


_COLOUR_RULE = 'allowed: "#rrggbb", in quotes'


def _suggestion(colour: str) -> str:
    bare = colour.lstrip("#")
    long = "".join(c * 2 for c in bare) if len(bare) == 3 else bare
    return quote(f"#{long.lower()}") if re.fullmatch(r"[0-9a-fA-F]{6}", long) else ""


def parse_background(value: object) -> str:
    """Returns a colour as `#rrggbb`, or a possible palette name; see `check_background`. Raises WrongValueError."""
    text = value.strip() if isinstance(value, str) else value
    return text if isinstance(text, str) and not text.startswith("#") else parse_colour(text)


def check_background(background: str, palette: Collection[str]) -> None:
    """Raises WrongValueError for a text that is neither a colour nor a palette name."""
    if background.startswith("#") or background in palette:
        return
    names = f", or a name of the palette: {listing(palette)}" if palette else ""
    suggestion = closest(background, palette) or _suggestion(background)
    raise WrongValueError(f"{quote(background)} isn't a colour", _COLOUR_RULE + names, suggestion)


def _parse_attributes(written: tuple[tuple[str, ...], Mapping[str, object]]) -> FreeFields:
    known, fields = written
    return parse_free_fields(fields, known, RESERVED_FIELDS)


class Described(Fields):
    """The base of characters, products and styles. attributes: the free fields, which a file has beside the known
    ones."""

    attributes: Annotated[FreeFields, reader(_parse_attributes)] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _gather_free_fields(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        known = tuple(name for name in cls.model_fields if name != "attributes")
        free = {name: inner for name, inner in value.items() if name not in known}
        own = {name: inner for name, inner in value.items() if name in known}
        return own | {"attributes": (known, free)} if free else own


class Entity(Described):
    """A character or product: what it looks like in words, and its reference pictures, in order."""

    description: Text = Field(description="description: what it looks like, in words")
    references: tuple[str, ...] = Field((), description="references: [references/front.png]")


class Character(Entity):
    """Someone who appears in pictures."""


class Product(Entity):
    """Something that is sold."""

    sku: Annotated[str, reader(parse_sku)] | None = None


class Style(Described):
    """How pictures look. The description is optional: references can be enough."""

    description: Text | None = None
    references: tuple[str, ...] = ()


AnyEntity = Entity | Style | FeedEntity


class BrandFields(Fields):
    """The fields of a brand spec's file. Loading it adds the entities of feeds to those that are written by hand."""

    name: Slug = Field(alias="brand", description="brand: its-name")
    description: Text | None = None
    palette: dict[Slug, Annotated[str, reader(parse_colour)]] = Field(default_factory=dict)
    background: Annotated[str, reader(parse_background)] = WHITE
    characters: dict[Slug, Character] = Field(default_factory=dict)
    products: dict[Slug, Product] = Field(default_factory=dict)
    styles: dict[Slug, Style] = Field(default_factory=dict)

    def entities(self, role: str) -> Mapping[str, AnyEntity]:
        """Returns name -> entity of a role: the products, the characters or the styles, with those of feeds."""
        entities: Mapping[str, AnyEntity] = getattr(self, ROLES[role])
        return entities

    @property
    def background_colour(self) -> str:
        """The colour, `#rrggbb`, that transparent reference pictures are flattened onto."""
        return self.palette.get(self.background, self.background)


class BrandSpec(BrandFields):
    """A loaded brand spec.

    path: its file. pictures: its reference pictures, keyed by their paths as written. feeds: the feeds that were read.
    """

    path: Path
    pictures: dict[str, Picture]
    feeds: tuple[FeedUse, ...] = ()

    def pictures_of(self, role: str, name: str) -> Iterator[Picture]:
        """Yields the reference pictures of one entity, in order."""
        return (self.pictures[file] for file in self.entities(role)[name].references)
