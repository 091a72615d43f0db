"""The conditions of `where:`, such as `availability == 'in_stock' and price < 20`, over the fields of an entity or row.

They are written in a part of Python's syntax: comparisons of fields with texts, numbers, true, false and lists, joined
by and, or, not. Python only parses them; nothing of them is executed.

Texts that look like numbers are compared as numbers where an order or a number is asked for. A missing field equals
only none, and is in no order with anything.
"""

from __future__ import annotations

import ast
import keyword
import operator
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from brandpress.pipeline.spec.messages import allowed, closest, kind, quote
from brandpress.pipeline.spec.problem import WrongValueError

MAX_CONDITION = 2_000
WHERE_RULE = "allowed: comparisons of fields like category == 'shoes', price < 20 or 'sale' in tags, with and, or, not"

_CONSTANTS = {"true": True, "false": False, "none": None, "True": True, "False": False, "None": None}
_OPERATORS = ("and", "or", "not", "in", "is")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,12})?")
_DIGITS = (
    r"-?(?:0|[1-9][0-9]{0,17}|[1-9][0-9]{0,2}(?P<group>[.,'\u2019 \u00a0\u202f])[0-9]{3}(?:(?P=group)[0-9]{3}){0,4})"
)
_CURRENCY = r"[A-Z]{3}|[€£¥$]"
_PRICE = re.compile(
    rf"(?:(?P<before>{_CURRENCY})\s?)?(?P<whole>{_DIGITS})(?P<fraction>[.,][0-9]{{1,12}})?(?:\s?(?P<after>{_CURRENCY}))?"
)
_CODES = {"€": "EUR", "£": "GBP"}
"""Symbols of one currency. A dollar or yen sign could be that of several."""
_THREE_DIGITS = ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")
"""Currencies whose smallest coin is a thousandth (ISO 4217)."""
_ORDERS: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}

Fields = Mapping[str, Any]
_Evaluate = Callable[[Fields], Any]


class IncomparableError(Exception):
    """A field whose value a condition can't be applied to; the message says why. field: its name."""

    def __init__(self, field: str, what: str) -> None:
        super().__init__(what)
        self.field, self.what = field, what


@dataclass(frozen=True)
class Condition:
    """A parsed condition. names: the fields that it uses, in the order in which they appear."""

    source: str
    names: tuple[str, ...]
    _evaluate: _Evaluate

    def holds(self, fields: Fields) -> bool:
        """Returns whether the condition holds for these fields. Raises IncomparableError."""
        return _truth(self._evaluate(fields))

    def check_names(self, known: Collection[str]) -> None:
        """Raises WrongValueError for the first name that isn't among the known ones."""
        for name in self.names:
            if name not in known:
                what = f"unknown field {quote(name)} in the condition"
                raise WrongValueError(what, allowed(known), closest(name, known), needle=rf"\b{re.escape(name)}\b")


def parse_condition(value: object) -> Condition:
    """Returns the condition in a text. Raises WrongValueError."""
    if not isinstance(value, str):
        raise WrongValueError(f"must be text, not {kind(value)}", WHERE_RULE)
    if len(value) > MAX_CONDITION:
        raise WrongValueError(f"is {len(value):,} characters long", f"allowed: at most {MAX_CONDITION:,} characters")
    try:
        tree = ast.parse(value.strip(), mode="eval").body
        names: dict[str, None] = {}
        evaluate = _compiled(tree, names)
    except SyntaxError as error:
        near = (error.text or "")[(error.offset or 1) - 1 :].strip()
        what = f"isn't a condition: {error.msg}"[:200] + (f" near {quote(near)}" if near else "")
        raise WrongValueError(f"{quote(value)} {what}", _advice(value)) from None
    except (RecursionError, MemoryError):
        raise WrongValueError(f"{quote(value)} is nested too deeply", WHERE_RULE) from None
    except ValueError:
        raise WrongValueError(f"{quote(value)} isn't a condition", WHERE_RULE) from None
    if not names:
        raise WrongValueError(f"{quote(value)} compares no field", WHERE_RULE)
    return Condition(value.strip(), tuple(names), evaluate)


def _advice(invalid: str) -> str:
    """Returns what to do about a condition that Python can't parse."""
    if re.search(r"[^=!<>]=[^=]", invalid):
        return "write '==' to compare"
    words = re.findall(r"[a-z]+", re.sub(r"'[^']*'|\"[^\"]*\"", "", invalid))
    reserved = next((word for word in words if keyword.iskeyword(word) and word not in _OPERATORS), None)
    if reserved is None:
        return WHERE_RULE
    return (
        f"{quote(reserved)} is a reserved word; give the field another name, in a feed with map: {{kind: {reserved}}}"
    )


def _compiled(node: ast.expr, names: dict[str, None]) -> _Evaluate:
    if isinstance(node, ast.BoolOp):
        parts = [_compiled(part, names) for part in node.values]
        join = all if isinstance(node.op, ast.And) else any
        return lambda fields: join(_truth(part(fields)) for part in parts)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        inner = _compiled(node.operand, names)
        return lambda fields: not _truth(inner(fields))
    if isinstance(node, ast.Compare):
        return _comparisons(node, names)
    if isinstance(node, ast.Name) and node.id not in _CONSTANTS:
        names[node.id] = None
        name = node.id
        return lambda fields: fields.get(name)
    constant = _constant(node)
    return lambda fields: constant


