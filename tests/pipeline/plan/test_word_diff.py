"""Word diffs: what they show, and that they lose nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brandpress.pipeline.plan.word_diff import MAX_COMPARED_WORDS, diff_text, word_diff

TEXTS = st.lists(st.sampled_from(["a", "mug", "on", " ", "\n", "  the", "sea,", "ü"]), max_size=12).map(" ".join)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("a mug on a beach", "a mug at the sea", "a mug [-on a beach-] {+at the sea+}"),
        ("a mug", "a green mug", "a {+green+} mug"),
        ("a mug", "a mug", "a mug"),
        ("", "a mug", "{+a mug+}"),
        ("one two three four", "one 2 three 4", "one [-two-] {+2+} three [-four-] {+4+}"),
    ],
)
def test_changed_words_are_marked(before: str, after: str, expected: str) -> None:
    assert diff_text(word_diff(before, after)) == expected


@given(TEXTS, TEXTS)
def test_a_diff_holds_both_texts(before: str, after: str) -> None:
    segments = word_diff(before, after)
    assert "".join(text for kind, text in segments if kind != "added") == before
    assert "".join(text for kind, text in segments if kind != "removed") == after


def test_long_texts_are_replaced_as_a_whole() -> None:
    words = [f"word{number}" for number in range(2 * MAX_COMPARED_WORDS)]
    changed = [f"{word}!" if number % 2 else word for number, word in enumerate(words)]
    assert [kind for kind, _ in word_diff(" ".join(words), " ".join(changed))] == ["equal", "removed", "added"]
