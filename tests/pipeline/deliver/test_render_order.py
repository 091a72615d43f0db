"""What a render does: all of a job, a selection of it, or exactly what a saved plan lists while nothing has changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from brandpress.model.errors import RequestError
from brandpress.pipeline.deliver import render_order as module
from brandpress.pipeline.deliver.author import Author, now
from brandpress.pipeline.deliver.choose import pick, reject, undo
from brandpress.pipeline.deliver.plan_summary import summarise_with_store
from brandpress.pipeline.deliver.render_order import render_order
from brandpress.pipeline.plan.expand import Plan, make_plan, plan_for
from brandpress.pipeline.plan.saved_plan import StalePlanError, is_saved_plan, read_saved_plan, saved_plan
from brandpress.pipeline.plan.selection import campaign_selection
from brandpress.pipeline.plan.stored_file import write_stored
from brandpress.pipeline.spec.campaign import Campaign
from brandpress.pipeline.spec.load import load_campaign
from tests.campaigns import draw_reference, plan_of, write_campaign
from tests.pipeline.deliver.rendered import render


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """A job of four variants, of which one is done."""
    file = write_campaign(tmp_path / "jobs", {"a": "one", "b": "two"})
    render(plan_of(file), lambda variant: variant.name == "mug/a")
    return file


def save(job: Path, *terms: str) -> Path:
    """Save a job's plan in another folder, and return the file."""
    plan = plan_of(job)
    selection = campaign_selection(terms, plan.campaign, plan.variants)
    file = job.parents[1] / "plans" / "spring.plan"
    file.parent.mkdir(exist_ok=True)
    write_stored(file, saved_plan(summarise_with_store(plan, selection=selection), file))
    return file


def names(plan: Plan, only: frozenset[str] | None) -> list[str]:
    return [variant.name for variant in plan.variants if only is None or variant.render_key in only]


def test_a_job_is_rendered_whole_or_in_part(job: Path) -> None:
    assert render_order(job).only is None
    order = render_order(job, select=["scene:b"])
    assert names(order.plan, order.only) == ["mug/b", "bottle/b"]
    with pytest.raises(RequestError, match="no variant matches"):
        render_order(job, select=["scene:c"])


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ([], ["mug/b", "bottle/a", "bottle/b"]),
        (["product:mug"], ["mug/b"]),
        (["state:new", "scene:a"], ["bottle/a"]),
    ],
)
def test_a_saved_plan_lists_what_is_to_render(terms: list[str], expected: list[str], job: Path) -> None:
    file = save(job, *terms)
    assert is_saved_plan(file)
    assert not is_saved_plan(job)
    assert [variant.name for variant in read_saved_plan(file).variants] == expected
    order = render_order(file)
    assert names(order.plan, order.only) == expected
    assert order.plan.campaign.path.resolve() == job.resolve()


def test_a_plan_and_its_job_can_move_together(job: Path, tmp_path: Path) -> None:
    save(job)
    moved = tmp_path.rename(tmp_path.with_name(f"{tmp_path.name}-moved"))
    order = render_order(moved / "plans" / "spring.plan")
    assert str(order.plan.campaign.address) == str(moved / "jobs" / "out")


def test_an_address_given_for_the_plan_is_that_of_the_render(job: Path, tmp_path: Path) -> None:
    plan = make_plan(load_campaign(job, str(tmp_path / "elsewhere")))
    file = tmp_path / "spring.plan"
    write_stored(file, saved_plan(summarise_with_store(plan), file, "elsewhere"))
    assert render_order(file).plan.campaign.address == plan.campaign.address
    assert len(render_order(file).only or ()) == 4


def edit(job: Path, **fields: object) -> None:
    job.write_text(json.dumps(json.loads(job.read_text()) | fields))


def edit_brand(job: Path) -> None:
    brand = job.parent / "brand.yaml"
    brand.write_text(brand.read_text() + "\n")


def edit_weights(job: Path) -> None:
    index = job.parent / "checkpoint" / "model_index.json"
    index.write_text(index.read_text() + "\n")


