"""Keys of caches: what is in them, and what isn't. A wrong key is a wrong picture."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from brandpress.model.inference import caches as reuse
from brandpress.model.inference.caches import Caches, Keys
from brandpress.model.inference.reference_kv import ReferenceKV

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


def all_of(keys: Keys) -> list[Hashable]:
    return [
        keys.text("a fox"),
        keys.latents("0a"),
        keys.reference_kv(["0a", "0b"], 4.0),
        keys.modulations(0.5, 4.0),
        keys.rope((4, 4), [(2, 2)], 512),
    ]


@given(KEYS, KEYS)
def test_all_that_the_model_is_made_of_is_in_every_key(one: Keys, other: Keys) -> None:
    same = one == other
    for a, b in zip(all_of(one), all_of(other), strict=True):
        assert (a == b) == same
        assert not same or hash(a) == hash(b)


@given(DIGESTS, DIGESTS, GUIDANCE, GUIDANCE)
def test_keys_and_values_are_of_an_ordered_set(
    one: list[str], other: list[str], guidance: float | None, another: float | None
) -> None:
    same = (one, guidance) == (other, another)
    assert (PLAIN.reference_kv(one, guidance) == PLAIN.reference_kv(other, another)) == same


@given(DIGESTS)
def test_the_order_of_references_counts(digests: list[str]) -> None:
    assume(digests != digests[::-1])
    assert PLAIN.reference_kv(digests, None) != PLAIN.reference_kv(digests[::-1], None)


def test_digests_are_not_run_together() -> None:
    assert PLAIN.reference_kv(["ab", "c"], None) != PLAIN.reference_kv(["a", "bc"], None)


@given(GRID, GRID, GRIDS, GRIDS, st.integers(1, 600), st.integers(1, 600))
def test_a_table_is_of_a_layout(
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
def test_modulations_are_of_a_time_and_a_guidance(
    sigma: float, other: float, guidance: float | None, another: float | None
) -> None:
    same = (sigma, guidance) == (other, another)
    assert (PLAIN.modulations(sigma, guidance) == PLAIN.modulations(other, another)) == same


@given(st.text(), st.text())
def test_a_prompt_is_its_text(one: str, other: str) -> None:
    assert (PLAIN.text(one) == PLAIN.text(other)) == (one == other)


def kv(rows: int) -> ReferenceKV:
    made = ReferenceKV.empty(1, rows, 1, 2, torch.zeros(1))
    for rows_of in made.layers[0]:
        rows_of.fill_(7)
    return made


def test_a_device_of_its_own_has_the_machine_below() -> None:
    """With torch's device without storage in a GPU's place: what goes down and comes up is counted, not read."""
    below = Caches(torch.device("meta"), spare=1 << 20, host=1 << 21).reference_kv._below
    assert below is not None
    assert below.budget == 1 << 21
    kept = below.down(kv(3))
    assert kept is not None
    assert below.size(kept) == kv(3).nbytes
    assert torch.equal(below.up(kept).layers[0].key, kv(3).layers[0].key)
    assert Caches(torch.device("meta"), host=0).reference_kv._below is None
    assert Caches(torch.device("cpu"), host=1 << 21).reference_kv._below is None


def test_a_set_that_the_machine_refuses_is_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(kv: ReferenceKV) -> None:
        raise RuntimeError("CUDA error: out of memory")

    monkeypatch.setattr(reuse, "OffloadedKV", refuse)
    cache = Caches(torch.device("meta"), spare=1, host=1 << 21).reference_kv
    assert [cache.get(key, lambda: kv(3))[1] for key in ("a", "b", "b", "a")] == [False, False, True, False]


def test_budgets() -> None:
    """A GPU's spare memory is the cache's; of the machine's own memory it takes a part."""
    assert Caches(torch.device("cuda"), spare=1 << 36).reference_kv.budget == 1 << 36
    assert Caches(torch.device("cpu"), spare=1 << 36).reference_kv.budget == reuse.KV_BYTES
    assert Caches(torch.device("cpu"), spare=5).reference_kv.budget == 5


def test_the_same_keys_are_equal_objects() -> None:
    assert all_of(PLAIN) == all_of(replace(PLAIN))
