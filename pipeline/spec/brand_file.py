"""Reads a brand spec's file and its pictures, and collects all problems."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from brandpress.pipeline.spec.axes import Names
from brandpress.pipeline.spec.brand import ROLES, WHITE, BrandFields, BrandSpec, Product, check_background
from brandpress.pipeline.spec.document import Document, Location
from brandpress.pipeline.spec.feed.feed_fields import ENTITY_FIELDS, split_feed
from brandpress.pipeline.spec.feed.read import ReadFeed, read_feed
from brandpress.pipeline.spec.feed.use import FeedEntity
from brandpress.pipeline.spec.inspection import inspect_all
from brandpress.pipeline.spec.messages import quote
from brandpress.pipeline.spec.net import caught
from brandpress.pipeline.spec.picture import Picture
from brandpress.pipeline.spec.problem import Problem, SpecError, WrongValueError
from brandpress.pipeline.spec.schema import ValidFields, validate_fields
from brandpress.pipeline.spec.selection import matching
from brandpress.pipeline.spec.spec_kind import not_a_brand
from brandpress.pipeline.spec.where import Condition
from brandpress.pipeline.spec.yaml_file import read_yaml


@dataclass(frozen=True)
class ExaminedBrand:
    """What could be read of a brand spec.

    names, colours: known even if the entities or colours themselves have problems. attributes: role -> the names of its
    entities' free fields. Both are None for a role whose feed has problems. fields: None unless all fields are valid.
    brand: None unless there are no problems at all. warnings: what the pictures say about their colours and isn't
    followed, and rows of feeds that were skipped.
    """

    document: Document | None
    names: Names | None
    colours: tuple[str, ...]
    fields: BrandFields | None
    pictures: Mapping[str, Picture]
    brand: BrandSpec | None
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...] = ()
    attributes: Mapping[str, tuple[str, ...] | None] = field(default_factory=dict)

    def select(self, role: str, condition: Condition) -> list[str]:
        """Returns the names of a role's entities that match a condition, [] if they aren't known. Raises
        WrongValueError."""
        return [] if self.fields is None else matching(self.fields.entities(role), condition)


def examine_brand(path: Path, label: str | None = None) -> ExaminedBrand:
    """Reads the file at `path`; messages name it `label`. Never raises: see `problems`."""
    try:
        return caught(
            label or path, lambda: examine_brand_document(read_yaml(path, label)), lambda problem: _unread(problem)
        )
    except SpecError as error:
        return _unread(*error.problems)


def _unread(*problems: Problem) -> ExaminedBrand:
    return ExaminedBrand(None, None, (), None, {}, None, problems)


def examine_brand_document(document: Document) -> ExaminedBrand:
    """Examines a file that was read already."""
    wrong_kind = not_a_brand(document)
    if wrong_kind is not None:
        return _unread(wrong_kind)
    feeds, feed_problems = _read_feeds(document)
    by_hand = _without_feeds(document)
    valid = validate_fields(by_hand, BrandFields)
    data = by_hand.data if isinstance(by_hand.data, dict) else {}
    pictures, errors = _inspected(document, by_hand, feeds)
    finished = {role: feed.finish(errors) for role, feed in feeds.items()}
    feed_problems += [problem for feed in finished.values() for problem in feed.problems]
    colours = _keys(data.get("palette"))
    problems = document.all_problems(
        [
            *valid.problems,
            *_picture_problems(by_hand, errors),
            *_background(document, valid, colours),
            *feed_problems,
        ]
    )
    values = dict(valid.values)
    for role, feed in finished.items():
        values[ROLES[role]] = {**values.get(ROLES[role], {}), **feed.entities}
    fields = BrandFields.model_construct(**values) if not valid.problems and not feed_problems else None
    brand = None
    if fields is not None and not problems:
        uses = tuple(feed.use for feed in finished.values())
        brand = BrandSpec.model_construct(**values, path=document.path, pictures=pictures, feeds=uses)
    broken = {role for role, field_name in ROLES.items() if _has_feed(document, field_name)} if feed_problems else set()
    names: dict[str, Collection[str] | None] = {}
    attributes: dict[str, tuple[str, ...] | None] = {}
    for role, field_name in ROLES.items():
        fed = finished[role].entities if role in finished else {}
        names[role] = None if role in broken else {**dict.fromkeys(_keys(data.get(field_name))), **fed}.keys()
        columns = feeds[role].rows.columns.names if role in feeds else []
        attributes[role] = None if role in broken else (*columns, *_free_names(data.get(field_name)))
    warnings = [*_warnings(by_hand, pictures), *(warning for feed in finished.values() for warning in feed.warnings)]
    warnings += [warning for feed in feeds.values() if (warning := _feed_warning(feed, pictures)) is not None]
    return ExaminedBrand(document, names, colours, fields, pictures, brand, problems, tuple(warnings), attributes)


def read_products(document: Document) -> Mapping[str, Product | FeedEntity]:
    """Returns the products of a brand spec, those of its feed included. Reads no pictures. Raises SpecError."""
    feed = read_feed(document, "products", _keys(_entities(document, "products")))
    if isinstance(feed, list):
        raise SpecError(document.all_problems(feed))
    valid = validate_fields(_without_feeds(document), BrandFields)
    if "products" not in valid.values:
        raise SpecError(document.all_problems(list(valid.problems)))
    by_hand: Mapping[str, Product] = valid.values["products"]
    return by_hand if feed is None else {**by_hand, **feed.finish({}).entities}


def _read_feeds(document: Document) -> tuple[dict[str, ReadFeed], list[Problem]]:
    """Returns role -> feed of those that could be read, and what is wrong with the others."""
    feeds: dict[str, ReadFeed] = {}
    problems: list[Problem] = []
    for role, field_name in ROLES.items():
        feed = read_feed(document, field_name, _keys(_entities(document, field_name)))
        if isinstance(feed, list):
            problems += feed
        elif feed is not None:
            feeds[role] = feed
    return feeds, problems


def _has_feed(document: Document, field_name: str) -> bool:
    data = document.data if isinstance(document.data, dict) else {}
    return split_feed(data.get(field_name))[0] is not None


def _entities(document: Document, field_name: str) -> object:
    """Returns the entities that are written by hand, as the file has them."""
    data = document.data if isinstance(document.data, dict) else {}
    return split_feed(data.get(field_name))[1]


def _without_feeds(document: Document) -> Document:
    """Returns the document without the fields of feeds."""
    if not any(_has_feed(document, field_name) for field_name in ROLES.values()):
        return document
    data = document.data if isinstance(document.data, dict) else {}
    by_hand = {name: _entities(document, name) if name in ROLES.values() else value for name, value in data.items()}
    return document.with_data(by_hand)


def _free_names(entities: object) -> Iterator[str]:
    """Yields the names of the free fields of entities that are written by hand, valid or not."""
    seen: set[str] = set()
    for entity in entities.values() if isinstance(entities, dict) else ():
        for name in entity if isinstance(entity, dict) else ():
            if name not in seen and name not in ENTITY_FIELDS:
                seen.add(name)
                yield name


def _keys(mapping: object) -> tuple[str, ...]:
    return tuple(mapping) if isinstance(mapping, dict) else ()


def _background(document: Document, valid: ValidFields, colours: tuple[str, ...]) -> Iterator[Problem]:
    try:
        check_background(valid.values.get("background", WHITE), colours)
    except WrongValueError as error:
        yield document.wrong(("background",), error, "background: ")


def _inspected(
    document: Document, by_hand: Document, feeds: Mapping[str, ReadFeed]
) -> tuple[dict[str, Picture], dict[str, WrongValueError]]:
    """Returns all reference pictures, each read once, and what is wrong with the others."""
    files = dict.fromkeys(file for _, file, repeated in _references(by_hand.data) if not repeated)
    for feed in feeds.values():
        files |= dict.fromkeys(feed.pictures())
    return inspect_all(tuple(files), document.path.parent)


def _picture_problems(document: Document, errors: Mapping[str, WrongValueError]) -> Iterator[Problem]:
    for location, file, repeated in _references(document.data):
        label = ".".join(map(str, location[:2]))
        if repeated:
            yield document.problem(location, f"{label}: {quote(file)} is listed twice", "remove one")
        elif file in errors:
            yield document.wrong(location, errors[file], f"{label}: ")


def _warnings(document: Document, pictures: Mapping[str, Picture]) -> tuple[Problem, ...]:
    return tuple(
        document.problem(location, f"warning: {warning}")
        for location, file, _ in _references(document.data)
        if file in pictures
        for warning in pictures[file].warnings
    )


def _feed_warning(feed: ReadFeed, pictures: Mapping[str, Picture]) -> Problem | None:
    """Returns the first warning about a feed's pictures, with the number of the others; None without any."""
    files = dict.fromkeys(file for file in feed.pictures() if file in pictures)
    warnings = [warning for file in files for warning in pictures[file].warnings]
    if not warnings:
        return None
    more = f" (and {len(warnings) - 1:,} more warnings)" if len(warnings) > 1 else ""
    return feed.document.problem((feed.role_field, "from"), f"warning: {warnings[0]}{more}")


def _references(data: object) -> Iterator[tuple[Location, str, bool]]:
    """Yields (location, path, whether it's listed before) of each reference that is text."""
    for field_name in ROLES.values():
        entities = data.get(field_name) if isinstance(data, dict) else None
        for name, entity in entities.items() if isinstance(entities, dict) else ():
            files = entity.get("references") if isinstance(entity, dict) else None
            if not isinstance(files, tuple):
                continue
            earlier: set[str] = set()
            for i, file in enumerate(files):
                if isinstance(file, str):
                    yield (field_name, name, "references", i), file, file in earlier
                    earlier.add(file)
