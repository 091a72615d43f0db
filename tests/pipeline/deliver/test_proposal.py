"""Decisions that reviewers send: applied, unchanged or refused, one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from brandpress.pipeline.deliver.author import Author
from brandpress.pipeline.deliver.choose import Picture, approve, pick, published_pictures, reject, undo
from brandpress.pipeline.deliver.decisions import Verdict, read_decisions, read_stored
from brandpress.pipeline.deliver.proposal import Answer, Proposal, Wish, apply
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store
from brandpress.pipeline.store.wrapper import StoreWrapper
from tests.campaigns import write_campaign
from tests.runs import run_of

AT = datetime(2026, 11, 24, 10, tzinfo=UTC)
OTHER = Author("ben", "too dark", AT)


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """A published campaign of four pictures."""
    file = write_campaign(tmp_path, 2)
    run_of(file)
    return file


@pytest.fixture
def folder(job: Path) -> Store:
    return open_campaign(str(job.parent / "out"), "spring")


def proposal(picture: Picture, decision: Wish = "approved", at: datetime = AT, reason: str = "") -> Proposal:
    return Proposal(picture.name, picture.sha256, decision, "ana", at, reason)


def states(answers: tuple[Answer, ...]) -> list[str]:
    return [answer.state for answer in answers]


def test_decisions_are_written_and_withdrawn(folder: Store) -> None:
    first, second, *_ = published_pictures(folder)
    assert states(apply(folder, [proposal(first), proposal(second, "rejected", reason="no star")])) == ["applied"] * 2
    stored = read_stored(folder, second.sha256).in_force
    assert stored is not None
    assert (stored.decision, stored.by, stored.reason, stored.at) == ("rejected", "ana", "no star", AT)
    assert stored.render_key == second.render_key
    later = AT + timedelta(minutes=1)
    assert states(apply(folder, [proposal(first, at=later), proposal(second, "withdrawn", later)])) == [
        "unchanged",
        "applied",
    ]
    assert read_stored(folder, second.sha256).in_force is None
    assert states(apply(folder, [proposal(second, "withdrawn", later)])) == ["unchanged"]


def test_a_picture_that_has_changed_is_refused_and_others_are_applied(folder: Store) -> None:
    first, second, *_ = published_pictures(folder)
    changed = replace(proposal(first), sha256="a" * 64)
    answers = apply(folder, [changed, proposal(second)])
    assert states(answers) == ["refused", "applied"]
    assert answers[0].why == (
        f"the picture has changed since: it was aaaaaaaaaaaa…, and is {first.sha256[:12]}… now; look at it again"
    )


def test_a_name_that_is_not_published(folder: Store) -> None:
    (first, *_) = published_pictures(folder)
    unknown = replace(proposal(first), name=first.name + "x", sha256="a" * 64)
    (answer,) = apply(folder, [unknown])
    assert answer.why == f"no picture of the name '{first.name}x' is published; did you mean '{first.name}'?"


def test_what_somebody_decided_later_stands(folder: Store) -> None:
    (first, *_) = published_pictures(folder)
    reject(folder, [first.name], OTHER)
    (answer,) = apply(folder, [proposal(first, at=AT - timedelta(hours=1))])
    assert (answer.state, answer.why) == ("refused", "ben decided later, 2026-11-24 10:00 UTC: rejected")
    assert states(apply(folder, [proposal(first, at=AT + timedelta(hours=1))])) == ["applied"]


class BusyStore(StoreWrapper):
    """A store in which somebody else acts just before each of the first writes. Stands in for reviewers at the same
    time, whose order no test can choose."""

    def __init__(self, store: Store, *acts: Callable[[], object]) -> None:
        super().__init__(store)
        self.acts: Iterator[Callable[[], object]] = iter(acts)

    def replace(self, key: str, data: bytes, content_type: str, expected: str | None) -> bool:
        next(self.acts, lambda: None)()
        return super().replace(key, data, content_type, expected)


@pytest.mark.parametrize(("older", "before"), [("approved", False), ("approved", True), ("withdrawn", True)])
def test_of_two_decisions_at_the_same_time_the_later_one_counts(folder: Store, older: Wish, before: bool) -> None:
    (first, *_) = published_pictures(folder)
    if before:
        apply(folder, [proposal(first, reason="at first")])
    newer = replace(proposal(first, "rejected", AT + timedelta(minutes=2)), by="ben")
    busy = BusyStore(folder, lambda: apply(folder, [newer]))
    (answer,) = apply(busy, [proposal(first, older, AT + timedelta(minutes=1))])
    stored = read_stored(folder, first.sha256).in_force
    assert (answer.state, answer.decision) == ("refused", stored)
    assert stored is not None
    assert (stored.decision, stored.by) == ("rejected", "ben")


def test_an_older_decision_in_between_is_replaced(folder: Store) -> None:
    (first, *_) = published_pictures(folder)
    busy = BusyStore(folder, lambda: apply(folder, [proposal(first, "approved")]))
    assert states(apply(busy, [proposal(first, "rejected", AT + timedelta(minutes=1))])) == ["applied"]
    assert [one.decision for one in read_decisions(folder).values()] == ["rejected"]


def test_a_decision_from_before_a_withdrawal_does_not_come_back(folder: Store) -> None:
    (first, *_) = published_pictures(folder)
    apply(folder, [proposal(first)])
    withdrawal = replace(proposal(first, "withdrawn", AT + timedelta(hours=2)), by="ben")
    assert states(apply(folder, [withdrawal])) == ["applied"]
    (answer,) = apply(folder, [proposal(first, at=AT + timedelta(hours=1))])
    assert (answer.state, answer.why) == ("refused", "ben decided later, 2026-11-24 12:00 UTC: withdrawn")
    assert answer.decision is None
    assert read_decisions(folder) == {}
    assert states(apply(folder, [proposal(first, at=AT + timedelta(hours=3))])) == ["applied"]


@pytest.mark.parametrize("verdict", ["approved", "rejected", "picked"])
def test_undo_stands_against_decisions_from_before(folder: Store, verdict: Verdict) -> None:
    (first, *_) = published_pictures(folder)
    {"approved": approve, "rejected": reject, "picked": pick}[verdict](folder, [first.name], OTHER)
    later = Author("cem", "", AT + timedelta(hours=2))
    assert [one.by for one in undo(folder, [first.name], verdict, later)] == ["ben"]
    (answer,) = apply(folder, [proposal(first, at=AT + timedelta(hours=1))])
    assert answer.why == "cem decided later, 2026-11-24 12:00 UTC: withdrawn"
    assert read_decisions(folder) == {}


def test_undo_leaves_what_somebody_decides_meanwhile(folder: Store) -> None:
    (first, *_) = published_pictures(folder)
    approve(folder, [first.name], OTHER)
    busy = BusyStore(folder, lambda: reject(folder, [first.name], OTHER))
    assert undo(busy, [first.name], "approved", OTHER) == ()
    assert [one.decision for one in read_decisions(folder).values()] == ["rejected"]


def test_a_name_of_another_picture_is_refused(folder: Store) -> None:
    first, second, *_ = published_pictures(folder)
    mixed = replace(proposal(first, "rejected"), sha256=second.sha256)
    answers = apply(folder, [proposal(second), mixed])
    assert states(answers) == ["applied", "refused"]
    digest = second.sha256[:12]
    assert answers[1].why == (
        f"the SHA-256 {digest}… is that of '{second.name}', not of '{first.name}'; correct one of them"
    )
    assert [one.decision for one in read_decisions(folder).values()] == ["approved"]


def test_a_time_in_the_future_counts_as_now(folder: Store) -> None:
    (first, *_) = published_pictures(folder)
    (answer,) = apply(folder, [proposal(first, at=datetime.now(UTC) + timedelta(days=400))])
    assert answer.decision is not None
    assert answer.decision.at <= datetime.now(UTC)


def test_the_last_decision_of_a_file_about_a_picture_counts(folder: Store) -> None:
    (first, *_) = published_pictures(folder)
    answers = apply(folder, [proposal(first), proposal(first, "rejected")])
    assert states(answers) == ["refused", "applied"]


def test_picked_pictures_stay_picked(folder: Store) -> None:
    first, second, *_ = published_pictures(folder)
    pick(folder, [first.name], OTHER)
    (answer,) = apply(folder, [proposal(first, at=AT + timedelta(days=1))])
    assert (answer.state, answer.why) == (
        "refused",
        "the picture is picked; take that back first: brandpress pick --undo",
    )
    choice = approve(folder, ["*"], OTHER)
    assert first.name not in {one.name for one in choice.decisions}
    assert second.name in {one.name for one in choice.decisions}


def test_an_approval_lapses_when_the_picture_changes(job: Path, folder: Store) -> None:
    (first, *_) = published_pictures(folder)
    approve(folder, [first.name], OTHER)
    job.write_text(job.read_text().replace("in scene 0", "at night"))
    run_of(job)
    changed = next(one for one in published_pictures(folder) if one.name == first.name)
    assert changed.sha256 != first.sha256
    assert read_stored(folder, changed.sha256).in_force is None
    assert read_stored(folder, first.sha256).in_force is not None
