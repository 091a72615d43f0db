from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from brandpress.pipeline.spec.repeats import Repeats


@given(st.lists(st.integers(-20, 20) | st.tuples(st.text(max_size=1), st.none() | st.integers(0, 2))))
def test_what_is_repeated_and_what_differs(values: list[object]) -> None:
    repeats = Repeats()
    for value in values:
        repeats.add(value)
    counts = Counter(hash(value) for value in values)
    assert repeats.hashes() == {digest for digest, count in counts.items() if count > 1}
    assert repeats.distinct() == len(counts)
