"""What a run would do: new, stale and done pictures."""

from __future__ import annotations

from pathlib import Path

from brandpress.pipeline.deliver.author import Author, now
from brandpress.pipeline.deliver.choose import pick, reject
from brandpress.pipeline.deliver.plan_summary import summarise_with_store
from brandpress.pipeline.plan.state import count_states
from brandpress.pipeline.run.work import Work, work_of
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store
from tests.campaigns import plan_of, write_campaign
from tests.pipeline.run.published import publish_plan
from tests.runs import run_of


def folder_of(tmp_path: Path) -> Store:
    return open_campaign(str(tmp_path / "out"), "spring")


def test_everything_is_new_at_first(tmp_path: Path) -> None:
    plan = plan_of(write_campaign(tmp_path, 2, products=("mug",)))
    names = ("mug/scene00", "mug/scene01")
    assert work_of(plan, folder_of(tmp_path)) == Work(2, names, (), 0, 0, 0, 0)


def test_a_changed_picture_is_stale_and_an_added_one_new(tmp_path: Path) -> None:
    publish_plan(plan_of(write_campaign(tmp_path, {"beach": "on a beach", "snow": "in snow"}, products=("mug",))))
    changed = write_campaign(tmp_path, {"beach": "on a wide beach", "snow": "in snow", "sea": "at sea"})
    assert work_of(plan_of(changed), folder_of(tmp_path)) == Work(
        6, ("bottle/beach", "bottle/sea", "bottle/snow", "mug/sea"), ("mug/beach",), 1, 0, 0, 0
    )


def test_a_renamed_picture_that_changes_is_new_as_in_a_plan(tmp_path: Path) -> None:
    publish_plan(plan_of(write_campaign(tmp_path, {"beach": "on a beach"}, products=("mug",))))
    output = {"name": "{{ scene }}/{{ product }}"}
    plan = plan_of(write_campaign(tmp_path, {"beach": "on a wide beach"}, products=("mug",), output=output))
    work = work_of(plan, folder_of(tmp_path))
    assert (work.new, work.stale, work.removals) == (("beach/mug",), (), 1)


def test_the_counts_are_those_of_the_plan(tmp_path: Path) -> None:
    """Also after decisions, and for variants that share a picture."""
    job = write_campaign(
        tmp_path,
        {},
        matrix={"product": ["mug", "bottle"], "locale": {"en": "English", "de": "Deutsch"}},
        prompt="{{ product.description }}",
        seeds=2,
        output={"name": "{{ product }}-{{ locale }}-{{ seed }}"},
    )
    run_of(job)
    folder = folder_of(tmp_path)
    author = Author("ana", "", now())
    reject(folder, ["mug-en-0"], author)
    pick(folder, ["bottle-de-1"], author)
    work = work_of(plan_of(job), folder)
    summary = summarise_with_store(plan_of(job), require_store=True)
    states = count_states(summary.states or ())
    assert (len(work.new), len(work.stale), work.done) == (states["new"], states["stale"], states["unchanged"])
    assert (work.stale, work.done, work.picked_out, work.planned) == (("mug-de-0", "mug-en-0"), 4, 2, 8)
    assert work.removals == summary.removals == 2
    run_of(job)
    assert work_of(plan_of(job), folder) == Work(8, (), (), 6, 0, 0, 0, 2)


def test_without_changes_there_is_nothing_to_do(tmp_path: Path) -> None:
    plan = plan_of(write_campaign(tmp_path, 2))
    publish_plan(plan)
    work = work_of(plan, folder_of(tmp_path))
    assert (work.is_empty, work.done) == (True, 4)
    fewer = work_of(plan_of(write_campaign(tmp_path, 1)), folder_of(tmp_path))
    assert (fewer.is_empty, fewer.removals) == (False, 2)


def test_variants_that_share_a_picture_are_counted_one_by_one(tmp_path: Path) -> None:
    matrix = {"product": ["mug"], "channel": {"shop": "shop", "market": "market"}}
    output = {"name": "{{ channel }}/{{ product }}"}
    job = write_campaign(tmp_path, 1, matrix=matrix, prompt="{{ product.description }}", output=output)
    publish_plan(plan_of(job))
    assert work_of(plan_of(job), folder_of(tmp_path)) == Work(2, (), (), 2, 0, 0, 0)


def test_a_rejected_picture_is_stale(tmp_path: Path) -> None:
    plan = plan_of(write_campaign(tmp_path, 2, products=("mug",)))
    publish_plan(plan)
    folder = folder_of(tmp_path)
    reject(folder, ["mug/scene00"], Author.of("mira", None))
    assert work_of(plan, folder) == Work(2, (), ("mug/scene00",), 1, 0, 0, 0)
