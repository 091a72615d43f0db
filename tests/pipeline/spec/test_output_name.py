from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brandpress.pipeline.spec.output_name import MAX_NAME, MAX_SEGMENT, check_name
from brandpress.pipeline.spec.problem import WrongValueError
from brandpress.pipeline.store.protocol import check_key


@pytest.mark.parametrize(
    "name", ["a", "mug/fox-beach-1024x1024-s0", "A_b.c-1", "2026/11/x", "console", "com", "x" * MAX_SEGMENT, "a.b.c"]
)
def test_safe_names(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *("", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", ".hidden", "a/.git/b"),
        *(
            "a b",
            " a",
            "a ",
            "a\n",
            "a\x00",
            "a\x7f",
            "a\\b",
            "a:b",
            "a*",
            "a?",
            "a|b",
            "<a>",
            'a"',
            "a\u00e9",
            "\u202ea",
        ),
        *("con", "CON", "nul.png", "a/aux/b", "com1", "LPT9.txt", "a.", "a./b", "x" * (MAX_SEGMENT + 1)),
        *("a/" * (MAX_NAME // 2) + "aa", "%2e%2e/a", "~/a", "$HOME", "-\u00adb"),
    ],
)
def test_unsafe_names(name: str) -> None:
    with pytest.raises(WrongValueError):
        check_name(name)


@given(st.text(max_size=20) | st.text("ab./-_ \\", max_size=12))
def test_a_checked_name_stays_in_its_folder(name: str) -> None:
    try:
        check_name(name)
    except WrongValueError:
        return
    root = Path("/store/assets")
    assert (root / name).resolve().is_relative_to(root)
    assert str(PurePosixPath(name)) == name
    assert not PureWindowsPath(name).is_absolute()
    check_key(f"campaign/assets/{name}.0123456789abcdef.webp")
