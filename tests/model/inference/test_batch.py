"""Consecutive requests that share a batch."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brandpress.model.inference.batch import Batches

Item = tuple[str, int]
ITEMS = st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 12)))


def batches(max_rows: int) -> Batches[Item]:
    return Batches(lambda item: item[0], lambda item: item[1], max_rows)


@given(ITEMS, st.integers(1, 20))
def test_every_item_is_in_one_batch_in_order(items: list[Item], max_rows: int) -> None:
    result = list(batches(max_rows).of(items))
    assert [item for batch in result for item in batch] == items
    for batch in result:
        assert len({kind for kind, _ in batch}) == 1
        assert len(batch) == 1 or sum(rows for _, rows in batch) <= max_rows


@given(st.lists(st.sampled_from("ab")), st.integers(3, 20))
def test_batches_are_as_large_as_possible(kinds: list[str], max_rows: int) -> None:
    sizes = [len(batch) for batch in batches(max_rows).of((kind, 3) for kind in kinds)]
    expected = []
    for _, run in groupby(kinds):
        full, rest = divmod(len(list(run)), max_rows // 3)
        expected += [max_rows // 3] * full + [rest] * (rest > 0)
    assert sizes == expected


@pytest.mark.parametrize(("rows", "read"), [(10, 1), (6, 1), (5, 2), (3, 3)])
def test_only_the_requests_of_a_batch_are_read(rows: int, read: int) -> None:
    """A full batch doesn't wait for the next request."""
    numbers: list[int] = []

    def requests() -> Iterator[Item]:
        for number in count():
            numbers.append(number)
            yield ("a", rows)

    assert len(next(batches(10).of(requests()))) == read
    assert len(numbers) == read
