"""Compiles and renders the templates of prompts and output names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jinja2
from jinja2 import nodes

from brandpress.pipeline.spec.template_check import Variables, check_template
from brandpress.pipeline.spec.template_environment import ENVIRONMENT, MAX_RENDERED
from brandpress.pipeline.spec.template_values import Named

MAX_PIECES = 64  # of a template; each is compiled separately
MAX_ERROR = 200  # characters
CACHED_TEXTS = 4_096  # of a piece

_MISSING = object()


class TemplateRenderError(Exception):
    """A template that can't be rendered with the given values; the message says why."""


@dataclass(frozen=True)
class Template:
    """A compiled template and the variables that it uses."""

    source: str
    variables: frozenset[str]
    pieces: tuple[str | Piece, ...]

    def render(self, values: Mapping[str, Any]) -> str:
        """Returns the text for these values, stripped. Raises TemplateRenderError."""
        parts = [piece if isinstance(piece, str) else piece.render(values) for piece in self.pieces]
        return _checked_length("".join(parts)).strip()


class Piece:
    """A part of a template, such as one `{{ expression }}`.

    Caches its texts by the identity of the values that it uses: the prompts of a campaign share most of their values.
    plain: the piece is `{{ variable }}` and nothing else. attribute: it is `{{ variable.attribute }}`.
    """

    def __init__(
        self, compiled: jinja2.Template, variables: frozenset[str], *, plain: bool = False, attribute: str | None = None
    ) -> None:
        self._compiled = compiled
        self._variables = tuple(sorted(variables))
        self._plain = self._variables[0] if plain else None
        self._attribute = attribute
        # An entry holds its values, so that no other value gets one of their ids while the entry exists.
        self._cache: dict[tuple[int, ...], tuple[tuple[object, ...], str]] = {}

    def render(self, values: Mapping[str, Any]) -> str:
        """Returns the text for these values. Raises TemplateRenderError."""
        if self._plain is not None and self._plain in values:
            return str(values[self._plain])
        if self._attribute is not None:
            named = values.get(self._variables[0])
            text = named.attribute(self._attribute) if isinstance(named, Named) else None
            if type(text) is str:
                return _checked_length(text)
        used = tuple([values.get(name, _MISSING) for name in self._variables])
        key = tuple(map(id, used))
        entry = self._cache.get(key)
        if entry is None:
            entry = (used, self._render(values))
            if len(self._cache) >= CACHED_TEXTS:
                self._cache.clear()
            self._cache[key] = entry
        return entry[1]

    def _render(self, values: Mapping[str, Any]) -> str:
        try:
            context = self._compiled.new_context(dict(values), shared=True)
            return _checked_length("".join(self._compiled.root_render_func(context)))
        except RecursionError:
            raise TemplateRenderError("it is nested too deeply") from None
        except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
            raise TemplateRenderError(printable_error(error)) from None


def compile_template(source: str, variables: Variables) -> Template:
    """Returns the compiled template. Raises the first WrongValueError that `check_template` returns."""
    for error in check_template(source, variables):
        raise error
    tree = ENVIRONMENT.parse(source)
    return Template(source, _variables(tree), _pieces(tree))


def _pieces(tree: nodes.Template) -> tuple[str | Piece, ...]:
    """Splits a template into pieces that can be rendered separately, because templates have no assignments. Returns a
    single piece if there would be too many."""
    parts = [
        part
        for statement in tree.body
        for part in (statement.nodes if isinstance(statement, nodes.Output) else (statement,))
    ]
    if len(parts) > MAX_PIECES:
        return (_piece(tree),)
    return tuple(part.data if isinstance(part, nodes.TemplateData) else _piece(part) for part in parts)


def _piece(part: nodes.Node) -> Piece:
    if isinstance(part, nodes.Template):
        tree = part
    else:
        tree = nodes.Template([nodes.Output([part]) if isinstance(part, nodes.Expr) else part], lineno=1)
        tree.set_environment(ENVIRONMENT)
    is_attribute = isinstance(part, nodes.Getattr) and isinstance(part.node, nodes.Name)
    return Piece(
        ENVIRONMENT.from_string(tree),
        _variables(tree),
        plain=isinstance(part, nodes.Name),
        attribute=part.attr if isinstance(part, nodes.Getattr) and is_attribute else None,
    )


def _variables(tree: nodes.Node) -> frozenset[str]:
    return frozenset(node.name for node in tree.find_all(nodes.Name))


def printable_error(error: Exception) -> str:
    """Returns an error's first line, cut to a message's length."""
    text = str(error).partition("\n")[0].encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= MAX_ERROR else text[: MAX_ERROR - 1] + "…"


def _checked_length(text: str) -> str:
    if len(text) > MAX_RENDERED:
        raise TemplateRenderError(f"the text is longer than {MAX_RENDERED:,} characters")
    return text
