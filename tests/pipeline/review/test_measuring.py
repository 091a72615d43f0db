"""Pictures are measured in threads, ahead of judging."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from brandpress.pipeline.review import measuring
from brandpress.pipeline.review.measuring import MeasuringAhead, in_threads


@pytest.mark.parametrize(("cpus", "threads"), [(1, 1), (2, 1), (6, 3), (96, 8)])
def test_half_of_the_cores_measure(cpus: int, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "available_cpus", lambda: cpus)
    assert measuring.measuring_threads() == threads


def test_results_keep_their_order_and_what_hasnt_begun_is_dropped() -> None:
    assert list(in_threads(lambda item: item * 2, range(20))) == list(range(0, 40, 2))
    begun: list[int] = []
    results: Iterator[None] = in_threads(begun.append, range(10_000))
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert len(begun) < 10_000


def test_what_has_begun_is_waited_for_and_never_measured_twice() -> None:
    ahead, begun, go, measured = MeasuringAhead(), threading.Event(), threading.Event(), list[str]()

    def measure() -> None:
        begun.set()
        go.wait()
        measured.append("a")

    with ahead.running():
        ahead.start("a", measure)
        ahead.start("a", measure)
        begun.wait()
        threading.Timer(0.05, go.set).start()
        ahead.hand_over(["a", "never started"])
        assert measured == ["a"]
    ahead.start("b", measure)
    assert measured == ["a"], "nothing runs outside of the block"


def test_a_failure_is_left_to_the_judge() -> None:
    ahead = MeasuringAhead()
    with ahead.running():
        ahead.start("a", lambda: 1 / 0)  # type: ignore[arg-type, return-value]
        ahead.hand_over(["a"])


def test_nobody_waits_for_pictures_that_have_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """The judge measures them, one after another, so that Ctrl-C ends it between two of them."""
    monkeypatch.setattr(measuring, "available_cpus", lambda: 1)
    ahead, begun, go, measured = MeasuringAhead(), threading.Event(), threading.Event(), list[int]()

    def start(number: int) -> None:
        def measure() -> None:
            begun.set()
            go.wait()
            measured.append(number)

        ahead.start(str(number), measure)

    with ahead.running():
        for number in range(64):
            start(number)
        begun.wait()
        threading.Timer(0.05, go.set).start()
        ahead.hand_over(map(str, range(64)))
    assert measured == [0]


def test_only_so_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "MAX_WAITING", 2)
    ahead, go, measured, count = MeasuringAhead(), threading.Event(), list[str](), threading.Semaphore(0)

    def start(name: str) -> None:
        def measure() -> None:
            go.wait()
            measured.append(name)
            count.release()

        ahead.start(name, measure)

    with ahead.running():
        for name in "abcd":
            start(name)
        go.set()
        assert all(count.acquire(timeout=60) for _ in "ab")
        ahead.hand_over("abcd")
        assert sorted(measured) == ["a", "b"]
        start("c")
        assert count.acquire(timeout=60)
    assert sorted(measured) == ["a", "b", "c"]
