"""Decisions are kept beside the pictures, one object each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from brandpress.pipeline.deliver.author import Author
from brandpress.pipeline.deliver.decided_plan import decided
from brandpress.pipeline.deliver.decisions import (
    MAX_BYTES,
    MAX_EARLIER,
    Decision,
    Stored,
    decision_key,
    read_all_decisions,
    read_decisions,
    read_stored,
    withdraw_decision,
    write_decision,
    write_decisions,
)
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store, StoreError
from brandpress.pipeline.store.wrapper import StoreWrapper
from tests.campaigns import plan_of, write_campaign

Result = TypeVar("Result")

AT = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.fixture
def folder(store_uri: str) -> Store:
    return open_campaign(store_uri, "spring")


def decision(number: int, verdict: Stored = "rejected", **changes: object) -> Decision:
    fields: dict[str, object] = {
        "name": f"mug/{number}",
        "render_key": f"{number:064x}",
        "sha256": f"{number + 1000:064x}",
        "decision": verdict,
        "reason": "an ear is missing",
        "by": "ana",
        "at": AT + timedelta(minutes=number),
    }
    return Decision(**(fields | changes))


def test_decisions_are_read_as_they_were_written_the_latest_last(folder: Store) -> None:
    assert read_decisions(folder) == {}
    decisions = [decision(number) for number in (3, 1, 2)]
    write_decisions(folder, decisions)
    assert list(read_decisions(folder).values()) == [decision(1), decision(2), decision(3)]
    content = json.loads(folder.read(f"reviews/{decision(1).sha256}.json") or b"")
    assert content == {
        "schema": "brandpress.decision/1",
        "name": "mug/1",
        "render_key": decision(1).render_key,
        "sha256": decision(1).sha256,
        "decision": "rejected",
        "reason": "an ear is missing",
        "by": "ana",
        "at": "2026-11-27T12:01:00Z",
    }


def earlier(one: Decision) -> list[tuple[str, str]]:
    """Returns who decided what before."""
    return [(before.by, before.decision) for before in one.earlier]


def test_the_later_decision_holds_and_keeps_the_earlier_ones(folder: Store) -> None:
    at = [AT + timedelta(seconds=number) for number in range(4)]
    assert write_decision(folder, decision(1, by="ana", at=at[1])) is None
    assert write_decision(folder, decision(1, "picked", by="ben", at=at[2])) is None
    overtaking = write_decision(folder, decision(1, "approved", by="cem", at=at[0]))
    assert overtaking is not None
    assert (overtaking.by, overtaking.decision) == ("ben", "picked")
    assert withdraw_decision(folder, overtaking, Author("dan", "", at[3]))
    stored = read_all_decisions(folder)[decision(1).sha256]
    assert (stored.decision, stored.by) == ("withdrawn", "dan")
    assert earlier(stored) == [("ben", "picked"), ("ana", "rejected")]


def test_a_decision_that_was_known_before_is_earlier_whatever_the_clocks_say(folder: Store) -> None:
    ahead = decision(1, "approved", by="ana", at=AT + timedelta(hours=1))
    write_decision(folder, ahead)
    assert write_decisions(folder, [decision(1, by="ben")], {ahead.sha256: ahead}) == []
    [holding] = read_decisions(folder).values()
    assert (holding.by, earlier(holding)) == ("ben", [("ana", "approved")])


def test_many_earlier_decisions_never_make_the_object_too_large(folder: Store) -> None:
    for number in range(60):
        write_decision(folder, decision(1, reason="ж" * 2_000, at=AT + timedelta(seconds=number)))
    [holding] = read_decisions(folder).values()
    assert 10 < len(holding.earlier) <= MAX_EARLIER
    assert holding.earlier[0].at == AT + timedelta(seconds=58)
    assert len(holding.to_json()) <= MAX_BYTES


def test_a_decision_that_is_taken_back_counts_no_longer_and_leaves_a_trace(folder: Store) -> None:
    write_decision(folder, decision(1))
    ben = Author("ben", "the ear is behind the hat", AT + timedelta(hours=1))
    assert withdraw_decision(folder, decision(1), ben)
    assert not withdraw_decision(folder, decision(1), ben)
    assert read_decisions(folder) == {}
    assert read_stored(folder, decision(1).sha256).in_force is None
    content = json.loads(folder.read(decision_key(decision(1).sha256)) or b"")
    assert (content["decision"], content["by"], content["reason"]) == ("withdrawn", "ben", ben.reason)
    assert (content["at"], content["name"]) == ("2026-11-27T13:00:00Z", "mug/1")
    later = decision(1, "approved", at=AT + timedelta(hours=2))
    assert write_decision(folder, later) is None
    [holding] = read_decisions(folder).values()
    assert earlier(holding) == [("ben", "withdrawn"), ("ana", "rejected")]


class RepeatingFolder(StoreWrapper):
    """A store whose responses to writes are lost, so that each write is repeated."""

    def replace(self, key: str, data: bytes, content_type: str, expected: str | None) -> bool:
        super().replace(key, data, content_type, expected)
        return super().replace(key, data, content_type, expected)


def test_a_decision_whose_response_was_lost_is_written_once(folder: Store) -> None:
    repeating = RepeatingFolder(folder)
    assert write_decision(repeating, decision(1)) is None
    assert list(read_decisions(folder).values()) == [decision(1)]
    assert withdraw_decision(repeating, decision(1), Author("ben", "", AT + timedelta(hours=1)))
    assert earlier(read_all_decisions(folder)[decision(1).sha256]) == [("ana", "rejected")]


def test_a_decision_that_was_replaced_is_not_taken_back(folder: Store) -> None:
    write_decision(folder, decision(1, "approved"))
    assert not withdraw_decision(folder, decision(1), Author("ben", "", AT))
    assert list(read_decisions(folder).values()) == [decision(1, "approved")]


def test_writers_at_the_same_time_leave_the_latest_decision_and_all_that_held_before(folder: Store) -> None:
    names = ["ana", "ben", "cem", "dan"]
    decisions = [decision(1, by=by, at=AT + timedelta(seconds=number)) for number, by in enumerate(names)]
    with ThreadPoolExecutor(4) as threads:
        overtaking = list(threads.map(lambda one: write_decision(folder, one), decisions))
    [holding] = read_decisions(folder).values()
    assert holding.by == "dan"
    written = {one.by for one, later in zip(decisions, overtaking, strict=True) if later is None}
    assert {before.by for before in holding.earlier} == written - {"dan"}


class CountingStore(StoreWrapper):
    """Counts the calls to a store."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.calls = self.listings = 0

    def _call(self, action: Callable[[], Result]) -> Result:
        self.calls += 1
        return action()

    def _iterate(self, action: Callable[[], Iterator[Result]]) -> Iterator[Result]:
        self.listings += 1
        return action()


