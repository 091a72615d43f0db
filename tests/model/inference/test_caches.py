"""The LRU cache, a renderer's caches, and their keys: a wrong key is a wrong picture."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from brandpress.model.inference import caches as module
from brandpress.model.inference.caches import Caches, Keys, LowerLevel, LruCache
from brandpress.model.inference.reference_kv import ReferenceKV


class TestOneLevel:
    def test_a_value_is_computed_once(self) -> None:
        cache: LruCache[str] = LruCache(100, len)
        computed: list[str] = []

        def make(text: str) -> str:
            computed.append(text)
            return text

        assert cache.get("a", lambda: make("one")) == ("one", False)
        assert cache.get("a", lambda: make("two")) == ("one", True)
        assert computed == ["one"]

    def test_the_least_recently_used_value_is_evicted_first(self) -> None:
        cache: LruCache[str] = LruCache(9, len)
        for key in "abc":
            cache.get(key, lambda: "xxx")
        cache.get("a", lambda: "unused")
        cache.get("d", lambda: "xxx")
        assert len(cache) == 3
        assert [cache.get(key, lambda: "xxx")[1] for key in "acd"] == [True, True, True]
        assert cache.get("b", lambda: "xxx")[1] is False

    def test_the_budget_is_in_bytes_not_values(self) -> None:
        cache: LruCache[str] = LruCache(9, len)
        for key in "abc":
            cache.get(key, lambda: "xxx")
        cache.get("d", lambda: "x" * 7)
        assert len(cache) == 1
        assert cache.get("e", lambda: "xx") == ("xx", False)
        assert len(cache) == 2

    def test_the_newest_value_is_kept_even_past_the_budget(self) -> None:
        cache: LruCache[str] = LruCache(4, len)
        cache.get("a", lambda: "xxxx")
        assert cache.get("b", lambda: "x" * 50) == ("x" * 50, False)
        assert cache.get("b", lambda: "unused") == ("x" * 50, True)
        assert len(cache) == 1

    def test_a_value_of_expected_size_has_room_before_it_is_computed(self) -> None:
        cache: LruCache[str] = LruCache(6, len)
        sizes: list[int] = []

        def make(text: str) -> str:
            sizes.append(cache.nbytes)
            return text

        for key in "abc":
            cache.get(key, lambda: make("xxx"), 3)
        cache.get("d", lambda: make("x" * 9), 9)
        assert sizes == [0, 3, 3, 0]
        assert len(cache) == 1
        assert cache.get("d", lambda: make("unused"), 9) == ("x" * 9, True)

    def test_a_failed_computation_caches_nothing(self) -> None:
        cache: LruCache[float] = LruCache(4, lambda value: 1)
        with pytest.raises(ZeroDivisionError):
            cache.get("a", lambda: 1 / 0)
        assert cache.get("a", lambda: 2.0) == (2.0, False)


class TestTwoLevels:
    """An evicted value moves to the lower level, in capitals, and comes back."""

    def cache(self, budget: int = 6, lower: int = 6) -> LruCache[str]:
        return LruCache(budget, len, LowerLevel(lower, str.upper, str.lower, len))

    def fill(self, cache: LruCache[str], keys: str) -> None:
        for key in keys:
            cache.get(key, lambda key=key: key * 3)  # type: ignore[misc]

    def test_an_evicted_value_comes_back(self) -> None:
        cache = self.cache()
        self.fill(cache, "abc")
        assert len(cache) == 2
        assert cache.nbytes == 6
        assert "a" in cache and "b" in cache
        assert cache.get("a", lambda: "computed again") == ("aaa", True)
        assert cache.get("b", lambda: "computed again") == ("bbb", True), "it was evicted for `a`"

    def test_the_lower_level_has_a_budget_too(self) -> None:
        cache = self.cache()
        self.fill(cache, "abcde")
        assert "a" not in cache
        assert cache.get("a", lambda: "new") == ("new", False)

    def test_a_value_has_room_before_it_comes_back(self) -> None:
        sizes: list[int] = []

        def up(text: str) -> str:
            sizes.append(cache.nbytes)
            return text.lower()

        cache: LruCache[str] = LruCache(3, len, LowerLevel(9, str.upper, up, len))
        for key in "aba":
            assert cache.get(key, lambda key=key: key * 3, 3)[0] == key * 3  # type: ignore[misc]
        assert sizes == [0]

    def test_a_value_larger_than_the_lower_level_is_dropped(self) -> None:
        cache = self.cache(budget=10, lower=5)
        cache.get("a", lambda: "x" * 8)
        cache.get("b", lambda: "yyy")
        assert "a" not in cache
        assert "b" in cache

    def test_a_value_that_cannot_be_converted_is_dropped(self) -> None:
        lower: LowerLevel[str, str] = LowerLevel(9, lambda text: None if "x" in text else text.upper(), str.lower, len)
        cache = LruCache(3, len, lower)
        for text in ("xxx", "yyy", "zzz"):
            cache.get(text, lambda text=text: text)  # type: ignore[misc]
        assert ("xxx" in cache, "yyy" in cache, "zzz" in cache) == (False, True, True)

    def test_a_value_is_on_one_level_only(self) -> None:
        """A copy of `a` left on the lower level would evict `b`, which is older there."""
        cache = self.cache()
        self.fill(cache, "bacd")
        assert cache.get("a", lambda: "computed again") == ("aaa", True)
        assert all(key in cache for key in "abcd")
        assert (len(cache), cache.nbytes) == (2, 6)


PLAIN = Keys("weights", None, torch.float32, "cpu")
DIGESTS = st.lists(st.text("0123456789abcdef", min_size=1, max_size=4), max_size=4)
GRIDS = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), max_size=3)
GRID = st.tuples(st.integers(1, 9), st.integers(1, 9))
GUIDANCE = st.none() | st.floats(0, 10)
KEYS = st.builds(
    Keys,
    st.sampled_from(["weights", "weights with a LoRA at 0.5", "weights with a LoRA at 1.0"]),
    st.sampled_from([None, "fp8"]),
    st.sampled_from([torch.float32, torch.bfloat16]),
    st.sampled_from(["cpu", "cuda"]),
    st.sampled_from(["sdpa", "another"]),
)


def keys_of_each_kind(keys: Keys) -> list[Hashable]:
    return [
        keys.text("a fox"),
        keys.latents("0a"),
        keys.reference_kv(["0a", "0b"], 4.0),
        keys.modulations(0.5, 4.0),
        keys.rope((4, 4), [(2, 2)], 512),
    ]


@given(KEYS, KEYS)
def test_every_key_identifies_the_model(one: Keys, other: Keys) -> None:
    same = one == other
    for a, b in zip(keys_of_each_kind(one), keys_of_each_kind(other), strict=True):
        assert (a == b) == same
        assert not same or hash(a) == hash(b)


@given(DIGESTS, DIGESTS, GUIDANCE, GUIDANCE)
def test_a_reference_kv_key_identifies_an_ordered_set(
    one: list[str], other: list[str], guidance: float | None, another: float | None
) -> None:
    same = (one, guidance) == (other, another)
    assert (PLAIN.reference_kv(one, guidance) == PLAIN.reference_kv(other, another)) == same


@given(DIGESTS)
def test_the_order_of_references_counts(digests: list[str]) -> None:
    assume(digests != digests[::-1])
    assert PLAIN.reference_kv(digests, None) != PLAIN.reference_kv(digests[::-1], None)


def test_digests_are_not_concatenated() -> None:
    assert PLAIN.reference_kv(["ab", "c"], None) != PLAIN.reference_kv(["a", "bc"], None)


@given(GRID, GRID, GRIDS, GRIDS, st.integers(1, 600), st.integers(1, 600))
def test_a_position_table_key_identifies_a_layout(
    grid: tuple[int, int],
    other_grid: tuple[int, int],
    grids: list[tuple[int, int]],
    others: list[tuple[int, int]],
    length: int,
    other_length: int,
) -> None:
    same = (grid, grids, length) == (other_grid, others, other_length)
    assert (PLAIN.rope(grid, grids, length) == PLAIN.rope(other_grid, others, other_length)) == same


@given(st.floats(0, 1), st.floats(0, 1), GUIDANCE, GUIDANCE)
def test_a_modulations_key_identifies_time_and_guidance(
    sigma: float, other: float, guidance: float | None, another: float | None
) -> None:
    same = (sigma, guidance) == (other, another)
    assert (PLAIN.modulations(sigma, guidance) == PLAIN.modulations(other, another)) == same


@given(st.text(), st.text())
def test_a_text_key_identifies_a_prompt(one: str, other: str) -> None:
    assert (PLAIN.text(one) == PLAIN.text(other)) == (one == other)


def test_equal_models_have_equal_keys() -> None:
    assert keys_of_each_kind(PLAIN) == keys_of_each_kind(replace(PLAIN))


META = torch.device("meta")
"""torch's device without storage stands in for a GPU. The sets themselves are on the CPU."""


