from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.plan.expand import Plan, plan_for
from pipeline.plan.summary import summarise, summary_json
from pipeline.spec.load import load_campaign
from tests.pipeline.plan.keys import model


@pytest.fixture
def plan(corpus: Path) -> Plan:
    return plan_for(load_campaign(corpus / "good" / "design.yaml"), model())


def test_the_numbers(plan: Plan) -> None:
    done = {plan.variants[0].render_key, plan.variants[5].render_key, "f" * 64}
    found = summarise(plan, "s3://assets", done)
    assert (found.done, len(found.to_render), found.seeds, found.steps, found.guidance) == (2, 10, 2, 20, 4.0)
    assert found.axes == {
        "product": {"mug": 8, "bottle": 4},
        "character": {"fox": 8, "bear": 4},
        "style": {"dawn": 12},
        "scene": {"beach": 6, "snow": 6},
    }
    assert found.sizes == {"2048x2048": 12}
    assert [(len(s.references), s.variants) for s in found.reference_sets] == [(4, 4), (4, 4), (3, 4)]


def test_a_store_out_of_reach_is_not_an_empty_one(plan: Plan) -> None:
    found = summarise(plan, "s3://assets", None, "no route")
    assert (found.done, found.unknown, len(found.to_render)) == (None, "no route", 12)


def test_as_json(plan: Plan) -> None:
    values = json.loads(json.dumps(summary_json(summarise(plan, "s3://assets", frozenset()), 2)))
    assert (values["campaign"], values["variants"], values["done"], values["to_render"]) == ("spring", 12, 0, 12)
    assert values["model"]["licence"] == "Apache-2.0"
    assert [variant["render_key"] for variant in values["first"]] == [v.render_key for v in plan.variants[:2]]
    assert values["first"][0]["references"][0]["file"] == "pictures/mug-front.png"
    assert "path" not in values["first"][0]["references"][0]