def test_a_campaign_without_decisions_costs_one_listing(folder: Store, tmp_path: Path) -> None:
    counting = CountingStore(folder)
    plan = plan_of(write_campaign(tmp_path / "job", 1))
    assert decided(counting, plan).variants == plan.variants
    assert (counting.calls, counting.listings) == (0, 1)


def test_on_s3_only_decisions_that_have_changed_are_read_again(s3_uri: str) -> None:
    folder = CountingStore(open_campaign(s3_uri, "spring"))
    decisions = {one.sha256: one for one in map(decision, range(5))}
    write_decisions(folder, decisions.values())
    assert read_decisions(folder) == decisions
    other = open_campaign(s3_uri, "spring")
    write_decision(other, decision(2, "approved", by="ben", at=AT + timedelta(hours=1)))
    assert withdraw_decision(other, decision(3), Author("ben", "", AT + timedelta(hours=1)))
    folder.calls = 0
    after = read_decisions(folder)
    assert folder.calls == 2
    assert [(one.name, one.decision) for one in after.values()] == [
        ("mug/0", "rejected"),
        ("mug/1", "rejected"),
        ("mug/4", "rejected"),
        ("mug/2", "approved"),
    ]
    assert read_stored(folder, decision(2).sha256).in_force == after[decision(2).sha256]


def test_other_objects_below_reviews_are_ignored(tmp_path: Path) -> None:
    folder = open_campaign(str(tmp_path), "spring")
    folder.replace("reviews/measures/0.json", b"x", "application/json", None)
    folder.replace("reviews/notes.txt", b"x", "text/plain", None)
    assert read_decisions(folder) == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{}", "not a valid decision of brandpress.decision/1 (invalid: at, by, decision, name, render_key, sha256)"),
        (b"\xff", "(invalid: JSON)"),
        (b" " * (MAX_BYTES + 1), "has 65,537 bytes, too many for a decision"),
        (decision(1).to_json().replace(b"decision/1", b"decision/2"), "(invalid: schema)"),
        (decision(1).to_json().replace(b"rejected", b"liked"), "(invalid: decision)"),
        (decision(1, sha256="f" * 64).to_json(), "holds the decision about another picture"),
    ],
)
def test_a_damaged_decision_is_an_error_that_names_the_file(tmp_path: Path, content: bytes, message: str) -> None:
    """Without it, a rejected picture would be published again."""
    folder = open_campaign(str(tmp_path), "spring")
    folder.replace(decision_key(decision(1).sha256), content, "application/json", None)
    with pytest.raises(StoreError) as error:
        read_decisions(folder)
    assert f"{folder.uri}/reviews/{decision(1).sha256}.json: " in str(error.value)
    assert message in str(error.value)
