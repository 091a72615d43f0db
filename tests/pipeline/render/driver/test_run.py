"""Whole runs on a real Ray: campaigns from job files, a stand-in for the model, real crashes."""

from __future__ import annotations

import json
import struct
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic_core import from_json

from brandpress.model.errors import HostedError, RequestError
from brandpress.pipeline.cli.exit_codes import outcome_exit_code
from brandpress.pipeline.deliver.delivery import deliver, file_record
from brandpress.pipeline.deliver.lease import AnotherRunError, RunLease
from brandpress.pipeline.deliver.manifest import Counts, Published, read_latest, read_lines, read_records
from brandpress.pipeline.deliver.ownership import ForeignCampaignError
from brandpress.pipeline.deliver.plan_summary import summarise_with_store
from brandpress.pipeline.deliver.record import Record, new_record, stamp_of
from brandpress.pipeline.deliver.resume import MAX_ATTEMPTS, read_index
from brandpress.pipeline.deliver.status import campaign_status
from brandpress.pipeline.deliver.verify import verify
from brandpress.pipeline.render.driver.cluster import Resources
from brandpress.pipeline.render.driver.dispatcher import SMALL_GROUP
from brandpress.pipeline.render.driver.gpu_health import MAX_DEVICE_LOSSES
from brandpress.pipeline.render.driver.host_warnings import NOT_COMPILED
from brandpress.pipeline.render.driver.outcome import NothingRenderedError, Outcome
from brandpress.pipeline.render.driver.pool_size import pool_size, threads_per_worker
from brandpress.pipeline.render.driver.run import render_campaign
from brandpress.pipeline.render.driver.shared_cause import MIN_FAILURES
from brandpress.pipeline.render.events import (
    Event,
    Planned,
    VariantRecorded,
    VariantStarted,
    Warned,
    WorkerLoaded,
    WorkerLost,
    WorkersStarting,
)
from brandpress.pipeline.render.worker.actor import RENDERER
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store
from tests.campaigns import plan_of, write_campaign, write_checkpoint

STAND_IN = "tests.stand_in:load"


def render(job: Path, on_event: Any = None, **options: Any) -> Outcome:
    options = {"renderer": STAND_IN} | options
    return render_campaign(plan_of(job), on_event=on_event or (lambda event: None), **options)


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Modification time and content of every file, keyed by path."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def assets(job: Path) -> dict[str, bytes]:
    folder = job.parent / "out" / "spring" / "assets"
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_campaign_is_rendered_delivered_and_published(ray: Resources, tmp_path: Path) -> None:
    job = write_campaign(tmp_path, 6)
    events: list[Event] = []
    outcome = render(job, events.append, workers=2)
    assert (outcome.planned, outcome.skipped, outcome.done, outcome.failed, outcome.left) == (12, 0, 12, 0, 0)
    assert outcome_exit_code(outcome) == 0
    assert events[0] == Planned(12, 0, 12)
    assert [event.workers for event in events if isinstance(event, WorkersStarting)] == [2]
    assert any(isinstance(event, WorkerLoaded) for event in events)  # the second may find nothing left to do
    assert sum(isinstance(event, VariantRecorded) for event in events) == 12
    folder = open_campaign(str(tmp_path / "out"), "spring")
    latest = read_latest(folder)
    assert latest is not None
    assert latest.pointer.manifest == outcome.manifest
    assert (latest.manifest.status, latest.manifest.brand) == ("done", "northwind")
    plan = plan_of(job)
    assert {record.name for record in read_records(folder, latest)} == {variant.name for variant in plan.variants}
    assert {record.asset for record in read_records(folder, latest)} == {variant.asset for variant in plan.variants}
    assert verify(folder).problems == ()
    assert 0 <= (outcome.outside_model or 0) <= 1
    assert outcome.cache["text"].uses == 12


def test_run_twice_renders_nothing_and_writes_nothing(ray: Resources, tmp_path: Path) -> None:
    job = write_campaign(tmp_path, 2)
    render(job)
    before = snapshot(tmp_path)
    events: list[Event] = []
    outcome = render(job, events.append)
    assert events == [Planned(4, 4, 0)]
    assert (outcome.skipped, outcome.done, outcome_exit_code(outcome)) == (4, 0, 0)
    assert snapshot(tmp_path) == before


def test_one_worker_and_two_produce_the_same_assets(ray: Resources, tmp_path: Path) -> None:
    one, two = write_campaign(tmp_path / "one", 5), write_campaign(tmp_path / "two", 5)
    render(one, workers=1)
    render(two, workers=2)
    assert assets(one) == assets(two)
    assert len(assets(one)) == 10


def test_limit_renders_that_many_and_the_next_run_the_rest(ray: Resources, tmp_path: Path) -> None:
    job = write_campaign(tmp_path, 3)
    first = render(job, limit=4)
    assert (first.done, first.left, outcome_exit_code(first)) == (4, 2, 0)
    second = render(job)
    assert (second.skipped, second.done, second.left) == (4, 2, 0)
    folder = open_campaign(str(tmp_path / "out"), "spring")
    latest = read_latest(folder)
    assert latest is not None
    assert (latest.manifest.number, latest.manifest.counts.done) == (2, 6)