def kv(rows: int, value: float = 7) -> ReferenceKV:
    reference_kv = ReferenceKV.empty(1, rows, 1, 2, torch.zeros(1))
    for tensor in reference_kv.layers[0]:
        tensor.fill_(value)
    return reference_kv


SET_BYTES = kv(3).nbytes


def hits(caches: Caches, keys: str) -> str:
    """Returns, for one access to each key's set, `h` on a hit and `-` on a miss. Checks each set's contents."""
    results = ""
    for key in keys:
        value = float(ord(key))
        reference_kv, hit = caches.reference_kv.get(key, lambda value=value: kv(3, value))  # type: ignore[misc]
        for tensor in reference_kv.layers[0]:
            assert torch.equal(tensor, torch.full((3, 1, 2), value))
        results += "h" if hit else "-"
    return results


@pytest.mark.parametrize(
    ("device", "host", "accesses"),
    [
        ("meta", 2 * SET_BYTES, "---hhh-h-"),  # one set on the device, two in the machine's memory
        ("meta", 2 * SET_BYTES - 1, "-------h-"),  # and one there
        ("meta", 0, "---------"),
        ("cpu", 2 * SET_BYTES, "---------"),  # the device has the machine's memory already
    ],
)
def test_evicted_sets_are_offloaded_to_the_machines_memory(device: str, host: int, accesses: str) -> None:
    caches = Caches(torch.device(device), spare=SET_BYTES, host=host)
    assert hits(caches, "abcabcdca") == accesses


def test_a_set_that_cannot_be_offloaded_is_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(kv: ReferenceKV) -> None:
        raise RuntimeError("CUDA error: out of memory")

    monkeypatch.setattr(module, "OffloadedKV", refuse)
    assert hits(Caches(META, spare=1, host=1 << 21), "abba") == "--h-"


def test_the_reference_cache_takes_the_spare_memory_of_a_gpu() -> None:
    """On a CPU, which shares memory with other processes, it has an upper limit."""
    assert Caches(torch.device("cuda"), spare=1 << 36).reference_kv.budget == 1 << 36
    assert Caches(torch.device("cpu"), spare=1 << 36).reference_kv.budget == module.KV_BYTES
    assert Caches(torch.device("cpu"), spare=5).reference_kv.budget == 5
