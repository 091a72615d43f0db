from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from brandpress.pipeline.plan.order import Row, order_of

rows = st.lists(st.tuples(st.integers(0, 3), st.text(max_size=3), st.integers(0, 2**53)), max_size=300)


@given(rows, st.integers(1, 100))
def test_as_if_all_were_sorted_at_once(rows: list[Row], run: int) -> None:
    assert list(order_of(iter(rows), run)) == sorted(range(len(rows)), key=rows.__getitem__)
