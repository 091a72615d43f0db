"""Which emoji the world uses, what it calls them and which it holds out."""

from __future__ import annotations

from pathlib import Path

import pytest

from brandpress.model.nano.world.nouns import HELD_OUT_NOUNS, held_out_nouns, list_emoji


def test_emoji_come_in_the_order_of_their_code_points_with_nouns_and_categories(art_folder: Path) -> None:
    found = [(emoji.noun, emoji.category, emoji.icon) for emoji in list_emoji(art_folder)]
    assert found == [
        ("pizza", "object", "pizza"),
        ("fox", "character", "fox"),
        ("firefighter", "character", None),
        ("potted plant", "object", None),
        ("hammer and pick", "object", "hammer-and-pick"),
    ]


def test_a_missing_package_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"emoji\.json"):
        list(list_emoji(tmp_path))


@pytest.mark.parametrize(("count", "held_out"), [(10, 2), (50, 10), (400, HELD_OUT_NOUNS), (2000, HELD_OUT_NOUNS)])
def test_a_fifth_of_the_nouns_is_held_out_at_most(count: int, held_out: int) -> None:
    nouns = {f"noun {i}" for i in range(count)}
    assert len(held_out_nouns(nouns)) == held_out
    assert held_out_nouns(nouns) < nouns


def test_what_is_held_out_hardly_changes_when_a_noun_is_added() -> None:
    nouns = {f"noun {i}" for i in range(600)}
    assert len(held_out_nouns(nouns) - held_out_nouns(nouns | {"newcomer"})) <= 1
