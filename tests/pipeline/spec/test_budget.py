from __future__ import annotations

from pathlib import Path

import pytest

from brandpress.pipeline.spec.budget import Budget, strictest
from brandpress.pipeline.spec.load import load_campaign
from brandpress.pipeline.spec.problem import SpecError
from tests.campaigns import write_campaign


def test_a_job_has_a_budget_if_it_sets_one(tmp_path: Path) -> None:
    job = write_campaign(tmp_path, 1, budget={"gpu_minutes": 1.5, "money": 20})
    assert load_campaign(job).job.budget == Budget(gpu_minutes=1.5, money=20)
    assert load_campaign(write_campaign(tmp_path, 1)).job.budget is None


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({}, "budget has no limit; write {pictures: 500}"),
        ({"pictures": 0}, "budget.pictures is the number 0; allowed: greater than or equal to 1"),
        ({"pictures": 2.5}, "budget.pictures must be a whole number"),
        ({"gpu_minutes": "long"}, "budget.gpu_minutes must be a number, not the text 'long'"),
        ({"money": -3}, "budget.money is the number -3; allowed: greater than 0"),
        (
            {"picturs": 3},
            "unknown field 'picturs' in budget; allowed: 'gpu_minutes', 'pictures', 'money'; did you mean",
        ),
        (30, "budget must be a mapping, not the number 30"),
    ],
)
def test_mistakes_are_reported(tmp_path: Path, value: object, words: str) -> None:
    with pytest.raises(SpecError) as caught:
        load_campaign(write_campaign(tmp_path, 1, budget=value))
    assert words in str(caught.value)


def test_the_strictest_limits_count() -> None:
    job, flags = Budget(gpu_minutes=30, pictures=500), Budget(pictures=10, money=5)
    assert strictest(job, flags) == Budget(gpu_minutes=30, pictures=10, money=5)
    assert strictest(None, job) == job
    assert strictest(None, None) is None
    assert job.limits() == {"gpu_minutes": 30, "pictures": 500}
