"""A repair copies what it can, lets a run render the rest, and says what it did; with runs that render nothing."""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import replace
from pathlib import Path

import pytest

from brandpress.pipeline.deliver.decided_plan import open_plan
from brandpress.pipeline.deliver.record import Record
from brandpress.pipeline.deliver.repair import Repair
from brandpress.pipeline.deliver.verify import verify
from brandpress.pipeline.render.driver.restore import MAX_ROUNDS, lost_variants, restore
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store
from tests.campaigns import plan_of, write_campaign
from tests.pipeline.deliver.records import record
from tests.runs import listed, run_of

Run = Callable[[Repair], Set[str] | None]


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """A campaign of four pictures, delivered."""
    job = write_campaign(tmp_path, 2)
    run_of(job)
    return job


@pytest.fixture
def folder(job: Path) -> Store:
    return open_campaign(str(job.parent / "out"), "spring")


def runs(job: Path, salt: str = "") -> Run:
    """Returns a run that delivers what is lost. salt: changes the content of the pictures."""

    def run(lost: Repair) -> Set[str]:
        names = {variant.name for variant in lost_variants(*open_plan(plan_of(job)), lost)}
        return set(run_of(job, only=names, salt=salt)[0])

    return run


def test_equal_pictures_leave_the_manifest_as_it_is(job: Path, folder: Store) -> None:
    before = {key: folder.read(key) for key in folder.list("")}
    for name in ("mug/scene00", "bottle/scene01"):
        folder.delete(listed(folder)[name]["asset"])
    restoration = restore(folder, verify(folder), runs(job))
    assert restoration.rendered == ("bottle/scene01", "mug/scene00")
    assert (restoration.after.intact, restoration.new_manifest) == (True, False)
    assert {key: folder.read(key) for key in folder.list("")} == before


def test_other_pictures_are_published_in_a_new_manifest(job: Path, folder: Store) -> None:
    before = listed(folder)
    folder.delete(before["mug/scene00"]["asset"])
    restoration = restore(folder, verify(folder), runs(job, "another GPU"))
    assert (restoration.after.intact, restoration.new_manifest) == (True, True)
    after = listed(folder)
    assert after["mug/scene00"]["sha256"] != before["mug/scene00"]["sha256"]
    assert {name for name in after if after[name] != before[name]} == {"mug/scene00"}


def test_a_lost_picture_of_an_earlier_version_is_replaced_by_the_present_one(job: Path, folder: Store) -> None:
    job.write_text(job.read_text().replace("in scene 00", "in another scene").replace("in scene 0", "in another scene"))
    run_of(job, only=set())
    stale = listed(folder)["mug/scene00"]
    assert stale["stale"]
    folder.delete(stale["asset"])
    restoration = restore(folder, verify(folder), runs(job))
    assert (restoration.rendered, restoration.after.intact) == (("mug/scene00",), True)
    assert listed(folder)["mug/scene00"]["render_key"] != stale["render_key"]


def test_a_lost_picture_that_the_job_no_longer_has_leaves_the_manifest(job: Path, folder: Store) -> None:
    lost = listed(folder)["mug/scene00"]["asset"]
    job.write_text(job.read_text().replace('"scene00": "in scene 0", ', ""))
    folder.delete(lost)
    restoration = restore(folder, verify(folder), runs(job))
    assert (restoration.rendered, restoration.after.intact, restoration.new_manifest) == ((), True, True)
    assert set(listed(folder)) == {"mug/scene01", "bottle/scene01"}


def test_a_broken_manifest_is_published_again_and_then_verified(job: Path, folder: Store) -> None:
    folder.delete(listed(folder)["mug/scene00"]["asset"])
    [part] = folder.list("parts/")
    folder.delete(part)
    before = verify(folder)
    assert [problem.key for problem in before.problems] == [part], "hides what else is missing"
    restoration = restore(folder, before, runs(job))
    assert restoration.after.intact
    assert set(listed(folder)) == {"mug/scene00", "mug/scene01", "bottle/scene00", "bottle/scene01"}


def test_without_a_run_the_rest_is_left(job: Path, folder: Store) -> None:
    fields = listed(folder)
    folder.delete(fields["mug/scene00"]["asset"])
    folder.delete(f"records/{fields['mug/scene01']['render_key']}.json")
    restoration = restore(folder, verify(folder), lambda lost: None)
    assert len(restoration.rewritten) == 1
    assert [problem.key for problem in restoration.after.broken] == [fields["mug/scene00"]["asset"]]
    assert restoration.rendered == ()


def test_a_run_that_restores_nothing_is_not_repeated_for_ever(job: Path, folder: Store) -> None:
    calls = []

    def run(lost: Repair) -> Set[str]:
        calls.append(lost)
        return set()

    folder.delete(listed(folder)["mug/scene00"]["asset"])
    assert not restore(folder, verify(folder), run).after.intact
    assert len(calls) == MAX_ROUNDS


def test_which_variants_are_lost(job: Path, folder: Store) -> None:
    plan = plan_of(job)
    first, second, third, *_ = plan.variants

    def lost(**changes: object) -> Record:
        return record(0, **changes)

    records = (
        lost(name="old-name", render_key=first.render_key),
        lost(name=second.name, stale=True),
        lost(name=third.name),
    )
    assert lost_variants(folder, plan, Repair(lost=records)) == (first, second)
    assert lost_variants(folder, replace(plan, variants=()), Repair(lost=records)) == ()
    folder.delete(third.asset)
    assert lost_variants(folder, plan, Repair(republish=True)) == (third,)
