"""Checks templates before anything is rendered, against a list of what is allowed.

Variables and their attributes, a few filters, and conditions are allowed. Loops, calls, assignments and products
aren't, so that a template can neither reach Python nor produce text beyond its limit.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping

import jinja2
from jinja2 import nodes

from brandpress.pipeline.spec.messages import allowed, closest, listing, quote
from brandpress.pipeline.spec.problem import WrongValueError
from brandpress.pipeline.spec.template_environment import ENVIRONMENT, FILTERS, TESTS

Variables = Mapping[str, tuple[str, ...] | None]
"""The variables that a template may use, and the attributes of each; None if these aren't known."""

_ALLOWED_NODES = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Const, nodes.If, nodes.CondExpr, nodes.Compare,
    nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Concat, nodes.Add, nodes.Sub, nodes.List, nodes.Tuple,
    nodes.Keyword,
)  # fmt: skip
_CONSTRUCTS = {
    nodes.For: "a loop", nodes.Macro: "a macro", nodes.CallBlock: "a call", nodes.Call: "a call",
    nodes.Include: "an include", nodes.Import: "an import", nodes.FromImport: "an import", nodes.Extends: "an extends",
    nodes.Block: "a block", nodes.Assign: "an assignment", nodes.AssignBlock: "an assignment", nodes.With: "a with",
    nodes.FilterBlock: "a filter block", nodes.Mul: "a multiplication", nodes.Pow: "a power", nodes.Mod: "a '%'",
    nodes.Div: "a division", nodes.FloorDiv: "a division", nodes.Slice: "a slice", nodes.Dict: "a mapping",
    nodes.Neg: "a negative number", nodes.Pos: "a sign",
}  # fmt: skip
MAX_DEPTH = 40  # of nodes; Python's compiler stops at about 100 nested blocks
MAX_NODES = 8_000
MAX_NUMBER = 10**15
_NUMBER_RULE = f"allowed: 0 to {MAX_NUMBER:,}"
_RULE = "allowed: {{ variables }}, their attributes, filters, and {% if %}"


def check_template(source: str, variables: Variables | None) -> list[WrongValueError]:
    """Returns everything that is wrong with a template; [] if it's valid. variables: None if they aren't known."""
    try:
        tree = ENVIRONMENT.parse(source)
    except jinja2.TemplateSyntaxError as error:
        line = f" in line {error.lineno} of the template" if "\n" in source.strip() else ""
        rule = "write {{ '{#' }} for the characters '{#'" if "comment" in (error.message or "") else _RULE
        return [WrongValueError(f"the template is invalid: {(error.message or '').rstrip('.')}{line}", rule)]
    except (RecursionError, MemoryError):
        return [WrongValueError("the template is nested too deeply", f"allowed: {MAX_DEPTH} levels")]
    except ValueError:  # Python reads no whole number of more than 4,300 digits
        return [WrongValueError("the template has a number that is too long", _NUMBER_RULE)]
    return _too_large(tree) or [*_walk(tree, variables), *_single_braces(tree, variables or {})]


def _too_large(tree: nodes.Template) -> list[WrongValueError]:
    """Returns what makes a template too large to be compiled. Doesn't recurse, unlike what comes after it."""
    pending: list[tuple[nodes.Node, int]] = [(tree, 0)]
    count = 0
    while pending:
        node, depth = pending.pop()
        count += 1
        if depth > MAX_DEPTH:
            return [WrongValueError("the template is nested too deeply", f"allowed: {MAX_DEPTH} levels")]
        if count > MAX_NODES:
            return [WrongValueError("the template is too large", f"allowed: {MAX_NODES:,} texts and expressions")]
        pending += [(child, depth + 1) for child in node.iter_child_nodes()]
    return []


