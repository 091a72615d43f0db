"""Runs with a quality gate: pictures with planted grain are blocked, rendered again, and recorded."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from brandpress.pipeline.deliver.admission import Admission
from brandpress.pipeline.deliver.aliases import update_aliases
from brandpress.pipeline.deliver.author import Author, now
from brandpress.pipeline.deliver.choose import approve, published_pictures, reject
from brandpress.pipeline.deliver.clean import delete_garbage, find_garbage
from brandpress.pipeline.deliver.decided_plan import open_plan
from brandpress.pipeline.deliver.decisions import Decision, Verdict, write_decision
from brandpress.pipeline.deliver.manifest import Manifest, PartKind, read_fields, read_latest
from brandpress.pipeline.deliver.plan_summary import summarise_with_store
from brandpress.pipeline.deliver.repair import repair
from brandpress.pipeline.deliver.status import campaign_status
from brandpress.pipeline.deliver.verify import verify
from brandpress.pipeline.plan.summary import Summary
from brandpress.pipeline.render.driver import gate_rounds
from brandpress.pipeline.render.driver.gate_rounds import GateRounds
from brandpress.pipeline.render.driver.run_results import RunResults
from brandpress.pipeline.render.events import VariantRecorded
from brandpress.pipeline.review.measures.noise import Noise
from brandpress.pipeline.review.picture_gate import CampaignGate
from brandpress.pipeline.review.sample import Sample
from brandpress.pipeline.review.score import Score
from brandpress.pipeline.review.stored_scores import read_scores
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store, StoreError
from brandpress.pipeline.store.wrapper import StoreWrapper
from tests import gated_runs, stand_in
from tests.campaigns import plan_of, write_campaign
from tests.gated_runs import run_gated
from tests.pipeline.deliver.records import MODEL, record

SCENES = {"beach": "on a beach", "snow": "in snow [grain 0]", "hail": "in hail [grain 0,1]", "dust": "[grain 0,1,2]"}
"""Of each product, one picture passes, one its first retry, one its second retry, and one never does."""
GRAIN_LIMIT = 0.01


def write_job(folder: Path, **gate: Any) -> Path:
    """Writes a job whose gate blocks grain and allows two retries."""
    fields = {"publish": gate.pop("publish")} if "publish" in gate else {}
    quality_gate = {"measures": {"noise": GRAIN_LIMIT}, "retries": 2, **gate}
    return write_campaign(folder, SCENES, products=("mug",), quality_gate=quality_gate, **fields)


def summary_of(job: Path) -> Summary:
    return summarise_with_store(plan_of(job))


def folder_of(job: Path) -> Store:
    return open_campaign(str(job.parent / "out"), "spring")


def manifest_of(job: Path) -> Manifest:
    latest = read_latest(folder_of(job))
    assert latest is not None
    return latest.manifest


def listed(job: Path, kind: PartKind = "variants") -> dict[str, dict[str, Any]]:
    """Returns the fields of the latest manifest's records, keyed by scene."""
    latest = read_latest(folder_of(job))
    assert latest is not None
    return {fields["axes"]["scene"]: fields for fields in read_fields(folder_of(job), latest, kind)}


def seeds(job: Path) -> dict[str, int]:
    return {scene: fields["seed"] for scene, fields in listed(job).items()}


def decide(job: Path, scene: str, decision: Verdict) -> None:
    """Decides about a picture that is published or waits for an approval."""
    fields = (listed(job) | listed(job, "unapproved"))[scene]

    write_decision(
        folder_of(job),
        Decision(
            name=fields["name"],
            render_key=fields["render_key"],
            sha256=fields["sha256"],
            decision=decision,
            by="ana",
            at=now(),
        ),
    )


