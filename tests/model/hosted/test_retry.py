"""How long is waited."""

from __future__ import annotations

import asyncio
from itertools import islice

import pytest

from brandpress.model.hosted.retry import RetryPolicy, poll_pauses
from tests.model.hosted.conftest import Brisk


@pytest.mark.parametrize(("attempt", "most"), [(1, 1.0), (2, 2.0), (3, 4.0), (5, 16.0), (20, 60.0)])
def test_pauses_grow_and_are_random_in_full(attempt: int, most: float, brisk: Brisk) -> None:
    async def pauses() -> None:
        await asyncio.gather(*(RetryPolicy(sleep=brisk.sleep).pause(attempt, 0.0) for _ in range(400)))

    asyncio.run(pauses())
    assert min(brisk.pauses) < 0.1 * most
    assert 0.9 * most < max(brisk.pauses) <= most


@pytest.mark.parametrize(("asked", "least", "most"), [(7.0, 7.0, 8.0), (59.9, 59.9, 60.0), (3600.0, 60.0, 60.0)])
def test_what_the_service_asks_for_is_waited_but_no_longer_than_a_minute(
    asked: float, least: float, most: float, brisk: Brisk
) -> None:
    asyncio.run(RetryPolicy(sleep=brisk.sleep).pause(1, asked))
    assert least <= brisk.pauses[0] <= most


def test_a_task_is_looked_at_less_and_less_often() -> None:
    assert list(islice(poll_pauses(), 6)) == [0.5, 0.75, 1.125, 1.6875, 2.0, 2.0]
