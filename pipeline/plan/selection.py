"""Selects variants: the language of `--select`.

A term is `key:pattern` or a pattern of output names, and `!` in front of it excludes what it matches. Patterns are
globs, in which `*` matches `/`, too. Terms of one key are alternatives; those of different keys all have to match.

Keys are `name`, `seed`, `state`, the axes of the matrix (by the value's name), and the fields of axis values, such as
`sku`. `product.sku` is the field of this axis only, `product.name` the axis itself.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import filter as matching
from fnmatch import translate
from typing import Protocol

from brandpress.model.errors import RequestError
from brandpress.pipeline.plan.state import STATES
from brandpress.pipeline.spec.attributes import NO_ATTRIBUTES, Attributes, CombinationAttributes
from brandpress.pipeline.spec.brand import ROLES, BrandFields
from brandpress.pipeline.spec.campaign import Campaign
from brandpress.pipeline.spec.messages import allowed, closest, listing, quote

OPTION = "--select"
MAX_TERMS = 100
MAX_TERM = 500  # characters

NAME, SEED, STATE = "name", "seed", "state"
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z_][A-Za-z0-9_-]*)?")
_WILDCARDS = re.compile(r"[*?\[]")


class Selectable(Protocol):
    """What can be selected: a planned variant, its state, or a record. It may have `attributes`, too."""

    @property
    def name(self) -> str: ...
    @property
    def axes(self) -> Mapping[str, str]: ...
    @property
    def seed(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Term:
    """One term of a selection. key: `name` for a bare pattern."""

    key: str
    pattern: str
    excludes: bool
    regex: re.Pattern[str]

    def matches(self, values: Iterable[str]) -> bool:
        """Whether any of the key's values matches the pattern."""
        return any(self.regex.match(value) for value in values)

    def __str__(self) -> str:
        return f"{'!' if self.excludes else ''}{self.key}:{self.pattern}"


@dataclass(frozen=True, slots=True)
class SelectionKeys:
    """What terms can refer to.

    axes: axis -> names of its values. fields: axis -> names of the fields that its values have. entities: axis -> name
    -> field -> value, for the fields of the brand spec that variants don't carry.
    """

    axes: Mapping[str, Collection[str]]
    fields: Mapping[str, Collection[str]]
    entities: Mapping[str, Mapping[str, Mapping[str, str]]]

    @property
    def all(self) -> tuple[str, ...]:
        """All keys without a dot, in the order in which messages list them."""
        fields = (field for names in self.fields.values() for field in names)
        return tuple(dict.fromkeys((NAME, SEED, STATE, *self.axes, *sorted(fields))))

    def has(self, key: str) -> bool:
        """Whether a term may have this key."""
        axis, dot, field = key.partition(".")
        if dot:
            return axis in self.axes and (field == NAME or field in self.fields.get(axis, ()))
        return key in self.all


@dataclass(frozen=True)
class Selection:
    """Terms, and the fields of the brand spec's entities that they may refer to."""

    terms: tuple[Term, ...]
    keys: SelectionKeys

    @property
    def uses_state(self) -> bool:
        """Whether a term asks for a state, which only a store can tell."""
        return any(term.key == STATE for term in self.terms)

    @property
    def written(self) -> tuple[str, ...]:
        """The terms as text that `parse_selection` reads."""
        return tuple(map(str, self.terms))

    def matches(self, item: Selectable, state: str | None = None) -> bool:
        """Whether the terms select an item. state: None if it isn't known; then no term with a state matches."""
        wanted: dict[str, bool] = {}
        for term in self.terms:
            matched = term.matches(self._values(term.key, item, state))
            if term.excludes:
                if matched:
                    return False
            else:
                wanted[term.key] = wanted.get(term.key, False) or matched
        return all(wanted.values())

    def _values(self, key: str, item: Selectable, state: str | None) -> Iterator[str]:
        if key == NAME:
            yield item.name
        elif key == SEED:
            yield str(item.seed)
        elif key == STATE:
            yield from (state,) if state else ()
        else:
            yield from self._field_values(key, item)

    def _field_values(self, key: str, item: Selectable) -> Iterator[str]:
        axis, dot, field = key.partition(".")
        if not dot and key in item.axes:
            yield item.axes[key]
        elif field == NAME:
            yield from (item.axes[axis],) if axis in item.axes else ()
        else:
            for of_axis in (axis,) if dot else item.axes:
                yield from self._attribute(of_axis, field or key, item)

    def _attribute(self, axis: str, field: str, item: Selectable) -> Iterator[str]:
        attributes: Attributes = getattr(item, "attributes", NO_ATTRIBUTES)
        of_axis = attributes.get(axis)
        if isinstance(of_axis, Mapping) and field in of_axis:
            yield from _texts(of_axis[field])
        else:
            of_entity = self.keys.entities.get(axis, {}).get(item.axes.get(axis, ""), {})
            yield from (of_entity[field],) if field in of_entity else ()


@dataclass(frozen=True, slots=True)
class KnownPicture:
    """What a selection needs to know about a picture, of a record or of a variant that isn't planned yet."""

    name: str
    axes: Mapping[str, str]
    seed: int
    attributes: Attributes


def campaign_selection(terms: Sequence[str], campaign: Campaign, variants: Iterable[Selectable]) -> Selection | None:
    """Returns the selection of these terms among a campaign's variants; None without terms. Raises RequestError."""
    return _selection(terms, campaign, variants) if terms else None


def _selection(terms: Sequence[str], campaign: Campaign, variants: Iterable[Selectable]) -> Selection:
    axes = {axis.name: tuple(axis.values) for axis in campaign.axes.values()}
    return parse_selection(terms, selection_keys(variants, axes, campaign.brand))


