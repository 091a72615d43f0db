"""Rejecting and picking published pictures, on both kinds of store, with runs that render nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from brandpress.model.errors import RequestError
from brandpress.pipeline.deliver.author import Author, now
from brandpress.pipeline.deliver.choose import Choice, approve, decisions_of, pick, reject, undo
from brandpress.pipeline.deliver.clean import delete_garbage, find_garbage
from brandpress.pipeline.deliver.decided_plan import open_plan
from brandpress.pipeline.deliver.decisions import decision_key, read_decisions
from brandpress.pipeline.deliver.delivery import file_record
from brandpress.pipeline.deliver.manifest import NothingPublishedError, read_fields, require_latest
from brandpress.pipeline.deliver.plan_summary import store_state, summarise_with_store
from brandpress.pipeline.deliver.record import new_record, stamp_of
from brandpress.pipeline.deliver.status import campaign_status, published_status
from brandpress.pipeline.deliver.verify import verify
from brandpress.pipeline.plan.change_text import state_line
from brandpress.pipeline.plan.markdown import plan_markdown
from brandpress.pipeline.plan.summary import Summary
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store, StoreError
from brandpress.pipeline.store.wrapper import StoreWrapper
from tests.campaigns import plan_of, write_campaign
from tests.pipeline.deliver.records import HEADER, publish_records, record
from tests.runs import listed, run_of

Result = TypeVar("Result")

ANA = Author("ana", "an ear is missing", now())


@pytest.fixture
def job(tmp_path: Path, store_uri: str) -> Path:
    """Two products with two seeds each."""
    return write_campaign(
        tmp_path / "job",
        {"beach": "on a beach"},
        deliver=store_uri,
        seeds=2,
        output={"name": "{{ product }}-s{{ seed }}"},
    )


@pytest.fixture
def folder(store_uri: str) -> Store:
    return open_campaign(store_uri, "spring")


def work(job: Path) -> tuple[int, int, int]:
    """Returns what `plan --check` counts: to render, to publish, to remove."""
    summary: Summary = summarise_with_store(plan_of(job), require_store=True)
    return summary.to_render, summary.unpublished, summary.removals


class DecidedMeanwhile(StoreWrapper):
    """A store in which somebody decides about a picture just after the decisions have been listed."""

    def __init__(self, store: Store, meanwhile: Callable[[], object]) -> None:
        super().__init__(store)
        self._meanwhile: list[Callable[[], object]] = [meanwhile]

    def _iterate(self, action: Callable[[], Iterator[Result]]) -> Iterator[Result]:
        yield from action()
        while self._meanwhile:
            self._meanwhile.pop()()


def test_what_somebody_decides_meanwhile_is_later_and_holds(job: Path, folder: Store) -> None:
    run_of(job)
    early, late = Author("ana", "", ANA.at), Author("ben", "an ear is missing", ANA.at + timedelta(minutes=1))
    busy = DecidedMeanwhile(folder, lambda: reject(folder, ["mug-s0"], late))
    choice = approve(busy, ["mug-*"], early)
    assert [one.name for one in choice.decisions] == ["mug-s1"]
    assert [(one.name, one.by, one.decision) for one in choice.overtaken] == [("mug-s0", "ben", "rejected")]
    assert sorted(one.decision for one in read_decisions(folder).values()) == ["approved", "rejected"]


def test_a_pick_that_is_overtaken_leaves_the_picked_picture(job: Path, folder: Store) -> None:
    run_of(job)
    early, late = Author("ana", "", ANA.at), Author("ben", "", ANA.at + timedelta(minutes=1))
    pick(folder, ["mug-s0"], early)
    busy = DecidedMeanwhile(folder, lambda: reject(folder, ["mug-s1"], late))
    assert [one.by for one in pick(busy, ["mug-s1"], early).overtaken] == ["ben"]
    assert [one.name for one in decisions_of(folder, "picked")] == ["mug-s0"]


def test_a_rejected_picture_is_replaced_under_its_name(job: Path, folder: Store) -> None:
    run_of(job)
    before = listed(folder)
    [decision] = reject(folder, ["mug-s0"], ANA).decisions
    assert (decision.name, decision.sha256, decision.decision) == ("mug-s0", before["mug-s0"]["sha256"], "rejected")
    assert work(job) == (1, 0, 0)
    run_of(job, only=set())
    assert listed(folder)["mug-s0"] == before["mug-s0"] | {"stale": True}, "until its replacement is there"
    assert require_latest(folder).manifest.counts.model_dump() == {
        "planned": 4,
        "done": 3,
        "stale": 1,
        "failed": 0,
        "missing": 1,
    }
    assert run_of(job)[0] == ["mug-s0"]
    after = listed(folder)
    assert (after["mug-s0"]["seed"], after["mug-s0"]["prompt"]) == (2, before["mug-s0"]["prompt"])
    assert after["mug-s0"]["sha256"] != before["mug-s0"]["sha256"]
    assert {name: fields for name, fields in after.items() if name != "mug-s0"} == {
        name: fields for name, fields in before.items() if name != "mug-s0"
    }
    assert work(job) == (0, 0, 0)
    assert verify(folder).problems == ()
    reject(folder, ["mug-s0"], ANA)
    run_of(job)
    assert listed(folder)["mug-s0"]["seed"] == 4


def test_undo_takes_back_the_latest_rejection(job: Path, folder: Store) -> None:
    run_of(job)
    before = listed(folder)
    for _ in range(2):
        reject(folder, ["mug-s0"], Author.of("ana", None))
        run_of(job)
    assert listed(folder)["mug-s0"]["seed"] == 4
    [undone] = undo(folder, ["mug-*"], "rejected", Author.of("ana", None))
    assert undone.name == "mug-s0"
    assert work(job) == (0, 1, 0), "the picture of seed 2 is still there"
    assert run_of(job)[0] == []
    assert listed(folder)["mug-s0"]["seed"] == 2
    undo(folder, ["mug-s0"], "rejected", ANA)
    run_of(job)
    assert listed(folder) == before
    with pytest.raises(RequestError, match="no picture of the name 'mug-s0' is rejected"):
        undo(folder, ["mug-s0"], "rejected", ANA)


def test_a_rejection_lapses_when_the_picture_changes(job: Path, folder: Store) -> None:
    run_of(job)
    reject(folder, ["*"], ANA)
    assert work(job) == (4, 0, 0)
    job.write_text(job.read_text().replace("on a beach", "in the snow"))
    run_of(job)
    assert sorted(fields["seed"] for fields in listed(folder).values()) == [0, 0, 1, 1]


def test_only_picked_pictures_are_published(job: Path, folder: Store) -> None:
    run_of(job)
    assert work(job) == (0, 0, 0)
    pick(folder, ["mug-s1"], ANA)
    assert work(job) == (0, 0, 1), "the other seed has to go from the manifest"
    assert run_of(job)[0] == []
    assert sorted(listed(folder)) == ["bottle-s0", "bottle-s1", "mug-s1"]
    manifest = require_latest(folder).manifest
    assert manifest.counts.model_dump() == {
        "planned": 4,
        "done": 3,
        "stale": 0,
        "failed": 0,
        "missing": 0,
        "picked_out": 1,
    }
    assert manifest.status == "done"
    assert work(job) == (0, 0, 0)
    assert run_of(job)[1] == run_of(job)[1], "nothing new is published"
    assert verify(folder).problems == ()


def test_statuses_count_picked_out_variants(job: Path, folder: Store) -> None:
    run_of(job)
    pick(folder, ["mug-s1"], ANA)
    run_of(job)
    _, plan = open_plan(plan_of(job))
    here = campaign_status(folder, plan.variants, len(plan.picked_out))
    there = published_status(folder, "no model here")
    for status in (here, there):
        assert (status.planned, status.done, status.failed, status.missing, status.picked_out) == (4, 3, 0, 0, 1)


def test_another_seed_can_be_picked_later_and_a_pick_taken_back(job: Path, folder: Store) -> None:
    run_of(job)
    before = listed(folder)
    pick(folder, ["mug-s1"], ANA)
    run_of(job)
    pick(folder, ["mug-s0"], Author.of("ben", None))
    assert [one.name for one in decisions_of(folder, "picked")] == ["mug-s0"]
    run_of(job)
    assert sorted(listed(folder)) == ["bottle-s0", "bottle-s1", "mug-s0"]
    undo(folder, ["mug-s0"], "picked", Author.of("ana", None))
    run_of(job)
    assert listed(folder) == before


def test_a_pick_lapses_when_the_picture_changes(job: Path, folder: Store) -> None:
    run_of(job)
    pick(folder, ["*-s1"], ANA)
    run_of(job)
    job.write_text(job.read_text().replace("on a beach", "in the snow"))
    assert work(job)[0] == 4
    run_of(job)
    assert len(listed(folder)) == 4


def test_seeds_that_are_picked_out_are_not_rendered(job: Path, folder: Store) -> None:
    run_of(job, only={"mug-s0", "bottle-s0", "bottle-s1"})
    pick(folder, ["mug-s0"], ANA)
    assert work(job) == (0, 0, 0)
    assert run_of(job)[0] == []
    assert require_latest(folder).manifest.counts.picked_out == 1


def test_rejecting_a_picked_picture_takes_the_pick_back(job: Path, folder: Store) -> None:
    run_of(job)
    pick(folder, ["mug-s0"], ANA)
    run_of(job)
    reject(folder, ["mug-s0"], ANA)
    assert decisions_of(folder, "picked") == ()
    assert run_of(job)[0] == ["mug-s0"]
    assert sorted((name, fields["seed"]) for name, fields in listed(folder).items() if "mug" in name) == [
        ("mug-s0", 2),
        ("mug-s1", 1),
    ]


def test_two_seeds_of_a_combination_cannot_both_be_picked(job: Path, folder: Store) -> None:
    run_of(job)
    with pytest.raises(RequestError, match="'mug-s0' and 'mug-s1' differ only in their seed; pick one of them"):
        pick(folder, ["mug-*"], ANA)
    assert read_decisions(folder) == {}


def test_clean_keeps_the_pictures_that_are_picked_out(job: Path, folder: Store) -> None:
    run_of(job)
    pick(folder, ["*-s1"], ANA)
    run_of(job)
    _, plan = open_plan(plan_of(job))
    variants = (*plan.variants, *plan.picked_out)
    for known in (variants, None):
        garbage = find_garbage(folder, known, now=now().timestamp() + 60, keep=1, hours=0)
        assert not [entry.key for entry in garbage.entries if entry.key.startswith(("assets/", "records/", "reviews/"))]
    list(delete_garbage(folder, garbage))
    undo(folder, ["*"], "picked", Author.of("ana", None))
    assert store_state(folder, plan_of(job)).done == {variant.render_key for variant in variants}


def test_a_rejected_picture_becomes_garbage_and_stays_rejected(job: Path, folder: Store) -> None:
    run_of(job)
    reject(folder, ["mug-s0"], ANA)
    run_of(job)
    _, plan = open_plan(plan_of(job))
    garbage = find_garbage(folder, plan.variants, now=now().timestamp() + 60, keep=1, hours=0)
    assert sum(entry.key.startswith("assets/mug-s0") for entry in garbage.entries) == 1
    list(delete_garbage(folder, garbage))
    assert work(job) == (0, 0, 0)


@pytest.mark.parametrize("decide", [reject, pick])
def test_a_name_that_no_picture_has(job: Path, folder: Store, decide: object) -> None:
    assert callable(decide)
    with pytest.raises(NothingPublishedError):
        decide(folder, ["mug-s0"], ANA)
    run_of(job)
    with pytest.raises(RequestError, match="no picture of the name 'mug_s0' is published; did you mean 'mug-s0'"):
        decide(folder, ["bottle-s1", "mug_s0"], ANA)
    assert read_decisions(folder) == {}


def test_pictures_of_a_manifest_that_is_not_the_latest_can_be_rejected(tmp_path: Path) -> None:
    """With `publish: whole`, reviewers see pictures before they are published."""
    job = write_campaign(tmp_path, 2, publish="whole")
    run_of(job, only={"mug/scene00"})
    folder = open_campaign(str(tmp_path / "out"), "spring")
    assert [one.name for one in reject(folder, ["mug/*"], ANA).decisions] == ["mug/scene00"]


def test_replaced_decisions_are_those_that_said_otherwise(job: Path, folder: Store) -> None:
    run_of(job)
    assert approve(folder, ["mug-s0"], ANA).replaced == ()
    assert approve(folder, ["mug-s0"], ANA).replaced == ()
    assert pick(folder, ["mug-s0"], ANA).replaced == (), "picking is an approval, too"
    assert [one.decision for one in reject(folder, ["mug-s*"], ANA).replaced] == ["picked"]
    undo(folder, ["mug-s0"], "rejected", ANA)
    assert [one.name for one in approve(folder, ["mug-s*"], ANA).replaced] == ["mug-s1"]


def test_decisions_about_pictures_of_an_earlier_version_are_outdated(job: Path, folder: Store) -> None:
    run_of(job)
    job.write_text(job.read_text().replace("on a beach", "in the snow"))
    run_of(job, only={"mug-s0"})
    assert pick(folder, ["*-s1"], ANA).outdated == ("bottle-s1", "mug-s1")
    assert reject(folder, ["mug-*"], ANA).outdated == ("mug-s1",)
    run_of(job, only=set())
    assert listed(folder)["mug-s0"]["stale"]
    assert reject(folder, ["mug-s0"], ANA).outdated == (), "it's listed until its replacement is there"


def test_a_seed_that_is_picked_out_is_outdated_once_the_job_has_changed(job: Path, folder: Store) -> None:
    run_of(job)
    pick(folder, ["mug-s1"], ANA)
    run_of(job)
    assert pick(folder, ["mug-s0"], ANA).outdated == ()
    run_of(job)
    job.write_text(job.read_text().replace("on a beach", "in the snow"))
    run_of(job, only={"bottle-s0"})
    assert pick(folder, ["mug-s1"], ANA).outdated == ("mug-s1",)


def test_names_are_exact_or_globs(job: Path, folder: Store) -> None:
    run_of(job)
    chosen = reject(folder, ["mug-s?", "bottle-s[1]", "mug-s0"], ANA)
    assert [one.name for one in chosen.decisions] == ["bottle-s1", "mug-s0", "mug-s1"]


def test_a_manifest_with_wrong_digests_is_no_traceback(tmp_path: Path) -> None:
    folder = open_campaign(str(tmp_path), "spring")
    publish_records(folder, HEADER, 1, [record(1, asset="assets/a.png", sha256="nonsense", bytes=1)], list)
    with pytest.raises(RequestError, match="no picture of the name 'mug/scene001' is published"):
        reject(folder, ["mug/scene001"], ANA)


@pytest.fixture
def sharing_job(tmp_path: Path, store_uri: str) -> Path:
    """A product with two seeds, each delivered under the names of two locales."""
    return write_campaign(
        tmp_path / "job",
        {},
        products=("mug",),
        deliver=store_uri,
        seeds=2,
        matrix={"product": ["mug"], "locale": {"en": "English", "de": "Deutsch"}},
        prompt="{{ product.description }}",
        output={"name": "mug-{{ locale }}-s{{ seed }}"},
    )


def test_a_shared_picture_is_decided_once_and_has_all_its_names(sharing_job: Path, folder: Store) -> None:
    run_of(sharing_job)
    [decision] = reject(folder, ["mug-en-s0"], ANA).decisions
    assert (decision.name, decision.also) == ("mug-en-s0", ("mug-de-s0",))
    assert undo(folder, ["mug-de-s0"], "rejected", Author.of("ana", None)) == (decision,)
    decided = reject(folder, ["mug-*"], ANA).decisions
    assert [(one.name, one.also) for one in decided] == [("mug-de-s0", ("mug-en-s0",)), ("mug-de-s1", ("mug-en-s1",))]
    assert len(undo(folder, ["*-en-*"], "rejected", Author.of("ana", None))) == 2
    assert decisions_of(folder, "rejected") == ()
    assert work(sharing_job) == (0, 0, 0)


def test_seeds_of_shared_pictures_are_picked_together(sharing_job: Path, folder: Store) -> None:
    run_of(sharing_job)
    with pytest.raises(RequestError, match=r"differ only in their seed .*shows the same picture.*; pick one of them"):
        pick(folder, ["mug-de-s0", "mug-en-s1"], ANA)
    assert decisions_of(folder, "picked") == ()
    pick(folder, ["mug-en-s0"], ANA)
    run_of(sharing_job)
    assert sorted(listed(folder)) == ["mug-de-s0", "mug-en-s0"]
    [decision] = pick(folder, ["mug-de-s1"], ANA).decisions
    assert decision.also == ("mug-en-s1",), "it was picked out, and records have one of its names only"
    assert decisions_of(folder, "picked") == (decision,)
    run_of(sharing_job)
    assert sorted(listed(folder)) == ["mug-de-s1", "mug-en-s1"]
    assert work(sharing_job) == (0, 0, 0)
    assert verify(folder).intact


def test_plans_say_that_another_seed_was_picked(job: Path, folder: Store) -> None:
    run_of(job)
    pick(folder, ["mug-s1"], ANA)
    summary = summarise_with_store(plan_of(job), require_store=True)
    [orphan] = [one for one in summary.states or () if one.state == "orphaned"]
    assert state_line(orphan) == "- mug-s0  orphaned: another seed was picked"
    assert "4 variants: 1 to remove, 1 picked out." in plan_markdown(summary)
    run_of(job)
    after = summarise_with_store(plan_of(job), require_store=True)
    assert "4 variants: nothing to do, 1 picked out." in plan_markdown(after)


def test_a_failure_is_listed_under_each_name_that_it_concerns(sharing_job: Path, folder: Store) -> None:
    plan = plan_of(sharing_job)
    failing = plan.variants[0]
    file_record(folder, new_record(failing, stamp_of(plan.model), "failed", cause="it broke"))
    names = [variant.name for variant in plan.variants if variant.render_key == failing.render_key]
    status = campaign_status(folder, plan.variants)
    assert (status.failed, [one.name for one in status.failures]) == (2, sorted(names))
    run_of(sharing_job, only={one.name for one in plan.variants if one.render_key != failing.render_key})
    listed_failures = read_fields(folder, require_latest(folder), "failures")
    assert [fields["name"] for fields in listed_failures] == sorted(names)
    assert published_status(folder, "").failures == status.failures
    assert verify(folder).intact


@pytest.mark.parametrize("decide", [reject, pick])
def test_a_damaged_decision_is_repaired_by_deciding_again(
    decide: Callable[[Store, list[str], Author], Choice], job: Path, folder: Store
) -> None:
    run_of(job)
    [decision] = reject(folder, ["mug-s0"], ANA).decisions
    key = decision_key(decision.sha256)
    stat = folder.stat(key)
    assert folder.replace(key, b"{}", "application/json", stat.etag if stat else None)
    with pytest.raises(StoreError, match="repeat it with `brandpress reject`"):
        decide(folder, ["bottle-s0"], ANA)
    [repeated] = decide(folder, ["mug-s0"], ANA).decisions
    assert read_decisions(folder) == {decision.sha256: repeated}