def _comparisons(node: ast.Compare, names: dict[str, None]) -> _Evaluate:
    operands = [node.left, *node.comparators]
    values = [_compiled(operand, names) for operand in operands]
    labels = [operand.id if isinstance(operand, ast.Name) else "" for operand in operands]
    tests = [_comparison(op, values[i], values[i + 1], labels[i] or labels[i + 1]) for i, op in enumerate(node.ops)]
    return tests[0] if len(tests) == 1 else lambda fields: all(test(fields) for test in tests)


def _comparison(op: ast.cmpop, left: _Evaluate, right: _Evaluate, field: str) -> _Evaluate:
    if isinstance(op, ast.Eq):
        return lambda fields: _equal(left(fields), right(fields), field)
    if isinstance(op, ast.NotEq):
        return lambda fields: not _equal(left(fields), right(fields), field)
    if isinstance(op, ast.In):
        return lambda fields: _contains(right(fields), left(fields), field)
    if isinstance(op, ast.NotIn):
        return lambda fields: not _contains(right(fields), left(fields), field)
    if type(op) in _ORDERS:
        order = _ORDERS[type(op)]
        return lambda fields: _ordered(order, left(fields), right(fields), field)
    raise WrongValueError("'is' isn't allowed in a condition", "write == none or != none")


def _constant(node: ast.expr) -> Any:
    if isinstance(node, ast.Name):
        return _CONSTANTS[node.id]
    if isinstance(node, ast.Constant) and isinstance(node.value, str | int | float | bool | None):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        number = _constant(node.operand)
        if isinstance(number, int | float):
            return -number
    if isinstance(node, ast.List | ast.Tuple):
        return tuple(_constant_item(item) for item in node.elts)
    construct = {ast.Call: "a call", ast.Attribute: "an attribute", ast.BinOp: "arithmetic", ast.Subscript: "an index"}
    what = construct.get(type(node), f"a {type(node).__name__.lower()}")
    raise WrongValueError(f"{what} isn't allowed in a condition", WHERE_RULE)


def _constant_item(node: ast.expr) -> Any:
    if isinstance(node, ast.Name) and node.id not in _CONSTANTS:
        raise WrongValueError(f"{quote(node.id)} in a list isn't text", "put texts in quotes")
    return _constant(node)


def _truth(value: Any) -> bool:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return True  # 0 as well: feeds in CSV have it as a text
    return bool(value) and (not isinstance(value, str) or value.lower() != "false")


def _equal(one: Any, other: Any, field: str) -> bool:
    _check_comparable(one, other, field)
    if one is None or other is None:
        return one is other
    if isinstance(one, bool) or isinstance(other, bool):
        return str(one).lower() == str(other).lower()
    if isinstance(one, str) and isinstance(other, str) and one == other:
        return True
    numbers = _number(one), _number(other)
    return None not in numbers and numbers[0] == numbers[1]


def _contains(whole: Any, part: Any, field: str) -> bool:
    if isinstance(whole, Mapping):
        raise IncomparableError(field, "has a text for each locale, in which a condition can't search")
    if isinstance(part, Mapping | tuple):
        raise IncomparableError(field, "can't be searched for in another field")
    if whole is None or part is None:
        return False
    if isinstance(whole, tuple):
        return any(_equal(item, part, field) for item in whole)
    return str(part) in str(whole)


def _ordered(order: Callable[[Any, Any], bool], one: Any, other: Any, field: str) -> bool:
    _check_comparable(one, other, field)
    if one is None or other is None:
        return False
    amount, other_amount = _amount(one), _amount(other)
    if amount is not None and other_amount is not None:
        (number, currency), (other_number, other_currency) = amount, other_amount
        if currency and other_currency and currency != other_currency:
            raise IncomparableError(field, f"can't compare {currency} with {other_currency}")
        return order(number, other_number)
    if isinstance(one, str) and isinstance(other, str):
        return order(one, other)
    raise IncomparableError(field, f"{quote(one if amount is None else other)} isn't a number")


def _check_comparable(one: Any, other: Any, field: str) -> None:
    for value in (one, other):
        if isinstance(value, tuple):
            raise IncomparableError(field, "is a list; write 'text' in the_field")
        if isinstance(value, Mapping):
            raise IncomparableError(field, "has a text for each locale, which a condition can't compare")


def _number(value: Any) -> int | float | None:
    """Returns a number, or the one that a text looks like; None for others, such as 0012, which is a code."""
    if isinstance(value, int | float):
        return value
    if isinstance(value, str) and len(value) <= 32 and _NUMBER.fullmatch(value):
        return float(value) if "." in value else int(value)
    return None


def _amount(value: Any) -> tuple[int | float, str] | None:
    """Returns a number and its currency, or "", of a price as shops write it: `19.90 EUR`, `€ 19,90`, `1.299,00 €`.

    None for others, among them `1.299 EUR`, which is a thousand more in some countries than in others.
    """
    number = _number(value)
    if number is not None and not isinstance(value, bool):
        return number, ""
    match = _PRICE.fullmatch(value.strip()) if isinstance(value, str) and len(value) <= 40 else None
    if match is None or (match["before"] and match["after"]):
        return None
    group, fraction = match["group"] or "", match["fraction"] or ""
    currency = match["before"] or match["after"] or ""
    currency = _CODES.get(currency, currency)
    if group and group == fraction[:1]:
        return None
    if len(fraction) == 4 and not group and currency not in _THREE_DIGITS:
        return None
    digits = match["whole"].replace(group, "")
    return float(digits + fraction.replace(",", ".")), currency