def check_selection(terms: Sequence[str], campaign: Campaign) -> None:
    """Checks terms without the model and the store, which is why any seed and any state counts as one that matches:
    decisions and the quality gate change seeds.

    Raises RequestError for terms that are wrong, and if they select no variant."""
    if not terms:
        return
    attributes = CombinationAttributes(campaign.brand, campaign.axes)
    points = [KnownPicture(one.name, one.axes, one.seed, attributes.of(one.axes)) for one in campaign.points]
    selection = _selection(terms, campaign, points)
    known = replace(selection, terms=tuple(term for term in selection.terms if term.key not in (SEED, STATE)))
    if not any(map(known.matches, points)):
        raise RequestError(nothing_matches(selection))


def selection_keys(
    items: Iterable[Selectable], axes: Mapping[str, Collection[str]], brand: BrandFields | None = None
) -> SelectionKeys:
    """Returns what terms can refer to. axes: those of the campaign. items: what can be selected."""
    entities = _article_numbers(brand) if brand else {}
    fields: dict[str, set[str]] = {axis: {"sku"} for axis, names in entities.items() if names}
    seen: set[int] = set()
    for item in items:
        attributes: Attributes = getattr(item, "attributes", NO_ATTRIBUTES)
        for axis, of_axis in attributes.items():
            if id(of_axis) not in seen and isinstance(of_axis, Mapping):
                seen.add(id(of_axis))
                fields.setdefault(axis, set()).update(of_axis)
    return SelectionKeys(axes, fields, entities)


def parse_selection(terms: Sequence[str], keys: SelectionKeys) -> Selection:
    """Returns the selection of these terms. Raises RequestError that names the wrong term and what is allowed."""
    if len(terms) > MAX_TERMS:
        raise RequestError(f"{OPTION}: {len(terms):,} terms; allowed: at most {MAX_TERMS}")
    return Selection(tuple(_parse(term, keys) for term in terms), keys)


def nothing_matches(selection: Selection) -> str:
    """Returns that no variant matches a selection, with the value that was probably meant."""
    hints = []
    for term in selection.terms:
        values = selection.keys.axes.get(term.key, ())
        if values and not term.excludes and not matching(values, term.pattern):
            near = closest(term.pattern, values)
            meant = f"; did you mean {near}?" if near else f"; it has {listing(values)}"
            hints.append(f"the axis {quote(term.key)} has no value {quote(term.pattern)}{meant}")
    reason = hints[0] if hints else "`brandpress plan` lists the variants"
    return f"{OPTION} {' '.join(selection.written)}: no variant matches; {reason}"


def _parse(written: str, keys: SelectionKeys) -> Term:
    text = written.strip()
    excludes = text.startswith("!")
    text = text[1:].strip() if excludes else text
    if len(text) > MAX_TERM:
        raise RequestError(f"{OPTION} {quote(written)}: {len(text):,} characters; allowed: at most {MAX_TERM}")
    key, colon, pattern = text.partition(":")
    if not colon:
        key, pattern = NAME, text
    if not pattern:
        raise RequestError(f"{OPTION} {quote(written)}: the pattern is missing; write KEY:PATTERN, as in product:mug")
    if not keys.has(key):
        raise RequestError(_unknown_key(written, key, keys))
    if key == STATE:
        pattern = _state_pattern(written, pattern)
    if key == SEED and not pattern.isdecimal() and not _WILDCARDS.search(pattern):
        raise RequestError(f"{OPTION} {quote(written)}: a seed is a whole number, not {quote(pattern)}")
    return Term(key, pattern, excludes, re.compile(translate(pattern)))


def _state_pattern(written: str, pattern: str) -> str:
    """Returns the pattern of a state. States may be written with a hyphen or a space: `held-back`."""
    pattern = pattern.lower().replace("-", "_").replace(" ", "_") if not _WILDCARDS.search(pattern) else pattern
    if matching(STATES, pattern):
        return pattern
    near = closest(pattern, STATES) if pattern.isidentifier() else ""
    hint = f"; did you mean {near}?" if near else "; for several states, repeat the option"
    raise RequestError(f"{OPTION} {quote(written)}: there is no state {quote(pattern)}; {allowed(STATES)}{hint}")


def _unknown_key(written: str, key: str, keys: SelectionKeys) -> str:
    if not _KEY.fullmatch(key):
        return f"{OPTION} {quote(written)}: {quote(key)} isn't a key; {allowed(keys.all)}"
    axis, dot, field = key.partition(".")
    names = [NAME, *sorted(keys.fields.get(axis, ()))] if dot and axis in keys.axes else list(keys.all)
    near = closest(field if dot and axis in keys.axes else key, names)
    hint = f"; did you mean {near}?" if near else ""
    return f"{OPTION} {quote(written)}: there is no key {quote(key)}; {allowed(names)}{hint}"


def _article_numbers(brand: BrandFields) -> dict[str, dict[str, dict[str, str]]]:
    """Returns axis -> name -> `sku`, for the entities that have one."""
    numbers: dict[str, dict[str, dict[str, str]]] = {}
    for role in ROLES:
        skus = ((name, getattr(entity, "sku", None)) for name, entity in brand.entities(role).items())
        numbers[role] = {name: {"sku": sku} for name, sku in skus if sku is not None}
    return numbers


def _texts(value: object) -> Iterator[str]:
    """Yields the values of a field as text: several for a list, and one for each locale of a mapping."""
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else (value,)
    for item in items:
        if isinstance(item, bool):
            yield str(item).lower()
        elif item is not None:
            yield str(item)