def test_a_run_that_ends_late_keeps_what_another_published_meanwhile(ray: Resources, tmp_path: Path) -> None:
    job = write_campaign(tmp_path, 4)
    other_outcomes: list[Outcome] = []

    def render_meanwhile(event: Event) -> None:
        if isinstance(event, VariantRecorded) and not other_outcomes:
            other_outcomes.append(render(job, join=True))

    late = render(job, render_meanwhile, limit=2)
    assert (late.done, other_outcomes[0].skipped + other_outcomes[0].done) == (2, 8)
    latest = read_latest(open_campaign(str(tmp_path / "out"), "spring"))
    assert latest is not None
    assert latest.manifest.status == "done"


def latest_of(folder: Store) -> Published:
    latest = read_latest(folder)
    assert latest is not None
    return latest


def test_a_second_run_is_refused_while_one_is_at_work(ray: Resources, tmp_path: Path) -> None:
    job = write_campaign(tmp_path, 2)
    refused: list[str] = []

    def render_meanwhile(event: Event) -> None:
        if isinstance(event, WorkerLoaded) and not refused:
            with pytest.raises(AnotherRunError, match="another run of this campaign is at work") as error:
                render(job)
            refused.append(str(error.value))

    assert render(job, render_meanwhile).done == 4
    assert refused
    assert render(job).skipped == 4


