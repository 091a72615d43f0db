"""The fields of a feed in a brand spec: `from`, `key`, `where`, `map` and `on_bad_row`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from brandpress.pipeline.spec.fields import Fields, Text, parse_choice, plain_text, reader
from brandpress.pipeline.spec.free_fields import check_field_name
from brandpress.pipeline.spec.messages import kind
from brandpress.pipeline.spec.problem import WrongValueError
from brandpress.pipeline.spec.where import Condition, parse_condition

ENTITY_FIELDS = ("description", "references", "sku")
MAX_MAPPED = 100
_MAP_RULE = "write {description: title, references: [image_link]}"

FieldMap = Mapping[str, tuple[str, ...]]
"""Field of an entity -> columns; several only for `references`."""


def parse_map(value: object) -> FieldMap:
    """Returns `map:`. Raises a group of WrongValueErrors."""
    if not isinstance(value, Mapping):
        raise WrongValueError(f"must be a mapping of fields to columns, not {kind(value)}", _MAP_RULE)
    if len(value) > MAX_MAPPED:
        raise WrongValueError(f"has {len(value):,} fields", f"allowed: at most {MAX_MAPPED}")
    columns: dict[str, tuple[str, ...]] = {}
    errors: list[WrongValueError] = []
    for field, written in value.items():
        try:
            if field not in ENTITY_FIELDS:
                check_field_name(field, ENTITY_FIELDS, ("key", "name"))
            columns[field] = _columns(field, written)
        except WrongValueError as error:
            errors.append(error.below(field))
    if errors:
        raise ExceptionGroup("wrong values", errors)
    return columns


def _columns(field: str, written: object) -> tuple[str, ...]:
    if isinstance(written, str):
        return (plain_text(written, 200),)
    if not isinstance(written, tuple) or field != "references":
        rule = "write the name of a column" + (", or a list of them" if field == "references" else "")
        raise WrongValueError(f"must name a column by text, not {kind(written)}", rule)
    if not written:
        raise WrongValueError("is an empty list", "name a column, or remove it")
    for i, column in enumerate(written):
        if not isinstance(column, str):
            raise WrongValueError(f"must name a column by text, not {kind(column)}", at=(i,))
    return written


class FeedFields(Fields):
    """A feed of products, characters or styles. columns: which columns are which fields of an entity."""

    source: Text = Field(alias="from", description="from: feed.csv")
    key: Text = Field(description="key: id")
    where: Annotated[Condition, reader(parse_condition)] | None = None
    columns: Annotated[FieldMap, reader(parse_map)] = Field(alias="map", default_factory=dict)
    on_bad_row: Annotated[Literal["fail", "skip"], reader(parse_choice(("fail", "skip")))] = "fail"


FEED_NAMES = tuple(info.alias or name for name, info in FeedFields.model_fields.items())
"""The fields of a feed as files write them."""


def split_feed(entities: object) -> tuple[dict[str, object] | None, object]:
    """Returns a feed's fields, None without `from`, and the entities that are written by hand beside it."""
    if not isinstance(entities, dict) or "from" not in entities:
        return None, entities
    feed = {name: value for name, value in entities.items() if name in FEED_NAMES}
    return feed, {name: value for name, value in entities.items() if name not in FEED_NAMES}
