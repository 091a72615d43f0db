from __future__ import annotations

import pytest

from brandpress.pipeline.spec.messages import closest, listing, quote


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("mug", "'mug'"),
        ("a\x1b[2Jb\n", "'a\\x1b[2Jb\\n'"),
        ("x" * 99, "'" + "x" * 59 + "…'"),
        (5, "'5'"),
        ("é東", "'é東'"),
    ],
)
def test_quoted_values_are_short_and_escape_control_characters(value: object, shown: str) -> None:
    assert quote(value) == shown


@pytest.mark.parametrize(
    ("name", "meant"),
    [("mgu", "'mug'"), ("MUG", "'mug'"), ("bottel", "'bottle'"), ("green_cup", "'green-cup'"), ("xyz", ""), ("", "")],
)
def test_the_closest_name(name: str, meant: str) -> None:
    assert closest(name, ["mug", "bottle", "green-cup"]) == meant


def test_long_listings_are_cut() -> None:
    assert listing([f"n{i}" for i in range(1020)]).endswith("'n18', 'n19' and 1,000 more")
