"""Workers between their request and their first work, with a simulated clock."""

from __future__ import annotations

from brandpress.pipeline.render.driver.startup import NOTICE_SECONDS, REPEAT_SECONDS, Startup
from brandpress.pipeline.render.driver.worker_clocks import WorkerClocks


def test_pending_workers_are_told_after_a_while_and_again() -> None:
    startup = Startup()
    startup.start("one", 100.0)
    assert not startup.notice_due(100.0 + NOTICE_SECONDS - 0.1)
    assert startup.notice_due(100.0 + NOTICE_SECONDS)
    assert not startup.notice_due(100.0 + NOTICE_SECONDS + REPEAT_SECONDS - 0.1)
    assert startup.notice_due(100.0 + NOTICE_SECONDS + REPEAT_SECONDS)
    startup.run("one")
    assert not startup.notice_due(10_000.0)


def test_loading_is_told_after_a_while_and_again() -> None:
    startup = Startup()
    assert startup.loading_seconds(2, 100.0) is None
    assert startup.loading_seconds(2, 100.0 + NOTICE_SECONDS) == NOTICE_SECONDS
    assert startup.loading_seconds(2, 100.0 + NOTICE_SECONDS + 1) is None
    later = NOTICE_SECONDS + REPEAT_SECONDS
    assert startup.loading_seconds(1, 100.0 + later) == later
    assert startup.loading_seconds(0, 1000.0) is None
    assert startup.loading_seconds(1, 1001.0) is None, "it begins anew"


def test_after_a_notice_of_pending_workers_loading_is_told_at_once() -> None:
    startup = Startup()
    startup.start("one", 0.0)
    assert startup.loading_seconds(0, 5.0) is None
    assert startup.notice_due(NOTICE_SECONDS)
    assert startup.loading_seconds(1, 11.0) is None, "the one that is pending is told of"
    startup.run("one")
    assert startup.loading_seconds(1, 12.0) == 0.0
    assert startup.loading_seconds(1, 13.0) is None
    assert startup.loading_seconds(1, 12.0 + REPEAT_SECONDS) == REPEAT_SECONDS


def test_a_worker_that_runs_is_not_pending() -> None:
    startup = Startup()
    startup.start("one", 0.0)
    startup.start("two", 0.0)
    startup.run("one")
    startup.run("unknown")
    assert startup.pending == ("two",)
    startup.remove("two")
    assert startup.pending == ()


def test_the_run_starves_only_while_all_workers_are_pending() -> None:
    startup = Startup()
    startup.start("one", 0.0)
    assert startup.starved_seconds(1, 5.0) == 0.0
    assert startup.starved_seconds(1, 25.0) == 20.0
    assert startup.starved_seconds(2, 30.0) == 0.0, "the other one works"
    assert startup.starved_seconds(1, 40.0) == 0.0
    assert startup.starved_seconds(1, 41.0) == 1.0


def test_work_is_held_back_until_all_nodes_are_checked_except_for_workers_that_wait_for_resources() -> None:
    startup = Startup(check_together=True)
    startup.start("one", 0.0)
    startup.start("two", 0.0)
    startup.remove("one")
    assert startup.holds_work_back(1.0)
    assert not startup.holds_work_back(NOTICE_SECONDS)
    startup.run("two")
    assert startup.holds_work_back(NOTICE_SECONDS), "its process runs, so it is about to report"
    startup.release()
    assert not startup.holds_work_back(NOTICE_SECONDS)


def test_a_single_machine_holds_no_work_back() -> None:
    startup = Startup()
    startup.start("one", 0.0)
    assert not startup.holds_work_back(0.0)


def test_moments_of_a_workers_clock_keep_their_distance_however_late_they_are_received() -> None:
    clocks = WorkerClocks()
    assert clocks.local("one", None, 50.0) == 50.0
    assert clocks.local("one", 1000.0, 50.0) == 50.0
    assert clocks.local("one", 1001.0, 60.0) == 51.0, "received late"
    assert clocks.local("one", 1012.0, 61.0) == 61.0, "quicker than the first"
    assert clocks.local("one", 1013.0, 90.0) == 62.0
    clocks.remove("one")
    assert clocks.local("one", 2000.0, 90.0) == 90.0
