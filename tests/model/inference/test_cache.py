"""A cache with a budget of bytes."""

from __future__ import annotations

import pytest

from brandpress.model.inference.cache import Below, Cache


def test_a_value_is_made_once() -> None:
    cache: Cache[str] = Cache(100, len)
    made: list[str] = []

    def make(text: str) -> str:
        made.append(text)
        return text

    assert cache.get("a", lambda: make("one")) == ("one", False)
    assert cache.get("a", lambda: make("two")) == ("one", True)
    assert made == ["one"]


def test_what_was_used_longest_ago_goes_first() -> None:
    cache: Cache[str] = Cache(9, len)
    for key in "abc":
        cache.get(key, lambda: "xxx")
    cache.get("a", lambda: "unused")
    cache.get("d", lambda: "xxx")
    assert len(cache) == 3
    assert [cache.get(key, lambda: "xxx")[1] for key in "acd"] == [True, True, True]
    assert cache.get("b", lambda: "xxx")[1] is False


def test_bytes_count_and_not_values() -> None:
    cache: Cache[str] = Cache(9, len)
    for key in "abc":
        cache.get(key, lambda: "xxx")
    cache.get("d", lambda: "x" * 7)
    assert len(cache) == 1
    assert cache.get("e", lambda: "xx") == ("xx", False)
    assert len(cache) == 2


def test_the_newest_is_kept_even_past_the_budget() -> None:
    cache: Cache[str] = Cache(4, len)
    cache.get("a", lambda: "xxxx")
    assert cache.get("b", lambda: "x" * 50) == ("x" * 50, False)
    assert cache.get("b", lambda: "unused") == ("x" * 50, True)
    assert len(cache) == 1


def test_a_value_of_known_size_has_room_before_it_is_made() -> None:
    cache: Cache[str] = Cache(6, len)
    held: list[int] = []

    def make() -> str:
        held.append(cache.nbytes)
        return "xxx"

    for key in "abc":
        cache.get(key, make, 3)
    cache.get("d", lambda: held.append(cache.nbytes) or "x" * 9, 9)  # type: ignore[func-returns-value]
    assert held == [0, 3, 3, 0]
    assert len(cache) == 1
    assert cache.get("d", make, 9) == ("x" * 9, True)


def test_a_value_that_could_not_be_made_is_not_kept() -> None:
    cache: Cache[float] = Cache(4, lambda value: 1)
    with pytest.raises(ZeroDivisionError):
        cache.get("a", lambda: 1 / 0)
    assert cache.get("a", lambda: 2.0) == (2.0, False)


class TestTwoLevels:
    """A value that has no room goes below, in capitals, and comes back."""

    def cache(self, budget: int = 6, below: int = 6) -> Cache[str]:
        return Cache(budget, len, Below(below, str.upper, str.lower, len))

    def test_what_goes_down_comes_back(self) -> None:
        cache = self.cache()
        for key in "abc":
            cache.get(key, lambda key=key: key * 3)  # type: ignore[misc]
        assert len(cache) == 2
        assert cache.nbytes == 6
        assert "a" in cache and "b" in cache
        assert cache.get("a", lambda: "made anew") == ("aaa", True)
        assert cache.get("b", lambda: "made anew") == ("bbb", True), "which went down for it"

    def test_the_lower_level_has_a_budget_too(self) -> None:
        cache = self.cache()
        for key in "abcde":
            cache.get(key, lambda key=key: key * 3)  # type: ignore[misc]
        assert "a" not in cache
        assert cache.get("a", lambda: "new") == ("new", False)

    def test_what_comes_up_has_room_before_it_does(self) -> None:
        held: list[int] = []
        below: Below[str, str] = Below(9, str.upper, lambda text: held.append(cache.nbytes) or text.lower(), len)  # type: ignore[func-returns-value]
        cache: Cache[str] = Cache(3, len, below)
        for key in "aba":
            assert cache.get(key, lambda key=key: key * 3, 3)[0] == key * 3  # type: ignore[misc]
        assert held == [0]

    def test_what_is_too_large_for_it_is_dropped(self) -> None:
        cache = self.cache(budget=10, below=5)
        cache.get("a", lambda: "x" * 8)
        cache.get("b", lambda: "yyy")
        assert "a" not in cache
        assert "b" in cache

    def test_what_cannot_be_kept_below_is_dropped(self) -> None:
        below: Below[str, str] = Below(9, lambda text: None if "x" in text else text.upper(), str.lower, len)
        cache = Cache(3, len, below)
        for text in ("xxx", "yyy", "zzz"):
            cache.get(text, lambda text=text: text)  # type: ignore[misc]
        assert ("xxx" in cache, "yyy" in cache, "zzz" in cache) == (False, True, True)

    def test_a_value_is_on_one_level_only(self) -> None:
        cache = self.cache(budget=3, below=100)
        for key in "abab":
            cache.get(key, lambda key=key: key * 3)  # type: ignore[misc]
            assert len(cache) == 1
        lower = cache._lower
        assert lower is not None and len(lower) == 1 and lower.nbytes == 3
