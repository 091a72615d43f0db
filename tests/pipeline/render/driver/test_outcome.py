"""Counts and cache use of a run."""

from __future__ import annotations

from typing import Any

import pytest

from brandpress.pipeline.deliver.status import Failure
from brandpress.pipeline.render.driver.outcome import Outcome, StoreBlockedError


def outcome(**changes: Any) -> Outcome:
    """An outcome of ten variants, all done, with these changes."""
    fields: dict[str, Any] = {
        "planned": 10,
        "skipped": 0,
        "done": 10,
        "failed": 0,
        "failures": (),
        "manifest": "manifests/00000001/manifest.json",
        "uri": "s3://assets/spring",
        "seconds": 95.0,
        "cache": {},
        "outside_model": None,
        "interrupted": False,
        "campaign": "spring",
    }
    return Outcome(**fields | changes)


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ({}, 0),
        ({"skipped": 10, "done": 0}, 0),
        ({"done": 4}, 6),
        ({"done": 9, "failed": 1, "failures": (Failure("a", "b"),)}, 0),
        ({"skipped": 9, "done": 0, "failed": 1}, 0),
        ({"done": 3, "interrupted": True}, 7),
        ({"done": 9, "held_back": (Failure("a", "b"),)}, 0),
    ],
)
def test_left_counts_the_variants_that_were_not_tried(changes: dict[str, Any], left: int) -> None:
    assert outcome(**changes).left == left


def test_a_blocked_store_names_the_delivered_pictures() -> None:
    error = StoreBlockedError("the disk is full", 7, 10)
    assert str(error) == "the disk is full (7 of 10 pictures were delivered before)"
    assert error.delivered == 7
