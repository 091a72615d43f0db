"""The sandboxed Jinja2 environment of templates: StrictUndefined, and only the filters and tests listed here."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from brandpress.pipeline.spec.fields import slug_of
from brandpress.pipeline.spec.messages import quote
from brandpress.pipeline.spec.template_values import Named, shown

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


class _Environment(ImmutableSandboxedEnvironment):
    """Named values have only their own attributes, not those of Python's texts: `{{ product.title }}` is a field."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self._attribute(obj, attribute) if isinstance(obj, Named) else super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        return self._attribute(obj, str(argument)) if isinstance(obj, Named) else super().getitem(obj, argument)

    def _attribute(self, named: Named, attribute: str) -> Any:
        value = named.attribute(attribute)
        return self.undefined(named.missing(attribute), named, attribute) if value is None else value


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


def _bounded(name: str, function: Callable[..., object]) -> Callable[..., object]:
    """Returns a filter that takes and returns at most MAX_RENDERED characters, so that a chain of filters that lengthen
    their text, such as `tojson | tojson | …`, stops early."""

    @functools.wraps(function)
    def bounded(value: object, *args: object, **kwargs: object) -> object:
        if isinstance(value, str) and len(value) > MAX_RENDERED:
            raise jinja2.TemplateRuntimeError(f"{name} takes at most {MAX_RENDERED:,} characters")
        result = function(value, *args, **kwargs)
        if isinstance(result, str) and len(result) > MAX_RENDERED:
            raise jinja2.TemplateRuntimeError(f"{name} returns more than {MAX_RENDERED:,} characters")
        return result

    return bounded


def _environment() -> ImmutableSandboxedEnvironment:
    environment = _Environment(undefined=_Missing, autoescape=False, keep_trailing_newline=False, finalize=shown)
    environment.globals.clear()
    own: dict[str, Callable[..., object]] = {
        "pad": _pad,
        "replace": _replace,
        "slug": lambda value: slug_of(str(value)),
        "tojson": _tojson,
    }
    environment.filters = {name: _bounded(name, own.get(name) or environment.filters[name]) for name in FILTERS}
    environment.tests = {name: environment.tests[name] for name in TESTS}
    return environment


ENVIRONMENT = _environment()