def _constant(value: object, categories: tuple[str, ...]) -> Iterator[WrongValueError]:
    if isinstance(value, int | float) and not abs(value) <= MAX_NUMBER:
        yield WrongValueError("the template has a number that is too long", _NUMBER_RULE)
    for character in value if isinstance(value, str) else ():
        if unicodedata.category(character) in categories and character not in "\n\t":
            what = f"the template has {quote(character)}, which is a control character or half a surrogate pair"
            yield WrongValueError(what, "remove it")
            return


def _walk(node: nodes.Node, variables: Variables | None) -> Iterator[WrongValueError]:
    if isinstance(node, nodes.Name):
        yield from _name(node.name, variables)
        if node.name == "palette":
            colours = [f"palette.{colour}" for colour in (variables or {}).get("palette") or ()]
            yield WrongValueError(
                "'palette' needs the name of a colour", f"write one of {listing(colours)}", needle=_inside("palette")
            )
        return
    if isinstance(node, (nodes.Getattr, nodes.Getitem)):
        yield from _attribute(node, variables)
        return
    if isinstance(node, nodes.Filter):
        if node.name not in FILTERS:
            what = f"unknown filter {quote(node.name)}"
            yield WrongValueError(what, allowed(FILTERS), closest(node.name, FILTERS), needle=_inside(node.name))
    elif isinstance(node, nodes.Test):
        if node.name not in TESTS:
            what = f"unknown test {quote(node.name)}"
            yield WrongValueError(what, allowed(TESTS), closest(node.name, TESTS), needle=_inside(node.name))
    elif isinstance(node, nodes.Const):
        yield from _constant(node.value, ("Cc", "Cs"))
    elif isinstance(node, nodes.TemplateData):
        yield from _constant(node.data, ("Cs",))  # control characters are reported with the field
    elif not isinstance(node, _ALLOWED_NODES):
        what = _CONSTRUCTS.get(type(node), f"a {type(node).__name__.lower()}")
        yield WrongValueError(f"{what} isn't allowed in a template", _RULE)
        return
    for child in node.iter_child_nodes():
        yield from _walk(child, variables)


def _name(name: str, variables: Variables | None) -> Iterator[WrongValueError]:
    if variables is not None and name not in variables:
        yield WrongValueError(
            f"unknown variable {quote(name)}", allowed(list(variables)), closest(name, variables), needle=_inside(name)
        )


def _attribute(node: nodes.Getattr | nodes.Getitem, variables: Variables | None) -> Iterator[WrongValueError]:
    attribute = node.attr if isinstance(node, nodes.Getattr) else None
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
        attribute = node.arg.value
    if attribute is None:
        yield WrongValueError("a slice or an index isn't allowed in a template", _RULE)
        return
    needle = _inside(attribute)
    if not isinstance(node.node, nodes.Name):
        yield WrongValueError(f"{quote('.' + attribute)} is an attribute of an attribute", _RULE, needle=needle)
        return
    name = node.node.name
    yield from _name(name, variables)
    known = None if variables is None else variables.get(name)
    if known is not None and attribute not in known:
        what = f"{quote(name)} has no {quote(attribute)}"
        yield WrongValueError(what, allowed(known), closest(attribute, known), needle=needle)


def _single_braces(tree: nodes.Template, variables: Variables) -> Iterator[WrongValueError]:
    for data in tree.find_all(nodes.TemplateData):
        for match in re.finditer(r"(?<!\{)\{\s*(([a-z_][a-z0-9_]*)(?:\.\w+)?)\s*\}(?!\})", data.data):
            if match[2] in variables:
                what = f"{quote(match[0])} in single braces isn't a variable"
                yield WrongValueError(
                    what,
                    "use double braces",
                    quote("{{ " + match[1] + " }}"),
                    needle=re.escape(match[0]),
                )


def _inside(name: str) -> str:
    """Returns a pattern that finds a name inside the `{{ }}` and `{% %}` of a text, not in the words around them."""
    return r"(?s)\{[{%](?:(?![%}]\}|\{[{%]).)*?(?<!\w)(" + re.escape(name) + r")(?!\w)"
