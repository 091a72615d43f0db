from __future__ import annotations

import json
from pathlib import Path

import pytest

from brandpress.pipeline.plan.expand import Plan, make_plan, plan_for
from brandpress.pipeline.plan.summary import StoreState, summarise, summary_json
from brandpress.pipeline.spec.load import load_campaign
from tests.pipeline.plan.keys import model


@pytest.fixture
def plan(corpus: Path) -> Plan:
    return plan_for(load_campaign(corpus / "good" / "design.yaml"), model())


def test_a_summary_counts_variants_and_reference_sets(plan: Plan) -> None:
    done = {plan.variants[0].render_key, plan.variants[5].render_key, "f" * 64}
    summary = summarise(plan, "s3://assets", StoreState(done))
    assert (summary.done, summary.to_render, summary.seeds, summary.params.steps, summary.params.guidance) == (
        2,
        10,
        2,
        20,
        4.0,
    )
    assert summary.axes == {
        "product": {"mug": 8, "bottle": 4},
        "character": {"fox": 8, "bear": 4},
        "style": {"dawn": 12},
        "scene": {"beach": 6, "snow": 6},
    }
    assert summary.sizes == {"2048x2048": 12}
    assert [(len(s.references), s.variants) for s in summary.reference_sets] == [(4, 4), (4, 4), (3, 4)]


def test_an_unreachable_store_is_not_an_empty_one(plan: Plan) -> None:
    summary = summarise(plan, "s3://assets", None, "no route")
    assert (summary.done, summary.unknown, summary.to_render) == (None, "no route", 12)


def test_a_summary_as_json(plan: Plan) -> None:
    values = json.loads(json.dumps(summary_json(summarise(plan, "s3://assets", StoreState()), 2)))
    assert (values["campaign"], values["variants"], values["done"], values["to_render"]) == ("spring", 12, 0, 12)
    assert values["model"]["licence"] == "Apache-2.0"
    assert [variant["render_key"] for variant in values["first"]] == [v.render_key for v in plan.variants[:2]]
    assert values["first"][0]["references"][0]["file"] == "pictures/mug-front.png"
    assert "path" not in values["first"][0]["references"][0]
    assert values["model"]["choice"] == {"base": "../klein"}
    assert (values["negative_prompt"], values["reference_pixels"], values["upsample"]) == (None, None, False)
    assert values["reuse"] == "exact"
    assert values["warnings"] == []


def test_a_composed_model_as_json_has_paths_as_written(corpus: Path) -> None:
    campaign = load_campaign(corpus / "good" / "composition.yaml")
    summary = summarise(plan_for(campaign, model()), "out", None, "no route", ["12 prompts are long"])
    values = json.loads(json.dumps(summary_json(summary, 0)))
    file = "../klein-base/style.safetensors"
    assert values["model"]["choice"] == {
        "base": "../klein-base",
        "loras": [{"file": file, "scale": 0.8}, {"file": file, "scale": 1.0}],
        "quantise": "fp8",
    }
    assert (values["negative_prompt"], values["reference_pixels"], values["guidance"]) == ("blurry, text", 512**2, 3.0)
    assert values["reuse"] == "approximate"
    assert values["warnings"] == ["12 prompts are long"]


def test_values_that_a_hosted_model_chooses_are_null(corpus: Path) -> None:
    values = summary_json(summarise(make_plan(load_campaign(corpus / "good" / "service.yaml")), "out", StoreState()), 1)
    assert (values["steps"], values["guidance"], values["first"][0]["steps"]) == (None, None, None)