def test_what_workers_of_a_killed_run_deliver_late_is_not_rendered_again(
    ray: Resources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They deliver after the next run has read the records, while it starts."""
    job = write_campaign(tmp_path, 2)
    plan, folder = plan_of(job), open_campaign(str(tmp_path / "out"), "spring")
    RunLease(folder, clock=lambda: datetime.now(UTC) - timedelta(hours=1))._acquire()
    acquire, late = RunLease._acquire, plan.variants[0]

    def acquire_while_a_picture_arrives(lease: RunLease) -> None:
        acquire(lease)
        deliver(folder, new_record(late, stamp_of(plan.model), "done"), late.asset, b"by the killed run")

    monkeypatch.setattr(RunLease, "_acquire", acquire_while_a_picture_arrives)
    events: list[Event] = []
    outcome = render(job, events.append)
    assert (outcome.done, outcome.failed, outcome.left) == (4, 0, 0)
    assert folder.read(late.asset) == b"by the killed run"
    started = [event.name for event in events if isinstance(event, VariantStarted)]
    assert sorted(started) == sorted(variant.name for variant in plan.variants[1:])


def test_a_run_that_ends_early_removes_no_picture_that_the_job_asks_for(ray: Resources, tmp_path: Path) -> None:
    render(write_campaign(tmp_path, {"beach": "on a beach", "snow": "in the snow"}))
    folder = open_campaign(str(tmp_path / "out"), "spring")
    before = {record.name: record for record in read_records(folder, latest_of(folder))}
    job = write_campaign(
        tmp_path, {"beach": "at the sea", "snow": "in deep snow [raise]", "city": "in a city"}, model="checkpoint"
    )
    outcome = render(job, limit=2)
    assert (outcome.done + outcome.failed, outcome.left) == (2, 4)
    latest = latest_of(folder)
    records = {record.name: record for record in read_records(folder, latest) if record.status == "done"}
    assert before.keys() <= records.keys()
    stale = {name for name, record in records.items() if record.stale}
    assert all(records[name].sha256 == before[name].sha256 for name in stale)
    counts = latest.manifest.counts
    assert (counts.planned, counts.done, counts.stale) == (6, outcome.done, len(stale))
    assert verify(folder).intact
    render(job)
    latest = latest_of(folder)
    assert latest.manifest.counts == Counts(planned=6, done=4, stale=2, failed=2, missing=0)
    failures = [record for record in read_records(folder, latest) if record.status == "failed"]
    assert {record.axes["scene"] for record in failures} == {"snow"}


def test_whole_publishes_only_complete_campaigns(ray: Resources, tmp_path: Path) -> None:
    render(write_campaign(tmp_path, 2, publish="whole"))
    folder = open_campaign(str(tmp_path / "out"), "spring")
    first = latest_of(folder)
    job = write_campaign(tmp_path, 3, publish="whole")
    part = render(job, limit=1)
    assert (part.manifest, part.withheld) == (None, "manifests/00000002/manifest.json")
    assert latest_of(folder) == first
    rest = render(job)
    assert (rest.manifest, rest.withheld) == ("manifests/00000003/manifest.json", None)


@pytest.mark.parametrize(("allowed", "published"), [(1, False), ("50%", True)])
def test_whole_with_allowed_failures(ray: Resources, tmp_path: Path, allowed: object, published: bool) -> None:
    scenes = {"beach": "on a beach", "snow": "in the snow [raise]"}
    outcome = render(write_campaign(tmp_path, scenes, publish="whole", allow_failed=allowed))
    assert (outcome.done, outcome.failed) == (2, 2)
    assert (outcome.manifest is not None) is published


def test_aliases_that_cannot_be_written_are_a_warning_and_the_next_run_writes_them(
    ray: Resources, tmp_path: Path
) -> None:
    """By then, the manifest is published."""
    job = write_campaign(tmp_path, 1, aliases=True)
    obstacle = tmp_path / "out" / "spring" / "latest"
    obstacle.parent.mkdir(parents=True)
    obstacle.write_text("a file, where a folder is needed")
    events: list[Event] = []
    outcome = render(job, events.append)
    assert (outcome.done, outcome_exit_code(outcome)) == (2, 0)
    assert outcome.manifest == latest_of(open_campaign(str(tmp_path / "out"), "spring")).pointer.manifest
    (warning,) = [event.text for event in events if isinstance(event, Warned)]
    assert warning.startswith("published, but some aliases are missing or out of date until the next run: ")
    obstacle.unlink()
    assert render(job).skipped == 2
    assert len([*obstacle.rglob("*.png")]) == 2


def test_a_campaign_among_the_aliases_does_not_end_a_run_that_is_published(ray: Resources, tmp_path: Path) -> None:
    job = write_campaign(tmp_path, 1, aliases=True)
    folder = open_campaign(str(tmp_path / "out"), "spring")
    folder.create("latest/latest.json", b"{}", "application/json")
    events: list[Event] = []
    outcome = render(job, events.append)
    assert (outcome.done, outcome.manifest) == (2, latest_of(folder).pointer.manifest)
    (warning,) = [event.text for event in events if isinstance(event, Warned)]
    assert "another campaign lies below this one, at latest" in warning


def test_another_jobs_campaign_is_not_replaced(ray: Resources, tmp_path: Path) -> None:
    job = write_campaign(tmp_path, 1)
    render(job)
    before = snapshot(tmp_path)
    copy = job.rename(tmp_path / "copy.yaml")
    with pytest.raises(ForeignCampaignError, match=r"the job file 'spring.yaml', not 'copy.yaml'"):
        render(copy)
    assert {key: value for key, value in snapshot(tmp_path).items() if "copy" not in key} == {
        key: value for key, value in before.items() if key != "spring.yaml"
    }
    assert render(copy, take_over=True).skipped == 2
    assert latest_of(open_campaign(str(tmp_path / "out"), "spring")).manifest.job == "copy.yaml"


@pytest.mark.slow
def test_pictures_that_are_deleted_during_a_run_are_rendered_again(ray: Resources, tmp_path: Path) -> None:
    job = write_campaign(tmp_path, 2)
    render(job, limit=2)
    folder = open_campaign(str(tmp_path / "out"), "spring")
    deleted: list[str] = []

    def clean_meanwhile(event: Event) -> None:
        if isinstance(event, VariantRecorded) and not deleted:
            deleted.extend(list(folder.list("assets/"))[:1])
            folder.delete(deleted[0])

    events: list[Event] = []
    outcome = render(job, lambda event: (events.append(event), clean_meanwhile(event)))
    assert deleted
    assert any(isinstance(event, Warned) and "were deleted" in event.text for event in events)
    assert (outcome.left, outcome.failed) == (0, 0)
    assert verify(folder).problems == ()
    assert latest_of(folder).manifest.status == "done"


def test_an_error_after_pictures_were_delivered_ends_the_run_early_and_publishes_them(
    ray: Resources, tmp_path: Path
) -> None:
    """Between its rounds, a run has no lease, and another one may take it."""
    job, folder = write_campaign(tmp_path, 2), open_campaign(str(tmp_path / "out"), "spring")
    events: list[Event] = []

    def interfere(event: Event) -> None:
        events.append(event)
        if isinstance(event, VariantRecorded) and sum(isinstance(one, VariantRecorded) for one in events) == 1:
            folder.delete(next(iter(folder.list("assets/"))))
        if isinstance(event, Warned) and "were deleted" in event.text:
            RunLease(folder)._acquire()

    outcome = render(job, interfere)
    assert "another run of this campaign is at work" in (outcome.ended_early or "")
    assert (outcome.done, outcome.failed, outcome.left, outcome_exit_code(outcome)) == (3, 0, 1, 3)
    assert latest_of(folder).manifest.counts == Counts(planned=4, done=3, stale=0, failed=0, missing=1)


def test_a_lost_picture_is_rendered_again_by_the_next_run(ray: Resources, tmp_path: Path) -> None:
    job = write_campaign(tmp_path, 2)
    render(job)
    folder = open_campaign(str(tmp_path / "out"), "spring")
    folder.delete(next(iter(folder.list("assets/"))))
    outcome = render(job)
    assert (outcome.skipped, outcome.done) == (3, 1)
    assert verify(folder).problems == ()


def test_a_lost_picture_that_can_not_be_rendered_again_is_a_failure(ray: Resources, tmp_path: Path) -> None:
    job = write_campaign(tmp_path, 2)
    render(job)
    folder = open_campaign(str(tmp_path / "out"), "spring")
    folder.delete(next(iter(folder.list("assets/"))))
    events: list[Event] = []
    outcome = render(job, events.append, renderer="tests.stand_in:load_failing")
    assert (outcome.skipped, outcome.done, outcome.failed, outcome_exit_code(outcome)) == (3, 0, 1, 3)
    assert not any(isinstance(event, Warned) and "were deleted" in event.text for event in events)
    assert latest_of(folder).manifest.counts == Counts(planned=4, done=3, stale=0, failed=1, missing=0)
    assert verify(folder).intact


def test_a_changed_output_name_copies_the_pictures(ray: Resources, tmp_path: Path) -> None:
    render(write_campaign(tmp_path, 2))
    job = write_campaign(tmp_path, 2, model="checkpoint", output={"name": "{{ scene }}-{{ product }}"})
    outcome = render(job)
    assert (outcome.skipped, outcome.done) == (4, 0)
    folder = open_campaign(str(tmp_path / "out"), "spring")
    records = read_records(folder, latest_of(folder))
    assert {record.name for record in records} == {variant.name for variant in plan_of(job).variants}
    assert {record.asset for record in records} == {variant.asset for variant in plan_of(job).variants}
    assert verify(folder).intact


def test_variants_that_differ_in_their_names_share_one_picture(ray: Resources, tmp_path: Path) -> None:
    """It is rendered once, delivered under each name, and a second run does nothing."""
    channels = {"web": {"text": "web", "size_hint": "wide"}, "print": "print"}
    fields: dict[str, Any] = {
        "matrix": {"product": ["mug", "bottle"], "channel": channels},
        "prompt": "{{ product.description }}",
        "output": {"name": "{{ channel }}/{{ product }}"},
    }
    job = write_campaign(tmp_path, 0, **fields)
    plan = plan_of(job)
    assert (len(plan.variants), len({variant.render_key for variant in plan.variants})) == (4, 2)
    outcome = render(job)
    assert (outcome.planned, outcome.done, outcome.failed) == (2, 2, 0)
    folder = open_campaign(str(tmp_path / "out"), "spring")
    latest = latest_of(folder)
    assert (latest.manifest.counts.planned, latest.manifest.counts.done) == (4, 4)
    records = {record.name: record for record in read_records(folder, latest)}
    assert set(records) == {"web/mug", "print/mug", "web/bottle", "print/bottle"}
    assert records["web/mug"].sha256 == records["print/mug"].sha256
    assert {record.name: record.attributes for record in records.values() if record.attributes} == {
        name: {"channel": {"size_hint": "wide"}} for name in ("web/mug", "web/bottle")
    }
    assert sorted(record.same_picture_as or "" for record in records.values()).count("") == 2
    assert verify(folder).intact
    before = snapshot(tmp_path / "out")
    again = render(job)
    assert (again.skipped, again.done, again.manifest) == (2, 0, outcome.manifest)
    assert snapshot(tmp_path / "out").keys() == before.keys()
    status = campaign_status(folder, plan.variants)
    assert (status.planned, status.done, status.missing) == (4, 4, 0)
    assert not summarise_with_store(plan).has_work
    fields["matrix"] = {"product": ["mug"], "channel": {"print": "print", "app": "app"}}
    assert render(write_campaign(tmp_path, 0, **fields, model="checkpoint")).done == 0
    records = {record.name: record for record in read_records(folder, latest_of(folder))}
    assert set(records) == {"print/mug", "app/mug"}
    assert verify(folder).intact


def test_failures_of_an_earlier_run_have_the_names_of_today(ray: Resources, tmp_path: Path) -> None:
    scenes = {"good": "here", "bad": "[raise]"}
    render(write_campaign(tmp_path, scenes, products=("mug",)))
    render(tmp_path / "spring.yaml", limit=2)
    job = write_campaign(
        tmp_path, scenes, products=("mug",), model="checkpoint", output={"name": "{{ scene }}-{{ product }}"}
    )
    outcome = render(job, limit=0)
    folder = open_campaign(str(tmp_path / "out"), "spring")
    latest = latest_of(folder)
    assert outcome.manifest == latest.pointer.manifest
    assert [from_json(line)["name"] for line in read_lines(folder, latest, "failures")] == ["bad-mug"]
    assert [failure.name for failure in campaign_status(folder, plan_of(job).variants).failures] == ["bad-mug"]
    for record in read_index(folder).others.values():
        file_record(folder, record.model_copy(update={"attempts": MAX_ATTEMPTS, "cause": "again"}))
    assert [failure.name for failure in render(job).held_back] == ["bad-mug"]


def test_a_changed_scene_renders_only_its_variants(ray: Resources, tmp_path: Path) -> None:
    render(write_campaign(tmp_path / "a", {"beach": "on a beach", "snow": "in the snow"}))
    (tmp_path / "a" / "checkpoint").rename(tmp_path / "checkpoint")
    job = write_campaign(tmp_path / "a", {"beach": "on a beach", "snow": "in deep snow"}, model="../checkpoint")
    outcome = render(job)
    assert (outcome.skipped, outcome.done) == (2, 2)


def test_failing_variants_are_named_with_their_cause_and_the_others_are_done(ray: Resources, tmp_path: Path) -> None:
    job = write_campaign(tmp_path, {"good": "here", "bad": "[raise]", "fine": "there"})
    outcome = render(job)
    assert (outcome.done, outcome.failed, outcome_exit_code(outcome)) == (4, 2, 3)
    assert [(failure.name, failure.cause) for failure in outcome.failures] == [
        ("bottle/bad", "RuntimeError: the stand-in was asked to fail"),
        ("mug/bad", "RuntimeError: the stand-in was asked to fail"),
    ]
    again = render(job)
    assert (again.skipped, again.done, again.failed) == (4, 0, 2)


def test_the_exit_code_is_4_if_all_variants_fail(ray: Resources, tmp_path: Path) -> None:
    outcome = render(write_campaign(tmp_path, {"bad": "[raise]"}))
    assert (outcome.done, outcome.failed, outcome_exit_code(outcome)) == (0, 2, 4)


def test_a_dead_worker_is_replaced_and_its_variants_are_rendered(ray: Resources, tmp_path: Path) -> None:
    scenes = {f"s{number}": "plain" if number != 2 else f"[exit once {tmp_path / 'died'}]" for number in range(5)}
    scenes = {name: f"{name} {text}" for name, text in scenes.items()}
    events: list[Event] = []
    outcome = render(write_campaign(tmp_path, scenes, products=("mug",)), events.append)
    assert (outcome.done, outcome.failed, outcome_exit_code(outcome)) == (5, 0, 0)
    assert [event for event in events if isinstance(event, WorkerLost)] == [WorkerLost("worker-0", "its process died")]
    attempts = {event.record.name: event.record.attempts for event in events if isinstance(event, VariantRecorded)}
    assert attempts["mug/s2"] == 2


def test_a_variant_that_kills_its_workers_is_given_up_and_the_others_are_done(ray: Resources, tmp_path: Path) -> None:
    scenes = {f"s{number}": f"{number} [exit]" if number == 1 else f"{number}" for number in range(6)}
    events: list[Event] = []
    outcome = render(write_campaign(tmp_path, scenes, products=("mug",)), events.append, workers=2)
    assert (outcome.done, outcome.failed, outcome_exit_code(outcome)) == (5, 1, 3)
    assert outcome.failures[0].name == "mug/s1"
    assert outcome.failures[0].cause == "its worker was lost while it was rendered: its process died (given up)"
    assert outcome.failures[0].quarantined
    assert sum(isinstance(event, WorkerLost) for event in events) == 2
    assert verify(open_campaign(str(tmp_path / "out"), "spring")).problems == ()


def named(scenes: dict[str, str]) -> dict[str, str]:
    """Prefixes each scene's text with its name, so that the texts differ."""
    return {name: f"{name} {text}" for name, text in scenes.items()}


def records_by_name(job: Path) -> dict[str, Record]:
    """The records in the store, keyed by variant name."""
    folder = open_campaign(str(job.parent / "out"), "spring")
    return {record.name: record for record in read_index(folder).records().values()}


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    ("fault", "cause", "lost"),
    [
        ("[exit]", "its worker was lost while it was rendered: its process died (given up)", 2),
        pytest.param(
            "[hang]",
            "its worker was lost while it was rendered: it made no progress within 1 s (given up)",
            2,
            marks=pytest.mark.slow,
        ),
        ("[exhaust]", "MemoryError (given up)", 0),
    ],
)
def test_a_poison_variant_is_quarantined_after_two_attempts(
    ray: Resources, tmp_path: Path, fault: str, cause: str, lost: int, workers: int
) -> None:
    job = write_campaign(tmp_path, named({"s0": "", "s1": "", "poison": fault, "s3": "", "s4": ""}), products=("mug",))
    events: list[Event] = []
    outcome = render(job, events.append, workers=workers, deadline=1.0)
    assert (outcome.done, outcome.failed, outcome_exit_code(outcome)) == (4, 1, 3)
    assert sum(isinstance(event, WorkerLost) for event in events) == lost
    assert sum(isinstance(event, WorkerLoaded) for event in events) <= workers + 2
    assert [event.name for event in events if isinstance(event, VariantStarted)].count("mug/poison") == 2
    record = records_by_name(job)["mug/poison"]
    assert (record.status, record.cause, record.attempts, record.strikes) == ("quarantined", cause, 2, 2)
    assert (record.traceback is not None) == (fault == "[exhaust]")


