"""Templates for prompts and names: a small, safe part of Jinja2, checked before anything is rendered.

A list of what is allowed, not of what isn't: variables and their attributes, a few filters, conditions. No loops,
calls, assignments or products, so that a template can neither reach Python nor grow beyond its limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from brandpress.pipeline.spec.fields import slug_of
from brandpress.pipeline.spec.messages import allowed, closest, listing, quote
from brandpress.pipeline.spec.piece import MAX_RENDERED, Piece, limited
from brandpress.pipeline.spec.problem import WrongValueError

MAX_PIECES = 64
"""Of a template; each is compiled for itself."""

Words = Mapping[str, tuple[str, ...]]
"""The variables of a template and the attributes that each may have."""

_PLAIN = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Const, nodes.If, nodes.CondExpr, nodes.Compare,
    nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Concat, nodes.Add, nodes.Sub, nodes.List, nodes.Tuple,
    nodes.Keyword,
)  # fmt: skip
_FILTERS = ("capitalize", "default", "lower", "pad", "replace", "slug", "title", "trim", "upper")
_TESTS = ("defined", "undefined")
_WRITTEN = {
    nodes.For: "a loop", nodes.Macro: "a macro", nodes.CallBlock: "a call", nodes.Call: "a call",
    nodes.Include: "an include", nodes.Import: "an import", nodes.FromImport: "an import", nodes.Extends: "an extends",
    nodes.Block: "a block", nodes.Assign: "an assignment", nodes.AssignBlock: "an assignment", nodes.With: "a with",
    nodes.FilterBlock: "a filter block", nodes.Mul: "a product", nodes.Pow: "a power", nodes.Mod: "a '%'",
    nodes.Div: "a division", nodes.FloorDiv: "a division", nodes.Slice: "a slice", nodes.Dict: "a mapping",
}  # fmt: skip
_RULE = "allowed: {{ variables }}, their attributes, filters, and {% if %}"


@dataclass(frozen=True)
class Template:
    """A compiled template and the variables that it names."""

    source: str
    variables: frozenset[str]
    pieces: tuple[str | Piece, ...]

    def render(self, values: Mapping[str, Any]) -> str:
        """The text for these values, without blanks around it. Raises TemplateRenderError."""
        parts = [piece if isinstance(piece, str) else piece.render(values) for piece in self.pieces]
        return limited("".join(parts)).strip()


def compile_template(source: str, words: Words) -> Template:
    """The template. Raises the first WrongValueError of `faults`."""
    for fault in faults(source, words):
        raise fault
    tree = _ENVIRONMENT.parse(source)
    return Template(source, _variables(tree), _pieces(tree))


def _pieces(tree: nodes.Template) -> tuple[str | Piece, ...]:
    """The template in pieces that can be rendered apart, as nothing in one changes what another one says; in one piece
    where that were too many."""
    parts = [
        part
        for statement in tree.body
        for part in (statement.nodes if isinstance(statement, nodes.Output) else (statement,))
    ]
    if len(parts) > MAX_PIECES:
        return (_piece(tree),)
    return tuple(part.data if isinstance(part, nodes.TemplateData) else _piece(part) for part in parts)


def _piece(part: nodes.Node) -> Piece:
    whole = part
    if not isinstance(whole, nodes.Template):
        alone = nodes.Output([part]) if isinstance(part, nodes.Expr) else part
        whole = nodes.Template([alone], lineno=1)
        whole.set_environment(_ENVIRONMENT)
    return Piece(_ENVIRONMENT.from_string(whole), _variables(whole), plain=isinstance(part, nodes.Name))


def _variables(tree: nodes.Node) -> frozenset[str]:
    return frozenset(node.name for node in tree.find_all(nodes.Name))


def faults(source: str, words: Words | None) -> list[WrongValueError]:
    """All that is wrong with a template, given the variables that it may use (None: they aren't known); [] for a good
    one."""
    try:
        tree = _ENVIRONMENT.parse(source)
    except jinja2.TemplateSyntaxError as error:
        line = f" in line {error.lineno} of it" if "\n" in source.strip() else ""
        return [WrongValueError(f"the template can't be read: {(error.message or '').rstrip('.')}{line}", _RULE)]
    except RecursionError:
        return [WrongValueError("the template is nested too deeply", _RULE)]
    return [*_walk(tree, words), *_single_braces(tree, words or {})]


def _walk(node: nodes.Node, words: Words | None) -> Iterator[WrongValueError]:
    if isinstance(node, nodes.Name):
        yield from _name(node.name, words)
        if node.name == "palette":
            colours = [f"palette.{colour}" for colour in (words or {}).get("palette", ())]
            yield WrongValueError(
                "'palette' stands for all colours", f"name one: {listing(colours)}", needle=_inside("palette")
            )
        return
    if isinstance(node, (nodes.Getattr, nodes.Getitem)):
        yield from _attribute(node, words)
        return
    if isinstance(node, nodes.Filter):
        if node.name not in _FILTERS:
            what = f"unknown filter {quote(node.name)}"
            yield WrongValueError(what, allowed(_FILTERS), closest(node.name, _FILTERS), needle=_inside(node.name))
    elif isinstance(node, nodes.Test):
        if node.name not in _TESTS:
            what = f"unknown test {quote(node.name)}"
            yield WrongValueError(what, allowed(_TESTS), closest(node.name, _TESTS), needle=_inside(node.name))
    elif not isinstance(node, _PLAIN):
        what = _WRITTEN.get(type(node), f"a {type(node).__name__.lower()}")
        yield WrongValueError(f"{what} isn't allowed in a template", _RULE)
        return
    for child in node.iter_child_nodes():
        yield from _walk(child, words)


def _name(name: str, words: Words | None) -> Iterator[WrongValueError]:
    if words is not None and name not in words:
        yield WrongValueError(
            f"unknown variable {quote(name)}", allowed(list(words)), closest(name, words), needle=_inside(name)
        )


def _attribute(node: nodes.Getattr | nodes.Getitem, words: Words | None) -> Iterator[WrongValueError]:
    attribute = node.attr if isinstance(node, nodes.Getattr) else None
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
        attribute = node.arg.value
    if attribute is None:
        yield WrongValueError("a slice or an index isn't allowed in a template", _RULE)
        return
    needle = _inside(attribute)
    if not isinstance(node.node, nodes.Name):
        yield WrongValueError(
            f"{quote('.' + attribute)} goes deeper than a variable's attributes", _RULE, needle=needle
        )
        return
    name = node.node.name
    yield from _name(name, words)
    if words is not None and name in words and attribute not in words[name]:
        what = f"{quote(name)} has no {quote(attribute)}"
        yield WrongValueError(what, allowed(words[name]), closest(attribute, words[name]), needle=needle)


def _single_braces(tree: nodes.Template, words: Words) -> Iterator[WrongValueError]:
    for data in tree.find_all(nodes.TemplateData):
        for match in re.finditer(r"(?<!\{)\{\s*(([a-z_][a-z0-9_]*)(?:\.\w+)?)\s*\}(?!\})", data.data):
            if match[2] in words:
                what = f"{quote(match[0])} in single braces is no variable"
                yield WrongValueError(
                    what,
                    "variables stand in double braces",
                    quote("{{ " + match[1] + " }}"),
                    needle=re.escape(match[0]),
                )


def _inside(name: str) -> str:
    """A pattern that finds a name in the templates of a text, not in the words around them."""
    return r"\{[{%](?:(?![%}]\}).)*?(?<!\w)(" + re.escape(name) + r")(?!\w)"


class _Missing(jinja2.StrictUndefined):
    """Says in our words what is missing."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        if self._undefined_hint:
            return self._undefined_hint
        if self._undefined_obj is jinja2.utils.missing:
            return f"there is no {quote(self._undefined_name)}"
        return f"{quote(self._undefined_obj)} has no {quote(self._undefined_name)}"


def _pad(value: object, width: int) -> str:
    """A number with zeros in front: `{{ index | pad(4) }}`."""
    if not 1 <= width <= 20:
        raise jinja2.TemplateRuntimeError(f"pad takes a width of 1 to 20, not {width}")
    return str(value).zfill(width)


def _replace(value: object, old: str, new: str) -> str:
    text = str(value)
    if not old:
        raise jinja2.TemplateRuntimeError("replace needs some text to look for")
    if len(text) + text.count(old) * (len(new) - len(old)) > MAX_RENDERED:
        raise jinja2.TemplateRuntimeError(f"replace gives more than {MAX_RENDERED:,} characters")
    return text.replace(old, new)


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(undefined=_Missing, autoescape=False, keep_trailing_newline=False)
    environment.globals.clear()
    own = {"pad": _pad, "replace": _replace, "slug": lambda value: slug_of(str(value))}
    environment.filters = {name: own.get(name) or environment.filters[name] for name in _FILTERS}
    environment.tests = {name: environment.tests[name] for name in _TESTS}
    return environment


_ENVIRONMENT = _environment()
