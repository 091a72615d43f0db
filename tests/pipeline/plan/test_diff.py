from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from brandpress.pipeline.plan.diff import RenderKeys, missing
from brandpress.pipeline.plan.variant import Variant

VARIANTS = tuple(Variant(f"v{i}", {}, "p", (), 64, 64, i, "png", f"{i:064x}", steps=4, guidance=1.0) for i in range(8))


@given(st.sets(st.sampled_from([v.render_key for v in VARIANTS] + ["f" * 64])))
def test_what_is_missing_and_what_is_done_make_the_plan(done: set[str]) -> None:
    left = list(missing(VARIANTS, done))
    assert all(v.render_key not in done for v in left)
    assert [v for v in VARIANTS if v in left or v.render_key in done] == list(VARIANTS)
    assert left == sorted(left, key=lambda v: v.name)


def test_a_variant_is_done_by_its_key_and_not_by_its_name() -> None:
    assert tuple(missing(VARIANTS, {Path(v.name).name for v in VARIANTS})) == VARIANTS


@given(st.sets(st.sampled_from([v.render_key for v in VARIANTS] + ["f" * 64])))
def test_render_keys_are_like_a_set_of_them(there: set[str]) -> None:
    keys, plain = RenderKeys(VARIANTS), {v.render_key for v in VARIANTS}
    assert (keys & there, there & keys) == (plain & there, there & plain)
    assert (len(keys), set(keys)) == (8, plain)
    assert [key in keys for key in sorted(there)] == [key in plain for key in sorted(there)]


def test_nothing_in_the_store_costs_no_pass() -> None:
    class Unseen(tuple[Variant, ...]):
        def __iter__(self):
            raise AssertionError("gone through")

    assert set() & RenderKeys(Unseen(VARIANTS)) == set()
