"""Pauses between retries and polls."""

from __future__ import annotations

import asyncio
from itertools import islice

import pytest

from brandpress.model.hosted.retry import CallPolicy, poll_pauses
from tests.model.hosted.conftest import ShortPauses


@pytest.mark.parametrize(("attempt", "most"), [(1, 1.0), (2, 2.0), (3, 4.0), (5, 16.0), (20, 60.0)])
def test_backoff_doubles_with_full_jitter(attempt: int, most: float, pauses: ShortPauses) -> None:
    async def pause_often() -> None:
        await asyncio.gather(*(CallPolicy(sleep=pauses.sleep).pause(attempt, 0.0) for _ in range(400)))

    asyncio.run(pause_often())
    assert min(pauses.seconds) < 0.1 * most
    assert 0.9 * most < max(pauses.seconds) <= most


@pytest.mark.parametrize(("retry_after", "least", "most"), [(7.0, 7.0, 8.0), (59.9, 59.9, 60.0), (3600.0, 60.0, 60.0)])
def test_retry_after_is_respected_up_to_a_minute(
    retry_after: float, least: float, most: float, pauses: ShortPauses
) -> None:
    asyncio.run(CallPolicy(sleep=pauses.sleep).pause(1, retry_after))
    assert least <= pauses.seconds[0] <= most


def test_polls_become_less_frequent() -> None:
    assert list(islice(poll_pauses(), 6)) == [0.5, 0.75, 1.125, 1.6875, 2.0, 2.0]
