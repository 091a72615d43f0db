"""Who decides about pictures."""

from __future__ import annotations

import getpass

import pytest

from brandpress.model.errors import RequestError
from brandpress.pipeline.deliver.author import Author


def test_an_author_is_the_user_unless_another_is_named() -> None:
    assert Author.of(None, None).by in (getpass.getuser(), "unknown")
    assert Author.of(" ana ", " too dark ").reason == "too dark"
    assert "hunter2" not in Author.of("ana", "see https://ana:hunter2@example.com/").reason


@pytest.mark.parametrize(
    ("by", "reason", "message"),
    [
        ("", None, "--by: is empty"),
        ("ana", "a\x00b", "--reason: contains the control character"),
        ("ana", "x" * 2_001, "--reason: is 2,001 characters long"),
    ],
)
def test_texts_of_a_decision_are_checked(by: str, reason: str | None, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        Author.of(by, reason)