def test_blocked_pictures_are_rendered_again_and_all_attempts_are_recorded(tmp_path: Path) -> None:
    job = write_job(tmp_path)
    outcome = run_gated(job)
    assert (outcome.counts.done, outcome.counts.skipped, outcome.counts.failures) == (4, 0, ())
    gate = outcome.gate
    assert (gate.judged, gate.retried, gate.flagged, gate.unchecked) == (1 + 2 + 3 + 3, 5, 1, 0)
    pictures = listed(job)
    passed = {scene: (fields["verdict"]["outcome"], fields["seed"]) for scene, fields in pictures.items()}
    assert passed.pop("dust")[0] == "block"
    assert passed == {"beach": ("pass", 0), "snow": ("pass", 1), "hail": ("pass", 2)}
    attempts = {scene: [one["seed"] for one in fields.get("gate_attempts", ())] for scene, fields in pictures.items()}
    assert attempts == {"beach": [], "snow": [0], "hail": [0, 1], "dust": [0, 1, 2]}
    first = pictures["snow"]["gate_attempts"][0]
    assert folder_of(job).read(first["asset"]) is not None
    assert first["reasons"][0]["measure"] == "noise"
    assert first["reasons"][0]["value"] > GRAIN_LIMIT
    assert read_scores(folder_of(job), [first["sha256"]])[first["sha256"]][0].value == first["reasons"][0]["value"]
    worst = [one["reasons"][0]["value"] for one in pictures["dust"]["gate_attempts"]]
    assert pictures["dust"]["verdict"]["reasons"][0]["value"] == min(worst)
    assert verify(folder_of(job)).problems == ()


def test_each_picture_is_measured_once_ahead_or_when_it_is_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure, measured = Noise.__call__, list[str]()

    def counted(noise: Noise, sample: Sample) -> Sequence[Score]:
        measured.append(sample.file_sha256)
        return measure(noise, sample)

    monkeypatch.setattr(Noise, "__call__", counted)
    run = run_gated(write_job(tmp_path))
    assert len(measured) == len(set(measured)) == len(run.rendered) == run.gate.judged


