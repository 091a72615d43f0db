"""The exit code of each error class and of a run."""

from __future__ import annotations

from typing import Any

import pytest

from brandpress.model.errors import BrandpressError, CheckpointError, HostedError, RequestError
from brandpress.pipeline.cli.exit_codes import error_exit_code, outcome_exit_code
from brandpress.pipeline.deliver.lease import AnotherRunError
from brandpress.pipeline.deliver.ownership import ForeignCampaignError
from brandpress.pipeline.deliver.status import Failure
from brandpress.pipeline.render.driver.outcome import NothingRenderedError, StoreBlockedError
from brandpress.pipeline.spec.problem import SpecError
from brandpress.pipeline.store.protocol import StoreAddressError, StoreError
from tests.pipeline.render.driver.test_outcome import outcome


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RequestError("size 100x100"), 1),
        (SpecError([]), 1),
        (StoreAddressError("gs://bucket"), 1),
        (StoreBlockedError("the disk is full", delivered=7, todo=10), 3),
        (StoreBlockedError("the disk is full", delivered=0, todo=10), 4),
        (StoreError("no connection"), 4),
        (NothingRenderedError("no model"), 4),
        (CheckpointError("no checkpoint"), 4),
        (HostedError("no credits"), 4),
        (AnotherRunError("on another machine"), 5),
        (ForeignCampaignError("of another brand"), 1),
        (BrandpressError("anything else"), 4),
    ],
)
def test_errors_map_to_exit_codes(error: BrandpressError, code: int) -> None:
    assert error_exit_code(error) == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, 0),
        ({"skipped": 10, "done": 0}, 0),
        ({"done": 4}, 0),
        ({"done": 9, "failed": 1, "failures": (Failure("a", "b"),)}, 3),
        ({"skipped": 9, "done": 0, "failed": 1}, 3),
        ({"done": 0, "failed": 10}, 4),
        ({"done": 3, "interrupted": True}, 130),
        ({"done": 3, "ended_early": "no credits left"}, 3),
        ({"done": 9, "held_back": (Failure("a", "b"),)}, 3),
        ({"done": 0, "held_back": (Failure("a", "b"),) * 10}, 4),
    ],
)
def test_outcomes_map_to_exit_codes(changes: dict[str, Any], code: int) -> None:
    assert outcome_exit_code(outcome(**changes)) == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"done": 4}, 0),
        ({"done": 0, "skipped": 4}, 4),
        ({"done": 3, "failed": 1, "failures": (Failure("a", "b"),)}, 3),
        ({"done": 0, "failed": 1, "failures": (Failure("a", "b"),)}, 4),
    ],
)
def test_a_run_that_its_budget_ended_is_like_one_with_a_limit(changes: dict[str, Any], code: int) -> None:
    """Unless the budget didn't suffice for a single picture."""
    assert outcome_exit_code(outcome(stopped_by="budget", **changes)) == code
