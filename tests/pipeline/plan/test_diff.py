from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from brandpress.pipeline.plan.diff import missing
from brandpress.pipeline.plan.variant import Variant

VARIANTS = tuple(Variant(f"v{i}", {}, "p", (), 64, 64, i, "png", f"{i:064x}", steps=4, guidance=1.0) for i in range(8))


@given(st.sets(st.sampled_from([v.render_key for v in VARIANTS] + ["f" * 64])))
def test_missing_and_done_variants_make_up_the_plan(done: set[str]) -> None:
    left = list(missing(VARIANTS, done))
    assert all(v.render_key not in done for v in left)
    assert [v for v in VARIANTS if v in left or v.render_key in done] == list(VARIANTS)
    assert left == sorted(left, key=lambda v: v.name)


def test_a_variant_is_done_if_its_key_is_whatever_its_name() -> None:
    assert tuple(missing(VARIANTS, {Path(v.name).name for v in VARIANTS})) == VARIANTS
