"""The `publish:` policy of a campaign."""

from __future__ import annotations

from pathlib import Path

import pytest

from brandpress.pipeline.spec.load import load_campaign
from brandpress.pipeline.spec.problem import SpecError
from brandpress.pipeline.spec.publication import AllowedFailures, parse_allowed_failures
from tests.campaigns import write_campaign


@pytest.mark.parametrize(
    ("written", "planned", "allowed"),
    [
        (0, 100, 0),
        (3, 100, 3),
        ("2%", 100, 2),
        ("2 %", 149, 2),
        ("0.5%", 1000, 5),
        ("100%", 7, 7),
        ("1%", 99, 0),
        ("32.3%", 1000, 323),
    ],
)
def test_allowed_failures(written: object, planned: int, allowed: int) -> None:
    assert parse_allowed_failures(written).of(planned) == allowed


@pytest.mark.parametrize("wrong", [-1, "-1%", "101%", "two", "2", 0.5, True, None, []])
def test_wrong_values_are_errors(tmp_path: Path, wrong: object) -> None:
    with pytest.raises(SpecError, match=r"allow_failed.*allowed: a whole number of variants, or a percentage like 2%"):
        load_campaign(write_campaign(tmp_path, 1, publish="whole", allow_failed=wrong))


def test_a_campaign_is_rolling_by_default(tmp_path: Path) -> None:
    job = load_campaign(write_campaign(tmp_path, 1)).job
    assert (job.publish, job.allow_failed) == ("rolling", AllowedFailures())


def test_an_unknown_policy_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(
        SpecError, match="publish: 'hole' isn't known; allowed: 'rolling', 'whole', 'approved', 'approved-whole'; did"
    ):
        load_campaign(write_campaign(tmp_path, 1, publish="hole"))


def test_allowed_failures_without_the_policy_that_uses_them_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="allow_failed has no effect: it needs publish: whole"):
        load_campaign(write_campaign(tmp_path, 1, allow_failed=3))
