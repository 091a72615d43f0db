"""A piece of a template: what depends on the same few variables. Thousands of texts share most of theirs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jinja2

MAX_RENDERED = 20_000  # characters
KEPT = 4_096
"""Texts of a piece that are kept."""

_MISSING = object()


class TemplateRenderError(Exception):
    """A template that can't be rendered with the values given; the message says which part."""


class Piece:
    """Renders once for the same values, by identity, as long as it keeps the text.

    plain: it's `{{ variable }}` and nothing else.
    """

    def __init__(self, compiled: jinja2.Template, variables: frozenset[str], plain: bool = False) -> None:
        self._compiled = compiled
        self._variables = tuple(sorted(variables))
        self._plain = self._variables[0] if plain else None
        # With the values beside it, no key is taken by another value while the text is kept.
        self._kept: dict[tuple[int, ...], tuple[tuple[object, ...], str]] = {}

    def render(self, values: Mapping[str, Any]) -> str:
        """The text for these values. Raises TemplateRenderError."""
        if self._plain is not None and self._plain in values:
            return str(values[self._plain])
        used = tuple([values.get(name, _MISSING) for name in self._variables])
        key = tuple(map(id, used))
        kept = self._kept.get(key)
        if kept is None:
            kept = (used, self._rendered(values))
            if len(self._kept) >= KEPT:
                self._kept.clear()
            self._kept[key] = kept
        return kept[1]

    def _rendered(self, values: Mapping[str, Any]) -> str:
        try:
            context = self._compiled.new_context(dict(values), shared=True)
            return limited("".join(self._compiled.root_render_func(context)))
        except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
            raise TemplateRenderError(str(error)) from None


def limited(text: str) -> str:
    """The text. Raises TemplateRenderError when it's too long."""
    if len(text) > MAX_RENDERED:
        raise TemplateRenderError(f"it renders to more than {MAX_RENDERED:,} characters")
    return text
