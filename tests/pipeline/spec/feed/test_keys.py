"""Names of rows: safe, without collisions, and independent of the rows' order."""

from __future__ import annotations

import random

from brandpress.pipeline.spec.feed.keys import KeyNames
from brandpress.pipeline.spec.fields import slug

COLLIDING = ("акекз", "асгдз")
"""Two keys whose digests begin with the same 8 digits."""

KEYS = ["0012", "12", "A 1", "a-1", "a_1", "ÄÖÜ", "日本", "中国", "x" * 200, "x" * 199, "SKU.7", "-"]


def names_of(keys: list[str], taken: tuple[str, ...] = ()) -> dict[str, str]:
    names = KeyNames(taken)
    for key in keys:
        names.add(key)
    return {key: names.name(key) for key in keys}


def test_names_are_safe_and_different() -> None:
    names = names_of(KEYS)
    assert len(set(names.values())) == len(KEYS)
    assert all(slug(name) == name for name in names.values())
    assert (names["0012"], names["12"], names["SKU.7"]) == ("0012", "12", "sku-7")


def test_all_colliding_keys_get_a_suffix() -> None:
    names = names_of(KEYS)
    assert all(names[key].startswith("a-1-") for key in ("A 1", "a-1", "a_1"))


def test_names_do_not_depend_on_the_order() -> None:
    expected = names_of(KEYS)
    for seed in range(5):
        keys = KEYS.copy()
        random.Random(seed).shuffle(keys)
        assert names_of(keys) == expected


def test_keys_whose_digests_begin_alike() -> None:
    """Both get more of their digests; all other names stay as they are."""
    one, other = COLLIDING
    assert names_of([one, "日本"])[one] == "row-6fe1bbda"
    names = names_of([one, other, "日本"])
    assert names == names_of(["日本", other, one])
    assert len(set(names.values())) == 3
    assert all(names[key].startswith("row-6fe1bbda") and len(names[key]) == len("row-") + 16 for key in COLLIDING)
    assert names["日本"] == names_of(["日本"])["日本"]


def test_a_digest_that_is_the_name_of_another_key() -> None:
    name = names_of(["日本"])["日本"]
    assert names_of(["日本", name])[name] == name
    assert len(set(names_of(["日本", name]).values())) == 2
    assert names_of(["日本"], (name,))["日本"] != name


def test_names_that_are_taken_by_hand() -> None:
    assert names_of(["mug", "cup"], ("mug",))["cup"] == "cup"
    assert names_of(["mug"], ("mug",))["mug"].startswith("mug-")
