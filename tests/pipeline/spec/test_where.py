"""The conditions of `where:`."""

from __future__ import annotations

from typing import Any

import pytest

from brandpress.pipeline.spec.problem import WrongValueError
from brandpress.pipeline.spec.where import MAX_CONDITION, IncomparableError, parse_condition

FIELDS: dict[str, Any] = {
    "category": "shoes",
    "price": "19.90 EUR",
    "weight": "7",
    "code": "0012",
    "stock": 3,
    "sold": 0,
    "zero": "0",
    "new": "true",
    "sale": False,
    "tags": ("summer", "red"),
    "title": "A red shoe",
    "since": "2026-03-01",
    "label": {"en": "Shoe"},
}


@pytest.mark.parametrize(
    "condition",
    [
        "category == 'shoes'", "category != 'mugs'", "category in ['mugs', 'shoes']", "category not in ('mugs',)",
        "price < 20", "price > 9.5", "price >= 19.9", "19 < price < 20", "price < '100 EUR'", "weight > -1",
        "weight == 7", "weight == '7'", "weight < 10", "code == '0012'", "code != '12'", "stock == 3",
        "stock == '3'", "stock > 2", "new == true", "new", "not sale", "sale == false", "'red' in tags",
        "'red' in title", "'x' not in tags", "since > '2026-02-28'", "missing == none", "missing != 'x'",
        "sold and zero", "not (missing > 3)", "not missing", "category == 'shoes' and (stock > 5 or 'red' in tags)",
    ],
)  # fmt: skip
def test_conditions_that_hold(condition: str) -> None:
    assert parse_condition(condition).holds(FIELDS)
    assert not parse_condition(f"not ({condition})").holds(FIELDS)


@pytest.mark.parametrize(
    "condition", ["code == 12", "category == 'Shoes'", "missing > 1", "missing == ''", "'x' in tags"]
)
def test_conditions_that_do_not_hold(condition: str) -> None:
    assert not parse_condition(condition).holds(FIELDS)


@pytest.mark.parametrize(
    ("price", "amount", "currency"),
    [
        ("6,90 EUR", 6.9, "EUR"), ("6,90 €", 6.9, "EUR"), ("€6.90", 6.9, "EUR"), ("£ 5", 5, "GBP"), ("$5", 5, "$"),
        ("1.299,00 €", 1299, "EUR"), ("1,299.00 USD", 1299, "USD"), ("1\u202f299,00\u00a0€", 1299, "EUR"),
        ("5'000 CHF", 5000, "CHF"), ("1.299.000 EUR", 1_299_000, "EUR"), ("-3,20 €", -3.2, "EUR"),
        ("12.500 KWD", 12.5, "KWD"), ("19.90", 19.9, ""),
    ],
)  # fmt: skip
def test_prices_as_shops_write_them(price: str, amount: float, currency: str) -> None:
    condition = f"{amount - 0.001} < price and price < {amount + 0.001}"
    assert parse_condition(condition).holds({"price": price})
    if currency:
        other = "JPY" if currency != "JPY" else "EUR"
        with pytest.raises(IncomparableError, match="can't compare"):
            parse_condition(f"price < '5 {other}'").holds({"price": price})


@pytest.mark.parametrize("price", ["1.299 EUR", "1,299 €", "1,299", "12,34,56", "EUR 5 EUR", "007 EUR", "1.299.00 €"])
def test_what_could_be_two_prices_is_none(price: str) -> None:
    with pytest.raises(IncomparableError, match="isn't a number"):
        parse_condition("price < 20").holds({"price": price})


@pytest.mark.parametrize(
    ("condition", "what"),
    [
        ("category < 5", "'shoes' isn't a number"),
        ("price < '5 USD'", "can't compare EUR with USD"),
        ("tags == 'red'", "is a list"),
        ("label == 'Shoe'", "has a text for each locale"),
        ("'Shoe' in label", "has a text for each locale, in which a condition can't search"),
    ],
)
def test_fields_that_cannot_be_compared(condition: str, what: str) -> None:
    with pytest.raises(IncomparableError, match=what):
        parse_condition(condition).holds(FIELDS)


@pytest.mark.parametrize(
    ("condition", "what"),
    [
        ("price = 3", "isn't a condition"),
        ("price ==", "isn't a condition"),
        ("1 == 1", "compares no field"),
        ("price * 2 > 3", "arithmetic isn't allowed"),
        ("open('/etc/passwd')", "a call isn't allowed"),
        ("price.__class__ == 1", "an attribute isn't allowed"),
        ("tags[0] == 'a'", "an index isn't allowed"),
        ("[x for x in tags]", "a listcomp isn't allowed"),
        ("(lambda: 1)() == price", "a call isn't allowed"),
        ("price is none", "'is' isn't allowed"),
        ("category in [shoes]", "'shoes' in a list isn't text"),
        ("f'{price}' == 1", "a joinedstr isn't allowed"),
        ("price == 1j", "a constant isn't allowed"),
        ("(" * 300 + "price" + ")" * 300, ""),
        ("not " * 480 + "price", ""),
        ("price == " + "9" * 1900, ""),
        ("x" * (MAX_CONDITION + 1), "characters long"),
        (7, "must be text, not the number 7"),
        ("price == '\0'", ""),
    ],
)
def test_what_is_not_a_condition(condition: object, what: str) -> None:
    """Nothing but a WrongValueError: strangers write conditions."""
    try:
        parse_condition(condition).holds(FIELDS)
    except WrongValueError as error:
        assert what in error.what


def test_a_field_with_a_reserved_name() -> None:
    with pytest.raises(WrongValueError) as raised:
        parse_condition("class == 'for kids' and price < 3")
    rule = "'class' is a reserved word; give the field another name, in a feed with map: {kind: class}"
    assert raised.value.allowed == rule


def test_unknown_names_are_reported_with_a_suggestion() -> None:
    with pytest.raises(WrongValueError) as raised:
        parse_condition("category == 'x' and pricee < 3").check_names(["category", "price"])
    assert raised.value.what == "unknown field 'pricee' in the condition"
    assert raised.value.suggestion == "'price'"
