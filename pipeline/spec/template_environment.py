"""The sandboxed Jinja2 environment of templates: StrictUndefined, and only the filters and tests listed here."""

from __future__ import annotations

import json

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from brandpress.pipeline.spec.fields import slug_of
from brandpress.pipeline.spec.messages import quote

MAX_RENDERED = 20_000  # characters
FILTERS = ("capitalize", "default", "lower", "pad", "replace", "slug", "title", "tojson", "trim", "upper")
TESTS = ("defined", "undefined")


class _Missing(jinja2.StrictUndefined):
    """Reports missing values in the words of our messages."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        if self._undefined_hint:
            return self._undefined_hint
        if self._undefined_obj is jinja2.utils.missing:
            return f"there is no {quote(self._undefined_name)}"
        return f"{quote(self._undefined_obj)} has no {quote(self._undefined_name)}"


def _pad(value: object, width: int) -> str:
    """Pads a number with leading zeros: `{{ index | pad(4) }}`."""
    if not 1 <= width <= 20:
        raise jinja2.TemplateRuntimeError(f"pad takes a width of 1 to 20, not {width}")
    return str(value).zfill(width)


def _replace(value: object, old: str, new: str) -> str:
    """Like Jinja's `replace`, but checks the length of the result first."""
    text = str(value)
    if not old:
        raise jinja2.TemplateRuntimeError("replace needs some text to look for")
    if len(text) + text.count(old) * (len(new) - len(old)) > MAX_RENDERED:
        raise jinja2.TemplateRuntimeError(f"replace returns more than {MAX_RENDERED:,} characters")
    return text.replace(old, new)


def _tojson(value: object) -> str:
    """Returns a value as JSON, quotation marks included: `{"text": {{ scene | tojson }}}`."""
    if isinstance(value, jinja2.Undefined):
        str(value)  # raises with the name that is missing
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(undefined=_Missing, autoescape=False, keep_trailing_newline=False)
    environment.globals.clear()
    own = {"pad": _pad, "replace": _replace, "slug": lambda value: slug_of(str(value)), "tojson": _tojson}
    environment.filters = {name: own.get(name) or environment.filters[name] for name in FILTERS}
    environment.tests = {name: environment.tests[name] for name in TESTS}
    return environment


ENVIRONMENT = _environment()
