"""Field types that brand specs and campaigns share."""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, GetPydanticSchema
from pydantic_core import PydanticCustomError, core_schema

from brandpress.pipeline.spec.messages import allowed, closest, kind, quote
from brandpress.pipeline.spec.problem import WrongValueError
from brandpress.pipeline.spec.written import written

MAX_SLUG = 64
MAX_TEXT = 2_000
MAX_TEMPLATE = 20_000
READER = "reader"
"""Key of a schema's metadata: what `reader` reads with, and the type that it annotates."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_SLUG = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
SLUG_RULE = f"allowed: lowercase letters and digits, separated by single '-' or '_', at most {MAX_SLUG} characters"


class Fields(BaseModel):
    """Base of all models: frozen, no unknown fields, no type conversions."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, str_strip_whitespace=True)


def as_pydantic(*errors: Exception) -> PydanticCustomError:
    """Wraps WrongValueErrors for pydantic; `schema` turns each into a Problem."""
    return PydanticCustomError("wrong", "{what}", {"what": str(errors[0]), "errors": errors})


def reader(read: Callable[[Any], Any]) -> GetPydanticSchema:
    """Returns an annotation for fields whose values `read` parses. `read` raises WrongValueError, or a group of
    them."""

    def validate(value: Any) -> Any:
        try:
            return read(value)
        except WrongValueError as error:
            raise as_pydantic(error) from None
        except ExceptionGroup as group:
            raise as_pydantic(*group.exceptions) from None

    return GetPydanticSchema(
        lambda source, handler: core_schema.no_info_plain_validator_function(
            validate, metadata={READER: (read, source)}
        )
    )


def slug(value: str) -> str:
    """Returns a name that is safe in file names, templates and object keys. Raises WrongValueError for others."""
    if len(value) > MAX_SLUG or not _SLUG.fullmatch(value):
        suggestion = slug_of(value[: 10 * MAX_SLUG])
        raise WrongValueError(f"{quote(value)} isn't a valid name", SLUG_RULE, quote(suggestion) if suggestion else "")
    return value


def slug_of(text: str) -> str:
    """Derives a name from a text: 'On a Beach!' -> 'on-a-beach'; "" if none of its characters are allowed in names."""
    if text.isascii() and len(text) <= MAX_SLUG and "_" not in text and _SLUG.fullmatch(text.lower()):
        return text.lower()
    ascii_only = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", ascii_only)
    name = ""
    for word in words:
        longer = f"{name}-{word}" if name else word[:MAX_SLUG]
        if len(longer) > MAX_SLUG:
            break
        name = longer
    return name


def plain_text(value: object, limit: int = MAX_TEXT) -> str:
    """Returns the text, stripped. Raises WrongValueError if it isn't text, is empty or is too long."""
    if not isinstance(value, str):
        raise WrongValueError(f"must be text, not {kind(value)}", quotes_hint(value))
    text = value.strip()
    if not text:
        raise WrongValueError("is empty", "write some text")
    if len(text) > limit:
        raise WrongValueError(f"is {len(text):,} characters long", f"allowed: at most {limit:,} characters")
    if bad := control_character(text):
        raise WrongValueError(f"contains the control character {quote(bad)}", "remove it")
    return text


def parse_sku(value: object) -> str:
    """Returns an article number: one line of text, at most 64 characters. Raises WrongValueError."""
    text = plain_text(value, 64)
    if "\n" in text or "\t" in text:
        raise WrongValueError("contains a line break or a tab", "allowed: one line")
    return text


def control_character(text: str) -> str | None:
    """Returns the first control character of a text that isn't a line break or a tab, or half a surrogate pair, which
    can't be encoded; None if it has none."""
    match = _CONTROL.search(text)
    return match[0] if match else None


def parse_choice(choices: tuple[str, ...]) -> Callable[[object], str]:
    """Returns a parser that accepts one of the choices."""

    def read(value: object) -> str:
        if value not in choices:
            shown = quote(value) if isinstance(value, str) else kind(value)
            raise WrongValueError(f"{shown} isn't known", allowed(choices), closest(str(value), choices))
        return str(value)

    return read


def quotes_hint(value: object) -> str:
    """Returns how to write a value that YAML read as something other than text."""
    if isinstance(value, bool):
        return "put it in quotes"
    return f'put it in quotes: "{written(value)}"' if isinstance(value, (int, float, datetime.date)) else ""


def parse_name(value: str) -> str:
    """Returns a name; see `slug`. Raises pydantic's error for others."""
    try:
        return slug(value)
    except WrongValueError as error:
        raise as_pydantic(error) from None


Slug = Annotated[str, AfterValidator(parse_name)]
Text = Annotated[str, reader(plain_text)]
