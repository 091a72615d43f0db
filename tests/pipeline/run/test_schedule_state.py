"""The state of a schedule, on both stores: claimed once, caught up once, repeated if it was lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from brandpress.pipeline.run.schedule_state import (
    CLAIM_TIME,
    MAX_ATTEMPTS,
    RETRY_TIME,
    STATE,
    claim_run,
    end_run,
    keep_alive,
    read_state,
)
from brandpress.pipeline.spec.schedule import Schedule
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store, StoreError

NIGHTLY = Schedule.model_validate({"cron": "0 3 * * *"})
ONLY_ON_TIME = Schedule.model_validate({"cron": "0 3 * * *", "catch_up": 0})
MINUTE = timedelta(minutes=1)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


@pytest.fixture
def folder(store_uri: str) -> Store:
    """A campaign whose schedule was seen for the first time on 1 March at noon."""
    folder = open_campaign(store_uri, "spring")
    assert claim_run(folder, NIGHTLY, at(1, 12)) is None
    return folder


def test_a_new_schedule_waits_for_its_next_due_time(folder: Store) -> None:
    assert claim_run(folder, NIGHTLY, at(2, 2, 59)) is None
    claim = claim_run(folder, NIGHTLY, at(2, 3))
    assert claim is not None
    assert (claim.state.due, claim.missed) == (at(2, 3), False)


def test_a_new_schedule_that_is_just_due_runs(store_uri: str) -> None:
    """As when cron itself starts `schedule --once` at that time."""
    assert claim_run(open_campaign(store_uri, "spring"), NIGHTLY, at(2, 3, 1)) is not None


def test_a_run_is_done_once(folder: Store) -> None:
    claim = claim_run(folder, NIGHTLY, at(2, 3))
    assert claim is not None
    assert claim_run(folder, NIGHTLY, at(2, 3, 1)) is None, "it's at work"
    end_run(folder, claim, at(2, 3, 2), 0)
    assert claim_run(folder, NIGHTLY, at(2, 3, 3)) is None
    assert claim_run(folder, NIGHTLY, at(3, 3)) is not None


def test_of_many_schedulers_one_gets_the_run(folder: Store) -> None:
    with ThreadPoolExecutor(8) as threads:
        claims = list(threads.map(lambda _: claim_run(folder, NIGHTLY, at(2, 3)), range(8)))
    assert sum(claim is not None for claim in claims) == 1


def test_missed_runs_are_caught_up_once(folder: Store) -> None:
    claim = claim_run(folder, NIGHTLY, at(9, 8))
    assert claim is not None
    assert (claim.state.due, claim.missed) == (at(9, 3), True)
    end_run(folder, claim, at(9, 9), 0)
    assert claim_run(folder, NIGHTLY, at(9, 10)) is None


def test_missed_runs_are_left_out_without_catch_up(folder: Store) -> None:
    assert claim_run(folder, ONLY_ON_TIME, at(9, 8)) is None
    state = read_state(folder).state
    assert state is not None
    assert (state.due, state.left_out) == (at(9, 3), True)
    assert claim_run(folder, ONLY_ON_TIME, at(10, 3, 5)) is not None


def test_a_run_that_is_at_work_keeps_the_next_one_waiting(folder: Store) -> None:
    claim = claim_run(folder, NIGHTLY, at(2, 3))
    assert claim is not None
    claim = keep_alive(folder, claim, at(3, 3))
    assert claim_run(folder, NIGHTLY, at(3, 3, 1)) is None
    end_run(folder, claim, at(3, 4), 0)
    late = claim_run(folder, NIGHTLY, at(3, 4))
    assert late is not None
    assert (late.state.due, late.missed) == (at(3, 3), True)


def test_a_run_whose_scheduler_was_lost_is_repeated_at_most_twice(folder: Store) -> None:
    now = at(2, 3)
    for attempt in range(1, MAX_ATTEMPTS + 1):
        claim = claim_run(folder, NIGHTLY, now)
        assert claim is not None
        assert claim.state.attempts == attempt
        assert claim_run(folder, NIGHTLY, now + CLAIM_TIME - MINUTE) is None
        now += CLAIM_TIME
    assert claim_run(folder, NIGHTLY, now) is None
    assert claim_run(folder, NIGHTLY, at(3, 3)) is not None, "the next night is another run"


def test_a_lost_run_isnt_repeated_without_catch_up(folder: Store) -> None:
    assert claim_run(folder, ONLY_ON_TIME, at(2, 3)) is not None
    assert claim_run(folder, ONLY_ON_TIME, at(2, 3) + CLAIM_TIME) is None


def test_a_run_that_could_not_work_is_repeated_after_a_while(folder: Store) -> None:
    claim = claim_run(folder, NIGHTLY, at(2, 3))
    assert claim is not None
    end_run(folder, claim, at(2, 3), 5, repeat=True)
    assert claim_run(folder, NIGHTLY, at(2, 3) + RETRY_TIME - MINUTE) is None
    again = claim_run(folder, NIGHTLY, at(2, 3) + RETRY_TIME)
    assert again is not None
    assert again.state.attempts == 1, "that attempt doesn't count"


def test_a_scheduler_that_was_taken_for_lost_doesnt_overwrite_the_run_of_another(folder: Store) -> None:
    slow = claim_run(folder, NIGHTLY, at(2, 3))
    assert slow is not None
    other = claim_run(folder, NIGHTLY, at(2, 3) + CLAIM_TIME)
    assert other is not None
    assert keep_alive(folder, slow, at(2, 4)) is slow
    end_run(folder, slow, at(2, 4), 0)
    state = read_state(folder).state
    assert state is not None
    assert (state.run, state.ended) == (other.state.run, None)


def test_a_sign_of_life_whose_response_was_lost_keeps_the_claim(folder: Store) -> None:
    claim = claim_run(folder, NIGHTLY, at(2, 3))
    assert claim is not None
    keep_alive(folder, claim, at(2, 3, 1))  # and the new etag never arrives
    claim = keep_alive(folder, claim, at(2, 3, 2))
    claim = keep_alive(folder, claim, at(2, 3, 3))
    state = read_state(folder).state
    assert state is not None
    assert state.alive == at(2, 3, 3)


def test_a_state_from_the_future_doesnt_stop_the_schedule(folder: Store) -> None:
    """As a machine with a wrong clock writes it."""
    assert claim_run(folder, NIGHTLY, datetime(2040, 1, 1, 12, tzinfo=UTC)) is not None
    assert claim_run(folder, NIGHTLY, at(2, 3)) is None
    assert claim_run(folder, NIGHTLY, at(3, 3)) is not None


def test_a_broken_state_is_an_error_with_its_place(folder: Store) -> None:
    stat = folder.stat(STATE)
    assert stat is not None
    folder.replace(STATE, b"{}", "application/json", stat.etag)
    with pytest.raises(StoreError, match=r"spring/schedule\.json: not a valid state of a schedule; move it away"):
        claim_run(folder, NIGHTLY, at(2, 3))
