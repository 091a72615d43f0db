"""The number of pictures waiting for upload is limited, and none waits forever."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from brandpress.model.request import MAX_PIXELS
from brandpress.pipeline.render.worker.backlog import MAX_WAITING_PICTURES, MAX_WAITING_PIXELS, Backlog


@pytest.mark.parametrize(
    ("pixels", "room"),
    [
        (MAX_PIXELS, 2),
        (MAX_WAITING_PIXELS // 2 + 1, 1),
        (2 * MAX_WAITING_PIXELS, 1),
        (1024 * 1024, 8),
        (256 * 256, MAX_WAITING_PICTURES),
    ],
)
def test_a_full_backlog_makes_the_next_picture_wait(pixels: int, room: int) -> None:
    backlog = Backlog()
    for _ in range(room):
        backlog.enter(pixels)
    left = Event()

    def enter() -> bool:
        backlog.enter(pixels)
        return left.is_set()

    with ThreadPoolExecutor(1) as threads:
        entered = threads.submit(enter)
        left.set()
        backlog.leave(pixels)
        assert entered.result()


def test_a_large_picture_waits_until_small_ones_have_left() -> None:
    backlog = Backlog(max_pictures=4, max_pixels=100)
    backlog.enter(60)
    backlog.enter(30)
    departed: list[int] = []

    def enter() -> list[int]:
        backlog.enter(90)
        return list(departed)

    with ThreadPoolExecutor(1) as threads:
        entered = threads.submit(enter)
        for pixels in (30, 60):
            departed.append(pixels)
            backlog.leave(pixels)
        assert entered.result() == [30, 60]


def test_many_threads_all_enter_and_never_exceed_the_limits() -> None:
    backlog = Backlog(max_pictures=3, max_pixels=100)
    inside: list[int] = []
    most: list[tuple[int, int]] = []

    def pass_through(pixels: int) -> None:
        backlog.enter(pixels)
        inside.append(pixels)
        now = tuple(inside)
        most.append((len(now), sum(now)))
        inside.remove(pixels)
        backlog.leave(pixels)

    sizes = [10, 50, 100, 20, 70] * 40
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(pass_through, sizes))
    assert len(most) == len(sizes)
    assert max(pictures for pictures, _ in most) <= 3
    assert max(pixels for _, pixels in most) <= 100