@pytest.mark.slow
def test_quarantined_variants_are_held_back_until_retry_failed(ray: Resources, tmp_path: Path) -> None:
    job = write_campaign(tmp_path, named({"good": "", "poison": "[exit]", "bad": "[raise]"}), products=("mug",))
    render(job)
    events: list[Event] = []
    again = render(job, events.append)
    assert events[0] == Planned(3, 1, 1, 1)
    assert (again.skipped, again.failed, len(again.held_back), again.left, outcome_exit_code(again)) == (1, 1, 1, 0, 3)
    assert not any(isinstance(event, WorkerLost) for event in events)
    events = []
    retried = render(job, events.append, retry_failed=True)
    assert events[0] == Planned(3, 1, 2)
    assert (retried.done, retried.failed, retried.held_back) == (0, 2, ())
    assert sum(isinstance(event, WorkerLost) for event in events) == 1, "the first run made it a suspect"
    records = records_by_name(job)
    assert (records["mug/poison"].status, records["mug/poison"].attempts) == ("quarantined", 3)
    assert (records["mug/bad"].status, records["mug/bad"].attempts) == ("failed", 3)
    assert "tests.stand_in" in (records["mug/bad"].traceback or "")


def test_a_failed_attempt_outlives_its_driver(ray: Resources, tmp_path: Path) -> None:
    """An earlier run, killed since then, recorded that the variant had killed a worker."""
    job = write_campaign(tmp_path, named({"good": "", "poison": "[exit]"}), products=("mug",))
    plan = plan_of(job)
    (poison,) = [variant for variant in plan.variants if variant.name == "mug/poison"]
    folder = open_campaign(str(tmp_path / "out"), "spring")
    file_record(folder, new_record(poison, stamp_of(plan.model), "failed", cause="its process died", strikes=1))
    events: list[Event] = []
    outcome = render(job, events.append)
    assert (outcome.done, outcome.failed) == (1, 1)
    assert sum(isinstance(event, WorkerLost) for event in events) == 1
    assert records_by_name(job)["mug/poison"].attempts == 2


