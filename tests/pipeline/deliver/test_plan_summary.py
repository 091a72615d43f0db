"""A plan's summary with what its store holds, or with the reason why the store can't be read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from brandpress.model.errors import RequestError
from brandpress.pipeline.deliver.delivery import deliver, file_record
from brandpress.pipeline.deliver.ownership import ForeignCampaignError
from brandpress.pipeline.deliver.plan_summary import selected_variants, summarise_with_store
from brandpress.pipeline.deliver.record import new_record, stamp_of
from brandpress.pipeline.plan.change import Change
from brandpress.pipeline.plan.cost.estimate import CostOptions
from brandpress.pipeline.plan.cost.prices import read_prices
from brandpress.pipeline.plan.expand import Plan, make_plan
from brandpress.pipeline.plan.selection import campaign_selection
from brandpress.pipeline.plan.summary import Summary, summary_json
from brandpress.pipeline.render.driver.publishing import header_of
from brandpress.pipeline.spec.budget import Budget
from brandpress.pipeline.spec.load import load_campaign
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import StoreError
from tests.campaigns import draw_reference, plan_of, write_campaign
from tests.pipeline.deliver.records import publish_records, record
from tests.pipeline.deliver.rendered import render
from tests.runs import run_of


def test_quarantined_variants_are_held_back(tmp_path: Path) -> None:
    plan = plan_of(write_campaign(tmp_path, 2))
    folder = open_campaign(plan.campaign.address, plan.campaign.name)
    file_record(folder, new_record(plan.variants[0], stamp_of(plan.model), "quarantined", cause="no", strikes=2))
    summary = summarise_with_store(plan, require_store=True)
    assert (summary.deliver, summary.unknown) == (str(tmp_path / "out"), None)
    assert (summary.done, summary.held_back, summary.to_render) == (0, 1, 3)


def test_an_unreadable_store_is_reported_or_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    plan = make_plan(load_campaign(write_campaign(tmp_path, 2), "s3://assets"))
    summary = summarise_with_store(plan)
    assert (summary.done, summary.held_back, summary.to_render) == (None, 0, 4)
    assert "assets" in (summary.unknown or "")
    with pytest.raises(StoreError, match="assets"):
        summarise_with_store(plan, require_store=True)


def test_pictures_to_publish_and_to_remove_are_work(tmp_path: Path) -> None:
    """Everything is rendered, but the latest manifest is of another version of the job."""
    plan = plan_of(write_campaign(tmp_path, {"a": "one", "b": "two"}, products=("mug",)))
    folder = open_campaign(plan.campaign.address, plan.campaign.name)
    records = [
        deliver(folder, new_record(variant, stamp_of(plan.model), "done"), variant.asset, b"a picture")
        for variant in plan.variants
    ]
    summary = summarise_with_store(plan, require_store=True)
    assert (summary.done, summary.to_render, summary.unpublished, summary.removals) == (2, 0, 2, 0)
    assert summary.has_work
    publish_records(folder, header_of(plan.campaign, stamp_of(plan.model)), 2, records, list)
    assert not summarise_with_store(plan, require_store=True).has_work
    smaller = replace(plan, variants=plan.variants[:1])
    summary = summarise_with_store(smaller, require_store=True)
    assert (summary.to_render, summary.unpublished, summary.removals) == (0, 0, 1)
    assert summary.has_work


def test_a_campaign_of_another_job_is_a_warning_and_with_check_an_error(tmp_path: Path) -> None:
    plan = plan_of(write_campaign(tmp_path, 1))
    folder = open_campaign(plan.campaign.address, plan.campaign.name)
    header = header_of(plan.campaign, stamp_of(plan.model)).model_copy(update={"job": "other.yaml"})
    publish_records(folder, header, 1, [deliver(folder, record(0), "assets/a.png", b"picture")], list)
    assert any("'other.yaml'" in warning for warning in summarise_with_store(plan).warnings)
    with pytest.raises(ForeignCampaignError, match=r"other\.yaml"):
        summarise_with_store(plan, require_store=True)


def states(plan: Plan) -> dict[str, list[str]]:
    """Returns state -> names."""
    names: dict[str, list[str]] = {}
    for one in summarise_with_store(plan, require_store=True).states or ():
        names.setdefault(one.state, []).append(one.name)
    return names


def test_one_changed_reference_makes_exactly_its_variants_stale(tmp_path: Path, store_uri: str) -> None:
    job = write_campaign(tmp_path, {"a": "one", "b": "two"}, deliver=store_uri)
    before = plan_of(job)
    assert states(before) == {"new": ["mug/a", "mug/b", "bottle/a", "bottle/b"]}
    render(before)
    assert states(before) == {"unchanged": ["mug/a", "mug/b", "bottle/a", "bottle/b"]}
    old = before.campaign.brand.pictures["mug.png"].sha256
    draw_reference(tmp_path / "mug.png", "#000000")
    plan = plan_of(job)
    new = plan.campaign.brand.pictures["mug.png"].sha256
    summary = summarise_with_store(plan, require_store=True)
    stale = [one for one in summary.states or () if one.state == "stale"]
    assert [one.name for one in stale] == ["mug/a", "mug/b"]
    assert {one.changes for one in stale} == {(Change("reference", old, new, "product mug.png"),)}
    assert (summary.done, summary.to_render, summary.unpublished, summary.removals) == (2, 2, 0, 0)
    assert states(plan)["unchanged"] == ["bottle/a", "bottle/b"]


def test_states_follow_a_campaign_that_loses_and_gains_scenes(tmp_path: Path) -> None:
    plan = plan_of(write_campaign(tmp_path, {"a": "one", "b": "two", "c": "three"}, products=("mug",)))
    folder = render(plan, lambda variant: variant.name != "mug/c")
    [missing] = [variant for variant in plan.variants if variant.name == "mug/c"]
    file_record(folder, new_record(missing, stamp_of(plan.model), "failed", cause="no memory"))
    assert [(one.name, one.state, one.cause) for one in summarise_with_store(plan).listed] == [
        ("mug/c", "new", "no memory")
    ]
    plan = plan_of(write_campaign(tmp_path, {"b": "zwei", "d": "four"}, products=("mug",)))
    assert states(plan) == {"stale": ["mug/b"], "new": ["mug/d"], "orphaned": ["mug/a"]}
    render(plan, lambda variant: variant.name == "mug/d")
    assert states(plan) == {"stale": ["mug/b"], "unchanged": ["mug/d"]}
    [stale] = [one for one in summarise_with_store(plan).states or () if one.state == "stale"]
    assert stale.changes == (Change("prompt", "a mug two", "a mug zwei"),)


def test_a_renamed_picture_is_unchanged_and_published_again(tmp_path: Path) -> None:
    render(plan_of(write_campaign(tmp_path, {"a": "one"}, products=("mug",))))
    job = write_campaign(tmp_path, {"a": "one"}, products=("mug",), output={"name": "new/{{ scene }}"})
    summary = summarise_with_store(plan_of(job), require_store=True)
    assert [(one.name, one.state, one.listed, one.delivered_as) for one in summary.states or ()] == [
        ("new/a", "unchanged", False, None),
        ("mug/a", "orphaned", False, "new/a"),
    ]
    assert (summary.done, summary.to_render, summary.unpublished, summary.removals) == (1, 0, 1, 1)


def test_a_deleted_picture_is_stale(tmp_path: Path) -> None:
    plan = plan_of(write_campaign(tmp_path, {"a": "one"}, products=("mug",)))
    render(plan).delete(plan.variants[0].asset)
    [one] = summarise_with_store(plan).states or ()
    assert (one.state, [change.field for change in one.changes]) == ("stale", ["picture"])


def test_a_broken_manifest_is_a_warning(tmp_path: Path) -> None:
    plan = plan_of(write_campaign(tmp_path, {"a": "one"}, products=("mug",)))
    folder = render(plan)
    [part] = list(folder.list("parts/"))
    folder.delete(part)
    summary = summarise_with_store(plan)
    assert (summary.done, summary.unpublished) == (1, 1)
    assert any("compared with the records alone" in warning for warning in summary.warnings)


def test_whole_campaigns_have_no_removals_until_they_are_complete(tmp_path: Path) -> None:
    render(plan_of(write_campaign(tmp_path, {"a": "one", "b": "two"}, products=("mug",))))
    plan = plan_of(write_campaign(tmp_path, {"a": "one", "c": "three"}, products=("mug",), publish="whole"))
    summary = summarise_with_store(plan)
    assert states(plan) == {"unchanged": ["mug/a"], "new": ["mug/c"], "orphaned": ["mug/b"]}
    assert (summary.to_render, summary.removals) == (1, 0)


def test_a_selection_limits_the_list_and_the_work(tmp_path: Path) -> None:
    plan = plan_of(write_campaign(tmp_path, {"a": "one", "b": "two"}))
    render(plan, lambda variant: variant.name == "mug/a")

    def selected(*terms: str) -> Summary:
        return summarise_with_store(plan, selection=campaign_selection(terms, plan.campaign, plan.variants))

    assert [one.name for one in selected("product:mug").listed] == ["mug/a", "mug/b"]
    assert selected("product:mug").has_work
    assert not selected("mug/a").has_work
    assert [one.name for one in selected("state:new", "scene:a").selected] == ["bottle/a"]
    nothing = selected("product:mug", "scene:a", "state:new")
    assert (nothing.selected, nothing.has_work, nothing.to_render) == ((), False, 3)
    assert "no variant matches" in nothing.warnings[-1]
    values = summary_json(selected("product:mug"), 0, 1)
    assert values["selection"] == {"terms": ["product:mug"], "variants": 2, "to_render": 1}
    assert (values["list_total"], [one["name"] for one in values["list"]]) == (2, ["mug/a"])


def test_the_cost_is_that_of_the_selection(tmp_path: Path) -> None:
    plan = plan_of(write_campaign(tmp_path, {"a": "one", "b": "two"}))
    render(plan, lambda variant: variant.name == "mug/a")

    def pictures(*terms: str) -> int:
        selection = campaign_selection(terms, plan.campaign, plan.variants)
        options = CostOptions(read_prices(), budget=Budget(pictures=1))
        summary = summarise_with_store(plan, selection=selection, cost=options)
        assert summary.cost is not None
        exceeded = any("budget" in warning for warning in summary.warnings)
        assert exceeded == (summary.cost.pictures > 1)
        return summary.cost.pictures

    assert (pictures(), pictures("product:mug"), pictures("product:bottle"), pictures("mug/a")) == (3, 1, 2, 0)


def test_a_selection_without_states_works_without_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_of(write_campaign(tmp_path, {"a": "one", "b": "two"}))

    def no_store(*arguments: object) -> None:
        raise StoreError("no route")

    monkeypatch.setattr("brandpress.pipeline.deliver.plan_summary.read_index", no_store)
    by_name, by_state = (
        campaign_selection([term], plan.campaign, plan.variants) for term in ("product:mug", "state:new")
    )
    summary = summarise_with_store(plan, selection=by_name)
    assert (summary.states, summary.listed, len(summary.selected_variants)) == (None, (), 2)
    assert summary_json(summary, 0)["states"] is None
    with pytest.raises(StoreError, match="no route"):
        summarise_with_store(plan, selection=by_state)


def test_selected_variants(tmp_path: Path) -> None:
    plan = plan_of(write_campaign(tmp_path, {"a": "one", "b": "two"}))
    folder = render(plan, lambda variant: variant.name == "mug/a")

    def selected(*terms: str) -> list[str]:
        selection = campaign_selection(terms, plan.campaign, plan.variants)
        assert selection is not None
        return [variant.name for variant in selected_variants(folder, plan, selection)]

    assert selected("product:mug") == ["mug/a", "mug/b"]
    assert selected("product:mug", "state:new") == ["mug/b"]
    with pytest.raises(RequestError, match="did you mean 'bottle'"):
        selected("product:botle")


@pytest.mark.parametrize(("allowed", "unpublished"), [(0, 0), (1, 3)])
def test_a_whole_campaign_is_published_with_as_many_held_back_as_it_allows(
    allowed: int, unpublished: int, tmp_path: Path
) -> None:
    job = write_campaign(tmp_path, 2, publish="whole", allow_failed=allowed)
    plan = plan_of(job)
    folder = open_campaign(plan.campaign.address, plan.campaign.name)
    file_record(folder, new_record(plan.variants[0], stamp_of(plan.model), "quarantined", cause="no", strikes=2))
    for variant in plan.variants[1:]:
        deliver(folder, new_record(variant, stamp_of(plan.model), "done"), variant.asset, b"a picture")
    assert summarise_with_store(plan, require_store=True).unpublished == unpublished
    publication = run_of(job, only=set())[1]
    assert publication is not None
    assert publication.latest == bool(unpublished)
    assert not summarise_with_store(plan, require_store=True).has_work


def test_a_selection_counts_shared_pictures_once(tmp_path: Path) -> None:
    matrix = {"product": ["mug"], "locale": {"en": "English", "de": "Deutsch"}}
    output = {"name": "{{ product }}/{{ locale }}"}
    plan = plan_of(write_campaign(tmp_path, {}, prompt="{{ product.description }}", matrix=matrix, output=output))
    selection = campaign_selection(["product:mug"], plan.campaign, plan.variants)
    values = summary_json(summarise_with_store(plan, selection=selection), 0)
    assert (values["to_render"], values["selection"]["to_render"], values["selection"]["variants"]) == (1, 1, 2)


def test_changed_free_fields_are_to_be_published(tmp_path: Path) -> None:
    """Nothing is rendered for them, but what readers see of a picture changes."""

    def plan_with(headline: str) -> Plan:
        scene = {"a": {"text": "one", "headline": headline}, "b": "two"}
        return plan_of(write_campaign(tmp_path, {}, products=("mug",), matrix={"product": ["mug"], "scene": scene}))

    plan = plan_with("Hello")
    render(plan)
    assert not summarise_with_store(plan).has_work
    changed = plan_with("Hallo")
    summary = summarise_with_store(changed)
    assert (summary.to_render, summary.unpublished, summary.has_work) == (0, 1, True)
    render(changed)
    assert not summarise_with_store(changed).has_work
