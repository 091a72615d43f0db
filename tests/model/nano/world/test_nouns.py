"""Selection of emoji, their nouns and the held-out nouns."""

from __future__ import annotations

from pathlib import Path

import pytest

from brandpress.model.nano.world.nouns import HELD_OUT_NOUNS, held_out_nouns, list_emoji


def test_emoji_are_ordered_by_code_point(art_folder: Path) -> None:
    emoji = [(one.noun, one.category, one.icon) for one in list_emoji(art_folder)]
    assert emoji == [
        ("pizza", "object", "pizza"),
        ("desert", "object", None),
        ("fox", "character", "fox"),
        ("firefighter", "character", None),
        ("potted plant", "object", None),
        ("hammer and pick", "object", "hammer-and-pick"),
    ]


def test_an_emoji_has_all_its_names(art_folder: Path) -> None:
    names = {one.noun: one.names for one in list_emoji(art_folder)}
    assert names["hammer and pick"] == ("hammer and pick", "hammer-and-pick", "HAMMER AND PICK")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"emoji\.json"):
        list(list_emoji(tmp_path))


@pytest.mark.parametrize(("count", "held_out"), [(10, 2), (50, 10), (400, HELD_OUT_NOUNS), (2000, HELD_OUT_NOUNS)])
def test_at_most_a_fifth_of_the_nouns_is_held_out(count: int, held_out: int) -> None:
    nouns = {f"noun {i}" for i in range(count)}
    assert len(held_out_nouns(nouns)) == held_out
    assert held_out_nouns(nouns) < nouns


def test_adding_a_noun_barely_changes_the_held_out_nouns() -> None:
    nouns = {f"noun {i}" for i in range(600)}
    assert len(held_out_nouns(nouns) - held_out_nouns(nouns | {"newcomer"})) <= 1