def test_a_variant_that_ran_out_of_memory_is_retried_alone_on_a_fresh_worker(ray: Resources, tmp_path: Path) -> None:
    scenes = {f"s{number}": "" for number in range(6)} | {"large": f"[exhaust once {tmp_path / 'tried'}]"}
    job = write_campaign(tmp_path, named(scenes), products=("mug",))
    events: list[Event] = []
    outcome = render(job, events.append)
    assert (outcome.done, outcome.failed, outcome_exit_code(outcome)) == (7, 0, 0)
    assert not any(isinstance(event, WorkerLost) for event in events)
    starts = [event for event in events if isinstance(event, WorkerLoaded | VariantStarted)]
    assert [type(event) for event in starts[-2:]] == [WorkerLoaded, VariantStarted]
    assert isinstance(starts[-1], VariantStarted)
    assert starts[-1].name == "mug/large"
    assert records_by_name(job)["mug/large"].attempts == 2


LOST = "its process ended: RuntimeError: CUDA error: an illegal memory access was encountered"


def test_after_a_device_error_variants_in_flight_are_retried_on_another_worker(ray: Resources, tmp_path: Path) -> None:
    """A process that lost its GPU would fail every later picture immediately, and so attract all the work."""
    scenes = {f"s{number}": "" for number in range(12)} | {"s2": f"[lose once {tmp_path / 'lost'}]"}
    job = write_campaign(tmp_path, named(scenes), products=("mug",))
    events: list[Event] = []
    outcome = render(job, events.append, renderer="tests.stand_in:load_caching")
    assert (outcome.done, outcome.failed, outcome_exit_code(outcome)) == (12, 0, 0)
    assert [event.cause for event in events if isinstance(event, WorkerLost)] == [LOST]
    records = records_by_name(job)
    assert records["mug/s2"].attempts == 2
    processes = {record.host["device"] for record in records.values()}
    assert len(processes) == 2


