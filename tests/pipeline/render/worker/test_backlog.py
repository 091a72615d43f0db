"""What waits between model and store is bounded, and nothing waits for ever."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from brandpress.model.request import MAX_PIXELS
from brandpress.pipeline.render.worker.backlog import MOST_PICTURES, MOST_PIXELS, Backlog


@pytest.mark.parametrize(
    ("pixels", "room"),
    [(MAX_PIXELS, 2), (MOST_PIXELS // 2 + 1, 1), (2 * MOST_PIXELS, 1), (1024 * 1024, 8), (256 * 256, MOST_PICTURES)],
)
def test_so_many_have_room_and_the_next_waits_for_one_to_leave(pixels: int, room: int) -> None:
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
    backlog = Backlog(pictures=4, pixels=100)
    backlog.enter(60)
    backlog.enter(30)
    gone: list[int] = []

    def enter() -> list[int]:
        backlog.enter(90)
        return list(gone)

    with ThreadPoolExecutor(1) as threads:
        entered = threads.submit(enter)
        for pixels in (30, 60):
            gone.append(pixels)
            backlog.leave(pixels)
        assert entered.result() == [30, 60]


def test_of_many_threads_all_come_through_and_never_too_many_at_once() -> None:
    backlog = Backlog(pictures=3, pixels=100)
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