def test_a_run_that_ends_does_not_wait_long_for_a_store_that_is_out_of_reach(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The judge would try again for a quarter of an hour; measuring ahead only saves time."""
    monkeypatch.setattr(gate_rounds, "AHEAD_SECONDS", 0.5)
    requests = threading.Semaphore(0)

    class OutOfReach(StoreWrapper):
        def read(self, key: str) -> bytes | None:
            requests.release()
            raise StoreError(f"{key}: no answer", "transient")

    folder, plan = open_plan(plan_of(write_job(tmp_path)))
    rounds = GateRounds(CampaignGate.of(plan), RunResults(folder, MODEL), None, None, lambda event: None)
    with rounds.measuring_ahead(OutOfReach(folder)) as on_event:
        on_event(VariantRecorded(record(0, asset="assets/a.png", sha256="0" * 64)))
        assert requests.acquire(timeout=60)
        ended = time.monotonic()
    assert time.monotonic() - ended < 60
    assert requests.acquire(blocking=False), "it was asked again"


def test_a_second_run_renders_judges_and_writes_nothing(tmp_path: Path) -> None:
    job = write_job(tmp_path)
    before = run_gated(job).manifest
    summary = summary_of(job)
    assert (summary.to_render, summary.unpublished, summary.removals, summary.has_work) == (0, 0, 0, False)
    files = sorted(map(str, tmp_path.rglob("*")))
    outcome = run_gated(job)
    counts = outcome.counts
    assert (counts.skipped, counts.done, outcome.gate.judged, outcome.manifest) == (4, 0, 0, before)
    assert sorted(map(str, tmp_path.rglob("*"))) == files


def test_one_worker_and_two_come_to_the_same_manifest(tmp_path: Path) -> None:
    one, two = write_job(tmp_path / "one"), write_job(tmp_path / "two")
    run_gated(one)
    run_gated(two, order=-1)
    assert manifest_of(one).digest == manifest_of(two).digest
    for scene, fields in listed(one).items():
        assert (fields["verdict"], fields.get("gate_attempts")) == (
            listed(two)[scene]["verdict"],
            listed(two)[scene].get("gate_attempts"),
        )


def test_a_limited_run_goes_on_where_it_was_and_ends_at_the_same_manifest(tmp_path: Path) -> None:
    whole, limited = write_job(tmp_path / "whole"), write_job(tmp_path / "limited")
    run_gated(whole)
    rendered: list[tuple[str, int]] = []
    for _ in range(9):
        rendered += run_gated(limited, limit=1).rendered
    assert len(set(rendered)) == len(rendered) == 9
    assert manifest_of(limited).digest == manifest_of(whole).digest
    assert listed(limited)["dust"]["verdict"] == listed(whole)["dust"]["verdict"]


def test_plan_and_status_know_what_the_gate_will_render_again(tmp_path: Path) -> None:
    job = write_job(tmp_path)
    run_gated(job, limit=4)
    summary = summary_of(job)
    assert summary.to_render == 3
    assert summary.has_work
    folder, plan = open_plan(plan_of(job))
    status = campaign_status(folder, plan.variants, admission=Admission.of(folder, plan))
    assert (status.done, status.missing, status.unchecked) == (1, 3, 0)
    assert seeds(job) == {"beach": 0}  # what is blocked isn't published before its last retry


@pytest.mark.parametrize(("on_fail", "kind"), [("drop", "dropped"), ("fail", "failures")])
def test_what_stays_blocked_is_dropped_or_failed(tmp_path: Path, on_fail: str, kind: PartKind) -> None:
    job = write_job(tmp_path, on_fail=on_fail)
    outcome = run_gated(job)
    assert outcome.counts.done == 3
    assert set(listed(job)) == {"beach", "snow", "hail"}
    [dust] = listed(job, kind).values()
    assert len(dust["gate_attempts"]) == 3
    counts = manifest_of(job).counts
    if on_fail == "drop":
        assert (outcome.gate.failed, outcome.gate.dropped, counts.dropped, counts.failed) == (0, 1, 1, 0)
        assert manifest_of(job).status == "done"
    else:
        [failure] = outcome.counts.failures
        assert (outcome.gate.failed, counts.failed, manifest_of(job).status) == (1, 1, "partial")
        assert failure.cause.startswith("the quality gate blocks it: noise: ")
        assert (dust["name"], dust["cause"]) == (failure.name, failure.cause)
    summary = summary_of(job)
    assert (summary.has_work, summary.held_back, summary.done) == (False, 1, 3)
    assert verify(folder_of(job)).problems == ()
    again = run_gated(job)
    assert (again.counts.done, again.manifest) == (0, outcome.manifest)


def test_an_approval_lets_a_dropped_picture_in(tmp_path: Path) -> None:
    job = write_job(tmp_path, on_fail="drop")
    run_gated(job)
    [dust] = listed(job, "dropped").values()
    decision = Decision(
        name=dust["name"],
        render_key=dust["render_key"],
        sha256=dust["sha256"],
        decision="approved",
        by="ana",
        at=now(),
    )
    write_decision(folder_of(job), decision)
    assert summary_of(job).unpublished == 1
    outcome = run_gated(job)
    assert outcome.counts.done == 0
    assert listed(job)["dust"]["sha256"] == dust["sha256"]


def test_a_rejected_picture_is_replaced_in_the_manifest_by_the_next_run(tmp_path: Path) -> None:
    job = write_job(tmp_path)
    run_gated(job)
    before = listed(job)["snow"]
    reject(folder_of(job), [before["name"]], Author("ana", "the star is wrong", now()))
    assert summary_of(job).to_render == 1
    outcome = run_gated(job)
    assert outcome.counts.done == 1
    after = listed(job)["snow"]
    assert (after["seed"], after["verdict"]["outcome"]) == (before["seed"] + 1, "pass")
    assert after["sha256"] != before["sha256"]


def test_looser_thresholds_judge_again_from_the_stored_scores(tmp_path: Path) -> None:
    job = write_job(tmp_path)
    run_gated(job)
    job = write_job(tmp_path, measures={"noise": 1.0})
    assert summary_of(job).unpublished == 4  # to be judged under other rules
    outcome = run_gated(job)
    assert (outcome.counts.done, outcome.gate.judged, outcome.gate.flagged) == (0, 4, 0)
    assert seeds(job) == {"beach": 0, "snow": 0, "hail": 0, "dust": 0}


def test_a_job_that_loses_its_gate_publishes_first_seeds_without_verdicts(tmp_path: Path) -> None:
    job = write_job(tmp_path)
    run_gated(job)
    job = write_campaign(tmp_path, SCENES, products=("mug",))
    run_gated(job, gate=False)
    assert seeds(job) == {"beach": 0, "snow": 0, "hail": 0, "dust": 0}
    assert not any("verdict" in fields or "gate_attempts" in fields for fields in listed(job).values())


def test_without_the_gate_pictures_that_it_hasnt_judged_stay_unpublished(tmp_path: Path) -> None:
    job = write_job(tmp_path)
    outcome = run_gated(job, gate=False)
    assert outcome.manifest is None
    assert outcome.gate.unchecked == 4
    assert summary_of(job).unpublished == 4
    assert len(run_gated(job).rendered) == 5  # what the gate blocks


def test_attempts_are_kept_by_clean_as_long_as_the_job_or_a_manifest_has_them(tmp_path: Path) -> None:
    job = write_job(tmp_path)
    run_gated(job)
    folder, plan = open_plan(plan_of(job))
    later = 2e9
    own = (*plan.variants, *plan.attempted)
    assert find_garbage(folder, own, now=later, keep=1, hours=0).entries == ()
    assert find_garbage(folder, plan.variants, now=later, keep=1, hours=0).entries == ()
    latest = tmp_path / "out" / "spring" / "latest.json"
    latest.unlink()
    for manifest in (tmp_path / "out" / "spring" / "manifests").rglob("manifest.json"):
        manifest.unlink()
    keys = {entry.key.split("/")[0] for entry in find_garbage(folder, (), now=later, keep=1, hours=0).entries}
    assert keys == {"assets", "records", "parts", "reviews"}


def test_a_lost_picture_is_repaired_without_another_verdict(tmp_path: Path) -> None:
    job = write_job(tmp_path)
    run_gated(job)
    snow = listed(job)["snow"]
    folder = folder_of(job)
    folder.delete(f"records/{snow['render_key']}.json")
    assert repair(folder, verify(folder)).rewritten
    assert verify(folder).problems == ()
    assert b"verdict" not in (folder.read(f"records/{snow['render_key']}.json") or b"")


def test_only_approved_pictures_are_published_if_the_job_says_so(tmp_path: Path) -> None:
    job = write_job(tmp_path, publish="approved")
    outcome = run_gated(job)
    assert outcome.manifest is not None  # it lists what waits for an approval
    assert (listed(job), len(listed(job, "unapproved"))) == ({}, 4)
    assert (summary_of(job).has_work, manifest_of(job).counts.unapproved) == (False, 4)
    decide(job, "beach", "approved")
    decide(job, "snow", "picked")
    assert summary_of(job).unpublished == 2
    assert run_gated(job).counts.done == 0
    assert set(listed(job)) == {"beach", "snow"}
    assert manifest_of(job).counts.unapproved == 2


def test_an_approval_lapses_when_the_picture_changes(tmp_path: Path) -> None:
    job = write_job(tmp_path, publish="approved")
    run_gated(job)
    decide(job, "beach", "approved")
    run_gated(job)
    before = listed(job)["beach"]
    job.write_text(job.read_text().replace("on a beach", "on a sunny beach"))
    assert run_gated(job).counts.done == 1
    assert listed(job)["beach"] == before | {"stale": True}  # until the new picture is approved
    assert listed(job, "unapproved")["beach"]["sha256"] != before["sha256"]
    decide(job, "beach", "rejected")  # the new one: the earlier stays, and the next seed is rendered
    assert run_gated(job).counts.done == 1
    assert listed(job)["beach"] == before | {"stale": True}
    assert listed(job, "unapproved")["beach"]["seed"] == 1


def test_an_approval_that_is_taken_back_removes_the_picture(tmp_path: Path) -> None:
    job = write_job(tmp_path, publish="approved")
    run_gated(job)
    decide(job, "beach", "approved")
    run_gated(job)
    decide(job, "beach", "rejected")
    run_gated(job)
    assert listed(job) == {}


def test_approved_whole_waits_for_all_approvals(tmp_path: Path) -> None:
    job = write_job(tmp_path, publish="approved-whole")
    outcome = run_gated(job)
    assert outcome.manifest is None
    assert outcome.publication is not None
    names = [variant.name for variant in plan_of(job).variants]
    folder = folder_of(job)
    pictures = published_pictures(folder)
    assert sorted(one.name for one in pictures) == sorted(names)
    for picture in pictures:
        write_decision(
            folder,
            Decision(
                name=picture.name,
                render_key=picture.render_key,
                sha256=picture.sha256,
                decision="approved",
                by="ana",
                at=now(),
            ),
        )
    assert run_gated(job).manifest is not None
    assert len(listed(job)) == 4


def write_scenes(folder: Path, scenes: dict[str, str], **gate: Any) -> Path:
    """Writes a job with these scenes, whose gate blocks grain and drops what it blocks."""
    quality_gate = {"measures": {"noise": GRAIN_LIMIT}, "on_fail": "drop", **gate}
    return write_campaign(folder, scenes, products=("mug",), quality_gate=quality_gate)


def lose(job: Path, scene: str) -> dict[str, Any]:
    """Deletes a published picture and its record, and returns its fields."""
    fields = listed(job)[scene]
    folder_of(job).delete(fields["asset"])
    folder_of(job).delete(f"records/{fields['render_key']}.json")
    return fields


def draw_grain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes all pictures grainy, as another GPU would that draws other files."""
    draw = stand_in.draw
    monkeypatch.setattr(stand_in, "draw", lambda request: stand_in.with_grain(draw(request), 60.0, request.seed))


@pytest.mark.parametrize("on_fail", ["drop", "fail"])
def test_pictures_are_taken_back_even_if_the_gate_blocks_all_of_them(tmp_path: Path, on_fail: str) -> None:
    scenes = {"dust": "[grain 0]"}
    run_gated(write_scenes(tmp_path, scenes, measures={"noise": 2.0}))
    job = write_scenes(tmp_path, scenes, on_fail=on_fail)
    folder = folder_of(job)
    assert len(update_aliases(folder).written) == len(listed(job)) == 1
    assert summary_of(job).has_work
    assert run_gated(job).manifest is not None
    assert listed(job) == {}
    assert update_aliases(folder).removed != ()
    again = run_gated(job)
    assert (again.manifest, summary_of(job).has_work) == ("manifests/00000002/manifest.json", False)


def test_a_blocked_picture_is_taken_back_before_its_retry_is_rendered(tmp_path: Path) -> None:
    scenes = {"dust": "[grain 0]"}
    run_gated(write_scenes(tmp_path, scenes, measures={"noise": 2.0}))
    job = write_scenes(tmp_path, scenes, retries=1)
    run_gated(job, limit=0)
    assert (listed(job), manifest_of(job).counts.missing) == ({}, 1)


def test_what_the_gate_drops_in_a_first_run_can_be_reviewed(tmp_path: Path) -> None:
    job = write_scenes(tmp_path, {"dust": "[grain 0]"})
    run_gated(job)
    assert (listed(job), set(listed(job, "dropped"))) == ({}, {"dust"})
    approve(folder_of(job), [listed(job, "dropped")["dust"]["name"]], Author("ana", "", now()))
    run_gated(job)
    assert set(listed(job)) == {"dust"}


def test_a_run_follows_what_another_run_has_judged_and_rendered_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = write_scenes(tmp_path, {"beach": "on a beach", "snow": "in snow [grain 0]"}, retries=1)
    judge, others = CampaignGate.judge, iter([job])

    def judge_after_another_run(gate: CampaignGate, *arguments: Any) -> int:
        for other in others:
            run_gated(other)
        return judge(gate, *arguments)

    monkeypatch.setattr(CampaignGate, "judge", judge_after_another_run)
    outcome = run_gated(job)
    assert sorted(outcome.rendered) == [("beach", 0), ("snow", 0)]
    assert (outcome.gate.judged, outcome.gate.unchecked) == (0, 0)
    assert seeds(job) == {"beach": 0, "snow": 1}
    assert not any("stale" in fields for fields in listed(job).values())


def test_what_another_run_has_published_is_not_replaced_by_older_verdicts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = write_scenes(tmp_path, {"beach": "on a beach", "snow": "in snow [grain 0]"}, retries=1)
    publish, others = gated_runs.publish_index, iter([job])

    def publish_after_another_run(*arguments: Any) -> Any:
        for other in others:
            run_gated(other)
        return publish(*arguments)

    monkeypatch.setattr(gated_runs, "publish_index", publish_after_another_run)
    run_gated(job, gate=False)
    assert seeds(job) == {"beach": 0, "snow": 1}
    assert not any("stale" in fields for fields in listed(job).values())


@pytest.mark.parametrize("decision", ["approved", "picked"])
def test_an_approval_is_about_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, decision: Verdict) -> None:
    job = write_scenes(tmp_path, {"beach": "on a beach"})
    run_gated(job)
    decide(job, "beach", decision)
    before = lose(job, "beach")
    run_gated(job)  # the same file is still approved
    assert listed(job)["beach"]["sha256"] == before["sha256"]
    lose(job, "beach")
    draw_grain(monkeypatch)
    outcome = run_gated(job)
    assert (outcome.gate.judged, outcome.gate.dropped) == (1, 1)
    assert (listed(job), set(listed(job, "dropped"))) == ({}, {"beach"})