@pytest.mark.slow
def test_a_variant_that_breaks_devices_is_quarantined_with_the_device_error(ray: Resources, tmp_path: Path) -> None:
    job = write_campaign(tmp_path, named({"s0": "", "poison": "[lose]", "s2": "", "s3": ""}), products=("mug",))
    outcome = render(job)
    assert (outcome.done, outcome.failed, outcome_exit_code(outcome)) == (3, 1, 3)
    record = records_by_name(job)["mug/poison"]
    assert (record.status, record.attempts, record.strikes) == ("quarantined", 2, 2)
    assert record.cause == f"its worker was lost while it was rendered: {LOST} (given up)"
    assert record.traceback is not None and "tests.stand_in" in record.traceback


@pytest.mark.slow
def test_a_gpu_that_keeps_losing_workers_gets_no_more(ray: Resources, tmp_path: Path) -> None:
    job = write_campaign(tmp_path, named({f"s{number}": "[lose]" for number in range(20)}), products=("mug",))
    events: list[Event] = []
    try:
        outcome = render(job, events.append)
    except NothingRenderedError as error:
        assert LOST in str(error)
    else:
        assert any(LOST in failure.cause for failure in outcome.failures)
    assert sum(isinstance(event, WorkerLost) for event in events) == MAX_DEVICE_LOSSES
    (warning,) = [event.text for event in events if isinstance(event, Warned)]
    assert "the last 3 ended with an error and rendered no picture" in warning


@pytest.mark.parametrize(
    ("renderer", "words", "deaths"),
    [
        ("tests.stand_in:load_nothing", "there is no checkpoint here", 1),
        ("tests.stand_in:load_and_die", "its process died while it loaded the model", 3),
        ("tests.stand_in:no_such_function", "AttributeError", 3),
    ],
)
def test_a_model_that_cannot_load_stops_the_run_with_its_error(
    ray: Resources, tmp_path: Path, renderer: str, words: str, deaths: int
) -> None:
    events: list[Event] = []
    with pytest.raises(NothingRenderedError, match=words):
        render(write_campaign(tmp_path, 2), events.append, renderer=renderer)
    assert sum(isinstance(event, WorkerLost) for event in events) == deaths
    assert not [path for path in (tmp_path / "out" / "spring").rglob("*") if path.is_file()]


