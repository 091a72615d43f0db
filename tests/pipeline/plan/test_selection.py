"""The language of --select."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from brandpress.model.errors import RequestError
from brandpress.pipeline.plan.selection import (
    MAX_TERM,
    MAX_TERMS,
    Selection,
    nothing_matches,
    parse_selection,
    selection_keys,
)
from brandpress.pipeline.spec.brand import BrandFields, Product


@dataclass(frozen=True)
class Item:
    name: str
    axes: dict[str, str]
    seed: int = 0
    attributes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


MUG = Item(
    "mug/beach-0", {"product": "mug", "scene": "beach"}, 0, {"product": {"category": "cups", "tags": ["new", "eco"]}}
)
HILL = Item("mug/hill-1", {"product": "mug", "scene": "hill"}, 1, MUG.attributes)
LAMP = Item("lamp/beach-0", {"product": "lamp", "scene": "beach"}, 0, {"product": {"category": "lights", "sale": True}})
ITEMS = (MUG, HILL, LAMP)
AXES = {"product": ("mug", "lamp"), "scene": ("beach", "hill")}
BRAND = BrandFields(brand="northwind", products={"mug": Product(description="a mug", sku="NW-100", references=())})


def selection(*terms: str) -> Selection:
    return parse_selection(terms, selection_keys(ITEMS, AXES, BRAND))


def names(*terms: str, states: Mapping[str, str] | None = None) -> list[str]:
    chosen = selection(*terms)
    return [item.name for item in ITEMS if chosen.matches(item, (states or {}).get(item.name))]


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        (["product:mug"], [MUG, HILL]),
        (["product:m*", "scene:hill"], [HILL]),
        (["scene:hill", "scene:beach"], [MUG, HILL, LAMP]),
        (["mug/*"], [MUG, HILL]),
        (["*beach*"], [MUG, LAMP]),
        (["name:lamp/beach-[0-9]"], [LAMP]),
        (["seed:1"], [HILL]),
        (["!product:mug"], [LAMP]),
        (["product:mug", "! scene:hill"], [MUG]),
        (["!mug/*", "!lamp/*"], []),
        (["sku:NW-*"], [MUG, HILL]),
        (["product.sku:NW-100"], [MUG, HILL]),
        (["product.name:lamp"], [LAMP]),
        (["category:cups"], [MUG, HILL]),
        (["tags:eco", "scene:beach"], [MUG]),
        (["sale:true"], [LAMP]),
        (["product:Mug"], []),
    ],
)
def test_terms_select(terms: list[str], expected: list[Item]) -> None:
    assert names(*terms) == [item.name for item in expected]


def test_states_select_where_they_are_known() -> None:
    states = {MUG.name: "stale", HILL.name: "held_back"}
    assert names("state:stale", states=states) == [MUG.name]
    assert names("state:held-back", "state:stale", states=states) == [MUG.name, HILL.name]
    assert names("!state:stale", states=states) == [HILL.name, LAMP.name]
    assert names("state:new") == []
    assert selection("state:st*").uses_state
    assert not selection("product:mug").uses_state


def test_an_axis_called_state_has_a_key_of_its_own() -> None:
    texan = Item("mug", {"state": "texas"})
    chosen = parse_selection(["state.name:texas"], selection_keys([texan], {"state": ("texas",)}))
    assert chosen.matches(texan)
    assert not chosen.uses_state


@pytest.mark.parametrize(
    ("term", "message"),
    [
        ("prodct:mug", "there is no key 'prodct'; allowed: 'name', 'seed', 'state', 'product', 'scene', 'category'"),
        ("prodct:mug", "did you mean 'product'?"),
        ("product.skuu:1", "there is no key 'product.skuu'; allowed: 'name', 'category', 'sale', 'sku', 'tags'"),
        ("state:stlae", "there is no state 'stlae'; allowed: 'new', 'stale'"),
        ("state:stlae", "did you mean 'stale'?"),
        ("state:new|stale", "for several states, repeat the option"),
        ("seed:x", "a seed is a whole number, not 'x'"),
        ("product:", "the pattern is missing; write KEY:PATTERN"),
        ("", "the pattern is missing"),
        ("!", "the pattern is missing"),
        ("a b:c", "'a b' isn't a key"),
        ("x" * (MAX_TERM + 1), f"allowed: at most {MAX_TERM}"),
    ],
)
def test_wrong_terms(term: str, message: str) -> None:
    with pytest.raises(RequestError) as error:
        selection(term)
    assert str(error.value).startswith("--select")
    assert message in str(error.value)


def test_too_many_terms() -> None:
    with pytest.raises(RequestError, match=f"at most {MAX_TERMS}"):
        selection(*["product:mug"] * (MAX_TERMS + 1))


def test_nothing_matches_names_the_value_that_was_meant() -> None:
    assert "the axis 'product' has no value 'mgu'; did you mean 'mug'?" in nothing_matches(selection("product:mgu"))
    assert "it has 'beach', 'hill'" in nothing_matches(selection("scene:zzz"))
    assert "no variant matches" in nothing_matches(selection("seed:99"))


def test_written_terms_are_read_again() -> None:
    terms = ("mug/*", "!product:lamp", "state:held-back")
    written = selection(*terms).written
    assert written == ("name:mug/*", "!product:lamp", "state:held_back")
    assert selection(*written) == selection(*terms)
