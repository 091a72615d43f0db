from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brandpress.pipeline.spec.fields import MAX_SLUG, plain_text, slug, slug_of
from brandpress.pipeline.spec.problem import WrongValueError


@pytest.mark.parametrize("name", ["a", "mug", "mug-2", "a_b-c", "2026", "x" * MAX_SLUG])
def test_valid_names(name: str) -> None:
    assert slug(name) == name


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("Mug", "'mug'"),
        ("big mug", "'big-mug'"),
        ("mug-", "'mug'"),
        ("a--b", "'a-b'"),
        ("../x", "'x'"),
        ("Überraschung", "'uberraschung'"),
        ("x" * (MAX_SLUG + 1), "'" + "x" * 59 + "…'"),
        ("海", ""),
        ("", ""),
        ("a\n", "'a'"),
        ("\u0661", ""),
    ],
)
def test_invalid_names(name: str, suggestion: str) -> None:
    with pytest.raises(WrongValueError) as raised:
        slug(name)
    assert raised.value.suggestion == suggestion


@given(st.text(max_size=200))
def test_a_name_derived_from_text_is_valid(text: str) -> None:
    name = slug_of(text)
    assert name == "" or slug(name) == name


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (5, "must be text, not the number 5"),
        (True, "must be text, not the boolean true"),
        (None, "must be text, not nothing"),
        ((), "must be text, not a list"),
        ({}, "must be text, not a mapping"),
        (" \n", "is empty"),
        ("x" * 2001, "is 2,001 characters long"),
        ("a\x1b[31m", "contains the control character '\\\\x1b'"),
        ("mug \ud800", "contains the control character '\\\\ud800'"),
    ],
)
def test_invalid_text(value: object, message: str) -> None:
    with pytest.raises(WrongValueError, match=message):
        plain_text(value)


def test_text_is_stripped_and_can_have_several_lines() -> None:
    assert plain_text("  two\n\tlines \u4e1c\n") == "two\n\tlines \u4e1c"