def test_a_hosted_tier_is_one_worker_without_a_gpu_that_reports_failures_and_cost(
    ray: Resources, tmp_path: Path
) -> None:
    scenes = {f"s{number}": f"{number}" for number in range(20)}
    scenes |= {"good": "here", "bad": "[refuse]", "worse": "[raise]"}
    job = write_campaign(tmp_path, scenes, model={"base": "flux.2-flex", "region": "eu"}, upsample=True)
    events: list[Event] = []
    outcome = render(job, events.append, renderer="tests.stand_in:load_hosted")
    assert (outcome.planned, outcome.done, outcome.failed, outcome_exit_code(outcome)) == (46, 42, 4, 3)
    assert outcome.cost == 42 * 4.5
    assert {failure.name: failure.cause for failure in outcome.failures} == {
        "bottle/bad": "the stand-in was asked to refuse",
        "bottle/worse": "the stand-in was asked to fail",
        "mug/bad": "the stand-in was asked to refuse",
        "mug/worse": "the stand-in was asked to fail",
    }
    assert [event for event in events if isinstance(event, WorkersStarting)] == [WorkersStarting(1, False, 1)]
    folder = open_campaign(str(tmp_path / "out"), "spring")
    latest = read_latest(folder)
    assert latest is not None
    records = {record.name: record for record in read_records(folder, latest)}
    assert records["mug/s1"].prompt_upsampled == "a mug 1, rewritten"
    assert (records["mug/s1"].cost, records["mug/bad"].cost) == (4.5, None)
    assert verify(folder).problems == ()


def test_a_worker_that_offloads_gets_large_groups(ray: Resources, tmp_path: Path) -> None:
    """32 variants of both products; without offloading at most 20 of one product."""
    job = write_campaign(tmp_path, 20)
    outcome = render(job, renderer="tests.stand_in:load_offloading")
    assert outcome.done == 40
    records = [json.loads(file.read_bytes()) for file in (tmp_path / "out" / "spring" / "records").iterdir()]
    assert max(record["cache"]["group"] for record in records) == 32
    assert {record["host"]["residency"] for record in records} == {"turns"}


def test_a_composed_model_reaches_its_worker(ray: Resources, tmp_path: Path) -> None:
    """The stand-in reports its load options as its device."""
    checkpoint = write_checkpoint(tmp_path / "checkpoint")
    lora = tmp_path / "style.safetensors"
    lora.write_bytes(struct.pack("<Q", 2) + b"{}")
    model = {"base": "checkpoint", "loras": [{"file": "style.safetensors", "scale": 0.5}], "quantise": "fp8"}
    outcome = render(write_campaign(tmp_path, 1, model=model), renderer="tests.stand_in:load_composed")
    assert (outcome.done, outcome.failed) == (2, 0)
    folder = open_campaign(str(tmp_path / "out"), "spring")
    latest = read_latest(folder)
    assert latest is not None
    assert (latest.manifest.model.quantisation, latest.manifest.model.loras[0].file) == ("fp8", "style.safetensors")
    (record, _) = read_records(folder, latest)
    assert record.host["device"] == f"{checkpoint} [('{lora}', 0.5)] fp8"


@pytest.mark.parametrize(
    ("renderer", "compile", "warnings"),
    [
        pytest.param("tests.stand_in:load_compiled", True, 0, marks=pytest.mark.slow),
        (STAND_IN, True, 1),
        pytest.param(STAND_IN, False, 0, marks=pytest.mark.slow),
    ],
)
def test_a_missing_compiler_is_warned_about_once(
    ray: Resources, tmp_path: Path, renderer: str, compile: bool, warnings: int
) -> None:
    events: list[Event] = []
    job = write_campaign(tmp_path, {f"s{number}": f"{number} [meet {tmp_path / 'workers'}]" for number in range(8)})
    outcome = render(job, events.append, renderer=renderer, compile=compile, workers=2)
    assert outcome.done == 16
    assert sum(isinstance(event, WorkerLoaded) for event in events) == 2
    assert [event for event in events if isinstance(event, Warned)] == [Warned(NOT_COMPILED)] * warnings
    folder = open_campaign(str(tmp_path / "out"), "spring")
    latest = read_latest(folder)
    assert latest is not None
    hosts = [record.host for record in read_records(folder, latest)]
    assert all(("compiled" in host) == (compile and not warnings) for host in hosts)


def test_a_renderer_that_refuses_all_further_variants_ends_the_run(ray: Resources, tmp_path: Path) -> None:
    scenes = {f"s{number:02}": f"{number:02}{' [account]' if number > 4 else ''}" for number in range(30)}
    job = write_campaign(tmp_path, scenes, products=("mug",))
    outcome = render(job)
    assert (outcome.done, outcome.failed, outcome.left, outcome_exit_code(outcome)) == (5, 0, 25, 3)
    assert outcome.ended_early == "the stand-in has no credits left"
    folder = open_campaign(str(tmp_path / "out"), "spring")
    assert latest_of(folder).manifest.counts == Counts(planned=30, done=5, stale=0, failed=0, missing=25)
    with pytest.raises(NothingRenderedError, match="the stand-in has no credits left"):
        render(job)
    assert read_index(folder).others == {}, "no variant has used up an attempt"


def test_a_shared_cause_ends_the_run(ray: Resources, tmp_path: Path) -> None:
    job = write_campaign(tmp_path, {f"s{number:03}": f"{number} [raise]" for number in range(250)})
    with pytest.raises(NothingRenderedError, match="for the same reason: RuntimeError: the stand-in was asked to fail"):
        render(job)
    failed = read_index(open_campaign(str(tmp_path / "out"), "spring")).others
    assert MIN_FAILURES <= len(failed) <= 4 * SMALL_GROUP


