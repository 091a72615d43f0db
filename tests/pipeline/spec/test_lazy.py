from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brandpress.pipeline.spec.lazy import Lazy


class Squares(Lazy[int]):
    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def at(self, number: int) -> int:
        assert 0 <= number < self.count
        return number * number


ends = st.none() | st.integers(-12, 12)


@given(st.integers(0, 10), ends, ends, st.none() | st.sampled_from([-3, -1, 1, 2]))
def test_like_a_tuple(count: int, start: int | None, stop: int | None, step: int | None) -> None:
    squares, plain = Squares(count), tuple(i * i for i in range(count))
    assert tuple(squares) == plain
    assert squares[start:stop:step] == plain[start:stop:step]
    assert [squares[i] for i in range(-count, count)] == [plain[i] for i in range(-count, count)]
    for outside in (count, -count - 1):
        with pytest.raises(IndexError):
            squares[outside]