def replace_feed(job: Path) -> None:
    """Feeds are read by `spec`; here, what a saved plan says of one differs from what the campaign has."""
    file = job.parents[1] / "plans" / "spring.plan"
    values = json.loads(file.read_text())
    values["inputs"]["feeds"] = [{"file": "feed.csv", "sha256": "f" * 64}]
    file.write_text(json.dumps(values))


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "job": (lambda job: edit(job, description="another"), "the job's file: "),
    "brand": (edit_brand, "the brand spec: "),
    "reference": (lambda job: draw_reference(job.parent / "mug.png", "#000000"), "reference 'mug.png': "),
    "feed": (replace_feed, "feed 'feed.csv': ffffffffffff…, now none"),
    "weights": (edit_weights, "the model's weights: "),
    "pointer": (lambda job: render(plan_of(job), lambda v: v.name == "bottle/a"), "the store's latest manifest: "),
    "variants": (lambda job: render(plan_of(job), lambda v: v.name == "bottle/a"), "'bottle/a' needs no rendering"),
    "axis": (lambda job: edit(job, matrix={"product": ["mug"]}, prompt="a mug", output={}), "--select 'scene:*'"),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGES)
def test_a_saved_plan_is_refused_after_any_change(what: str, job: Path) -> None:
    change, message = CHANGES[what]
    file = save(job, "scene:*")
    assert render_order(file).only
    change(job)
    with pytest.raises(StalePlanError) as error:
        render_order(file)
    assert any(line.startswith(message) or message in line for line in error.value.changes), error.value.changes
    lines = str(error.value).splitlines()
    assert lines[0].startswith(f"{file}: this plan is no longer valid; nothing was rendered.")
    assert lines[-1] == "run `brandpress plan --out` again"


def test_a_saved_plan_is_refused_after_a_decision_about_published_pictures(tmp_path: Path) -> None:
    """Even if it changes nothing about what is to render: the plan would publish what reviewers decided since."""
    output = {"name": "{{ product }}-{{ seed }}"}
    job = write_campaign(tmp_path / "jobs", {"a": "one"}, seeds=2, output=output)
    folder = render(plan_of(job), lambda variant: variant.axes["product"] == "mug")
    file = save(job)
    pick(folder, ["mug-1"], Author("ana", "", now()))
    with pytest.raises(StalePlanError) as error:
        render_order(file)
    assert [line.partition(":")[0] for line in error.value.changes] == ["reviewers' decisions"]
    undo(folder, ["mug-1"], "picked", Author.of("ana", None))
    assert render_order(file).only
    reject(folder, ["mug-1"], Author("ana", "", now()))
    with pytest.raises(StalePlanError, match="reviewers' decisions"):
        render_order(file)


def test_a_saved_plan_is_refused_by_another_sampler(job: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = save(job)

    def of_another_version(campaign: Campaign, **options: bool) -> Plan:
        return plan_for(campaign, replace(make_plan(campaign, **options).model, sampler="euler/9"))

    monkeypatch.setattr(module, "make_plan", of_another_version)
    with pytest.raises(StalePlanError, match=r"the sampler: euler-empirical-mu/\d, now euler/9") as error:
        render_order(file)
    assert any("has another render key (and 2 more)" in change for change in error.value.changes)


def test_a_variant_that_was_added_to_a_saved_plan_is_refused(job: Path) -> None:
    """The file itself can't ask for more than the job has to render."""
    file = save(job, "product:mug")
    values = json.loads(file.read_text())
    values["variants"].append({"name": "bottle/a", "render_key": "f" * 64})
    file.write_text(json.dumps(values))
    with pytest.raises(StalePlanError, match="variant 'bottle/a' needs no rendering any more"):
        render_order(file)


def test_many_changes_are_cut(job: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("brandpress.pipeline.plan.saved_plan.MAX_SHOWN", 1)
    file = save(job)
    edit_brand(job)
    edit(job, description="another")
    with pytest.raises(StalePlanError, match=r"and \d more"):
        render_order(file)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"deliver": "s3://assets"}, "--deliver"),
        ({"select": ["a"]}, "--select"),
        ({"narrowing": ["--limit"]}, "--limit"),
    ],
)
def test_a_saved_plan_takes_no_option_that_changes_it(options: dict[str, object], name: str, job: Path) -> None:
    with pytest.raises(RequestError, match=f"{name}: .* is a saved plan"):
        render_order(save(job), **options)  # type: ignore[arg-type]


def test_a_damaged_plan_names_the_field(job: Path) -> None:
    file = save(job)
    file.write_text(file.read_text().replace('"render_key": "', '"render_key": "x'))
    with pytest.raises(RequestError, match=r"not a valid saved plan .*variants\.0\.render_key"):
        render_order(file)