def test_a_hosted_tier_without_a_key_is_told_before_ray_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BFL_API_KEY", raising=False)
    job, events = write_campaign(tmp_path, 2, model="flux.2-flex"), list[Event]()
    with pytest.raises(HostedError, match="BFL_API_KEY isn't set"):
        render(job, events.append, renderer=RENDERER)
    assert not any(isinstance(event, WorkersStarting) for event in events)
    assert not (tmp_path / "out").exists() or not [*(tmp_path / "out").rglob("*.json")]


def test_a_hosted_tier_has_nothing_to_compile(tmp_path: Path) -> None:
    job = write_campaign(tmp_path, 1, model="flux.2-flex")
    with pytest.raises(
        RequestError, match=r"--compile: flux\.2-flex is rendered by BFL, which compiles nothing; remove the option"
    ):
        render(job, compile=True)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("workers", "gpus", "variants", "size"),
    [(None, 0, 24, 1), (None, 8, 24, 8), (None, 8, 3, 3), (3, 0, 24, 3), (2, 8, 24, 2), (5, 0, 2, 2)],
)
def test_pool_size(workers: int | None, gpus: int, variants: int, size: int) -> None:
    assert pool_size(workers, Resources(cpus=16, gpus=gpus), variants) == size


@pytest.mark.parametrize(
    ("workers", "gpus", "per_gpu", "size"), [(None, 2, 4, 8), (None, 2, 16, 24), (5, 2, 4, 5), (8, 2, 4, 8)]
)
def test_pool_size_with_shared_gpus(workers: int | None, gpus: int, per_gpu: int, size: int) -> None:
    assert pool_size(workers, Resources(cpus=16, gpus=gpus), 24, per_gpu) == size


@pytest.mark.parametrize(
    ("workers", "gpus", "per_gpu", "message"),
    [
        (3, 2, 1, "--workers 3: each needs a GPU, and Ray has 2; allowed: 1 to 2"),
        (9, 2, 4, "--workers 9: 4 share a GPU, and Ray has 2; allowed: 1 to 8"),
        (
            None,
            0,
            2,
            "--workers-per-gpu 2: Ray has no GPU that workers could share; remove the option, or set --workers to run",
        ),
    ],
)
def test_more_workers_than_fit_the_gpus_are_refused(workers: int | None, gpus: int, per_gpu: int, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        pool_size(workers, Resources(cpus=16, gpus=gpus), 24, per_gpu)


@pytest.mark.parametrize(
    ("model", "per_gpu", "message"),
    [
        (
            "flux.2-flex",
            2,
            r"--workers-per-gpu: flux\.2-flex is rendered by BFL and uses no local GPU; remove",
        ),
        ("nano", 0, "--workers-per-gpu 0: out of range; allowed: 1 to 16"),
        ("nano", 17, "--workers-per-gpu 17: out of range; allowed: 1 to 16"),
    ],
)
def test_workers_per_gpu_is_checked(tmp_path: Path, model: str, per_gpu: int, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        render(write_campaign(tmp_path, 1, model=model), workers_per_gpu=per_gpu)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("omp_num_threads", "workers", "threads"),
    [("", 1, 4), ("", 2, 2), ("", 8, 1), ("1", 1, 1), ("3", 2, 2), ("zero", 4, 1)],
)
def test_threads_per_worker(monkeypatch: pytest.MonkeyPatch, omp_num_threads: str, workers: int, threads: int) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", omp_num_threads)
    monkeypatch.setattr("brandpress.pipeline.render.driver.pool_size.available_cpus", lambda: 4)
    assert threads_per_worker(workers, Resources(cpus=4, gpus=0)) == threads


@pytest.mark.slow
def test_a_driver_that_stalls_dismisses_nobody_whose_picture_is_done(ray: Resources, tmp_path: Path) -> None:
    """The driver is busy for longer than the deadline; the workers' pictures take a fraction of it."""
    events: list[Event] = []

    def stall(event: Event) -> None:
        events.append(event)
        if isinstance(event, VariantStarted) and sum(isinstance(past, VariantStarted) for past in events) in (1, 4):
            time.sleep(3)

    job = write_campaign(tmp_path, named({f"s{number}": "[sleep 0.3]" for number in range(8)}), products=("mug",))
    outcome = render(job, stall, deadline=1.0)
    assert (outcome.done, outcome.failed) == (8, 0)
    assert not any(isinstance(event, WorkerLost) for event in events)


def test_cpu_is_refused_where_it_means_nothing(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"--cpu: flux\.2-flex is rendered by BFL and uses no local GPU; remove"):
        render(write_campaign(tmp_path / "a", 1, model="flux.2-flex"), cpu=True)
    with pytest.raises(RequestError, match="--workers-per-gpu 2: --cpu uses no GPU; remove one of the options"):
        render(write_campaign(tmp_path / "b", 1), cpu=True, workers_per_gpu=2)


@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan"])
def test_a_resource_timeout_that_is_no_time_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("BRANDPRESS_RESOURCE_TIMEOUT", text)
    with pytest.raises(RequestError, match=f"BRANDPRESS_RESOURCE_TIMEOUT: '{text}' is no time; allowed: a number of"):
        render(write_campaign(tmp_path, 1))
