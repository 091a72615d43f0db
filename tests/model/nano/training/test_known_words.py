"""The list of words that nano was trained with."""

from __future__ import annotations

from pathlib import Path

from brandpress.model.checkpoint.known_words import FILE, known_words
from brandpress.model.nano.training.known_words import MIN_CAPTIONS, write_known_words


def test_words_of_enough_captions_are_listed(tmp_path: Path) -> None:
    captions = ["A mug, a CAFÉ's mug-tree"] * MIN_CAPTIONS + ["Zilana 7"] * (MIN_CAPTIONS - 1)
    write_known_words(captions, tmp_path / "out" / FILE)
    assert (tmp_path / "out" / FILE).read_text("utf-8") == "a\ncafé\nmug\ns\ntree\n"
    assert known_words(tmp_path / "out") == {"a", "café", "mug", "s", "tree"}


def test_a_folder_without_the_list_has_none(tmp_path: Path) -> None:
    assert known_words(tmp_path) is None