def test_another_file_than_the_approved_one_is_not_published_without_the_gate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = write_scenes(tmp_path, {"beach": "on a beach"})
    run_gated(job)
    decide(job, "beach", "approved")
    lose(job, "beach")
    draw_grain(monkeypatch)
    assert run_gated(job, gate=False).gate.unchecked == 1
    summary = summary_of(job)
    assert (summary.has_work, summary.unpublished) == (True, 1)


def test_the_verdict_on_the_present_file_counts_whichever_came_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = write_scenes(tmp_path, {"beach": "on a beach"})
    run_gated(job)
    with monkeypatch.context() as elsewhere:
        lose(job, "beach")
        draw_grain(elsewhere)
        run_gated(job)
    [grainy] = listed(job, "dropped").values()
    folder_of(job).delete(grainy["asset"])
    folder_of(job).delete(f"records/{grainy['render_key']}.json")
    run_gated(job)
    again = run_gated(job)
    assert (again.gate.judged, again.gate.dropped, listed(job)["beach"]["verdict"]["outcome"]) == (0, 0, "pass")


@pytest.mark.parametrize("on_fail", ["drop", "fail"])
def test_a_rejected_picture_does_not_stay_if_its_replacements_are_blocked(tmp_path: Path, on_fail: str) -> None:
    job = write_scenes(tmp_path, {"beach": "on a beach", "snow": "in snow [grain 1,2]"}, retries=1, on_fail=on_fail)
    run_gated(job)
    decide(job, "snow", "rejected")
    run_gated(job, limit=0)
    assert listed(job)["snow"]["stale"]  # until its replacement is rendered
    run_gated(job)
    assert set(listed(job)) == {"beach"}


def test_clean_keeps_what_leads_to_the_present_picture(tmp_path: Path) -> None:
    job = write_scenes(tmp_path, {"snow": "in snow [grain 0]"}, retries=1)
    run_gated(job)
    decide(job, "snow", "rejected")
    assert run_gated(job).rendered == [("snow", 2)]
    folder, plan = open_plan(plan_of(job))
    assert [one.seed for one in plan.passed] == [0, 1]
    own = (*plan.variants, *plan.picked_out, *plan.passed)
    for _ in delete_garbage(folder, find_garbage(folder, own, now=time.time() + 10, keep=1, hours=0)):
        pass
    assert run_gated(job).rendered == []
    assert seeds(job) == {"snow": 2}


def test_an_approved_retry_outlasts_a_smaller_number_of_retries(tmp_path: Path) -> None:
    scenes = {"beach": "on a beach", "snow": "in snow [grain 0]"}
    run_gated(write_scenes(tmp_path, scenes, retries=1))
    job = write_scenes(tmp_path, scenes, retries=0)
    decide(job, "snow", "approved")
    assert run_gated(job).rendered == []
    assert seeds(job) == {"beach": 0, "snow": 1}
