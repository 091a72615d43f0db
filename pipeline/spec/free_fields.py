"""Free fields: what people write about a product, character, style or axis value beyond the known fields.

They don't decide a picture unless a template uses them. A free field that is a mapping is localised: its keys are
values of the axis `locale`, or `default`.
"""

from __future__ import annotations

import difflib
import math
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from brandpress.pipeline.spec.fields import control_character, quotes_hint, slug
from brandpress.pipeline.spec.messages import kind, listing, quote
from brandpress.pipeline.spec.problem import WrongValueError
from brandpress.pipeline.spec.written import misread

LOCALE = "locale"
"""The axis whose values choose among the texts of a localised field."""

DEFAULT = "default"
MAX_FREE_FIELDS = 100
MAX_FREE_TEXT = 5_000
MAX_ITEMS = 100
MAX_LOCALES = 200
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
NAME_RULE = "allowed: lowercase letters, digits and '_', starting with a letter, at most 40 characters"
_VALUE_RULE = "allowed: text, a number, true, false, a list of these, or a mapping of locales to them"
_SIMILAR = 0.8

FreeFields = Mapping[str, Any]
"""Name -> text, number, boolean, tuple of these, or a mapping of locales to them."""


def identifier_of(name: str) -> str:
    """Derives a field's name from another spelling: `Image Link` and `g:image_link` -> `image_link`; "" if it has
    none."""
    ascii_only = unicodedata.normalize("NFKD", name[:200]).encode("ascii", "ignore").decode()
    bare = re.sub(r"^g:", "", ascii_only.strip().lower())
    words = re.sub(r"[^a-z0-9]+", "_", bare).strip("_")[:40].rstrip("_")
    return words if _NAME.fullmatch(words) else ""


def check_field_name(name: str, known: Collection[str], reserved: Collection[str]) -> None:
    """Raises WrongValueError for a name that isn't an identifier, is reserved, or is a likely typo of a known one."""
    near = difflib.get_close_matches(name[:60].lower(), known, n=1, cutoff=_SIMILAR)
    if near:
        raise WrongValueError(
            f"unknown field {quote(name)}",
            f"allowed: {listing(known)}, and other fields with less similar names",
            quote(near[0]),
            on_key=True,
        )
    if not _NAME.fullmatch(name):
        suggestion = identifier_of(name)
        raise WrongValueError(
            f"{quote(name)} isn't a valid name of a free field",
            NAME_RULE,
            quote(suggestion) if suggestion else "",
            on_key=True,
        )
    if name in reserved:
        raise WrongValueError(f"the name {quote(name)} is reserved", "choose another name", on_key=True)


def parse_free_fields(fields: Mapping[str, object], known: Collection[str], reserved: Collection[str]) -> FreeFields:
    """Returns free fields as they are written in a file. known: the fields that aren't free, for suggestions. Raises a
    group of WrongValueErrors."""
    if len(fields) > MAX_FREE_FIELDS:
        what = f"has {len(fields):,} free fields"
        raise ExceptionGroup("wrong values", [WrongValueError(what, f"allowed: at most {MAX_FREE_FIELDS}")])
    errors: list[WrongValueError] = []
    values: dict[str, Any] = {}
    for name, value in fields.items():
        try:
            check_field_name(name, known, reserved)
        except WrongValueError as error:
            errors.append(error.below(name))
            continue
        try:
            values[name] = parse_free_value(value)
        except WrongValueError as error:
            errors.append(error.about(name).below(name))
    if errors:
        raise ExceptionGroup("wrong values", errors)
    return values


def parse_free_value(value: object) -> Any:
    """Returns the value of a free field. Raises WrongValueError."""
    if not isinstance(value, Mapping):
        return _plain_value(value)
    if not 0 < len(value) <= MAX_LOCALES:
        raise WrongValueError(f"has {len(value):,} locales", f"allowed: 1 to {MAX_LOCALES}")
    localised: dict[str, Any] = {}
    for locale, text in value.items():
        try:
            slug(locale)
        except WrongValueError as error:
            raise error.on_its_key().below(locale) from None
        try:
            localised[locale] = _plain_value(text)
        except WrongValueError as error:
            raise error.below(locale) from None
    return localised


def _plain_value(value: object) -> Any:
    if not isinstance(value, tuple):
        return _scalar(value)
    if not 0 < len(value) <= MAX_ITEMS:
        raise WrongValueError(f"has {len(value):,} items", f"allowed: 1 to {MAX_ITEMS}")
    items = []
    for i, item in enumerate(value):
        try:
            items.append(_scalar(item))
        except WrongValueError as error:
            raise error.below(i) from None
    return tuple(items)


def _scalar(value: object) -> Any:
    if isinstance(value, str):
        return parse_free_text(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and math.isfinite(value):
        if misread(value):
            raise WrongValueError(f"is {kind(value)}", quotes_hint(value))
        return value
    raise WrongValueError(f"is {kind(value)}", quotes_hint(value) or _VALUE_RULE)


def parse_free_text(value: str) -> str:
    """Returns a text, stripped. Raises WrongValueError if it's empty, too long or has control characters."""
    text = value.strip()
    if not text:
        raise WrongValueError("is empty", "write some text, or remove it")
    if len(text) > MAX_FREE_TEXT:
        raise WrongValueError(f"is {len(text):,} characters long", f"allowed: at most {MAX_FREE_TEXT:,} characters")
    if not text.isprintable() and (bad := control_character(text)):
        raise WrongValueError(f"contains the control character {quote(bad)}", "remove it")
    return text


def localised_value(value: Any, locale: str | None) -> Any:
    """Returns a field's value for a locale; None if it is localised and has neither this locale nor `default`."""
    if not isinstance(value, Mapping):
        return value
    return value.get(locale, value.get(DEFAULT)) if locale is not None else value.get(DEFAULT)


def is_localised(fields: FreeFields) -> bool:
    """Whether any of the fields depends on the locale."""
    return dict in map(type, fields.values())


def for_locale(fields: FreeFields, locale: str | None) -> FreeFields:
    """Returns the fields with their values for one locale; those without one are left out. Fields that don't depend on
    the locale are returned as they are, without a copy."""
    if not is_localised(fields):
        return fields
    values = ((name, localised_value(value, locale)) for name, value in fields.items())
    return {name: value for name, value in values if value is not None}


def names_of(all_fields: Iterable[FreeFields]) -> tuple[str, ...]:
    """Returns the names of all fields, in the order in which they appear first."""
    names: dict[str, None] = {}
    for fields in all_fields:
        if not fields.keys() <= names.keys():
            names |= dict.fromkeys(fields)
    return tuple(names)
