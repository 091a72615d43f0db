"""What a summary says first, what is published, and why pictures failed."""

from __future__ import annotations

from typing import Any

import pytest

from brandpress.pipeline.cli.outcome_text import cause_lines, headline, published_counts
from brandpress.pipeline.cli.text import outcome_lines
from brandpress.pipeline.deliver.manifest import Counts
from brandpress.pipeline.deliver.status import Failure
from brandpress.pipeline.render.driver.spending import Spent
from tests.pipeline.render.driver.test_outcome import outcome

FAILURE = Failure("mug/beach", "RuntimeError: no")


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "spring: done"),
        ({"skipped": 10, "done": 0}, "spring: done"),
        ({"done": 4, "not_selected": 6}, "spring: done"),
        ({"done": 4}, "spring: 6 left for the next run"),
        ({"done": 9, "failed": 1, "failures": (FAILURE,)}, "spring: some variants failed (exit code 3)"),
        ({"done": 9, "held_back": (FAILURE,)}, "spring: incomplete (exit code 3)"),
        ({"done": 0, "failed": 10}, "spring: nothing could be rendered (exit code 4)"),
        ({"done": 3, "interrupted": True}, "spring: interrupted (exit code 130)"),
    ],
)
def test_the_first_line_says_how_it_ended(changes: dict[str, Any], line: str) -> None:
    assert headline(outcome(**changes)) == line
    assert next(iter(outcome_lines(outcome(**changes)))) == line


@pytest.mark.parametrize(
    ("counts", "line"),
    [
        (Counts(planned=10, done=10, failed=0), None),
        (Counts(planned=10, done=8, failed=0, picked_out=2), None),
        (Counts(planned=10, done=8, failed=1, missing=1), "published: 8 of 10 variants"),
        (
            Counts(planned=10, done=6, failed=1, missing=1, stale=2, picked_out=2),
            "published: 8 of 8 variants, 2 of them with their earlier pictures",
        ),
    ],
)
def test_what_the_manifest_has(counts: Counts, line: str | None) -> None:
    assert published_counts(counts) == line
    assert (line in list(outcome_lines(outcome(published=counts)))) is (line is not None)


def test_failures_are_grouped_by_their_causes() -> None:
    memory = [Failure(f"mug/s{number}", f"no memory: {number} MiB left") for number in range(40)]
    died = Failure("lamp/s1", "its worker died", quarantined=True)
    other = Failure("lamp/s2", "a b c")
    assert list(cause_lines([other, *memory, died])) == [
        "failed: mug/s0, mug/s1, mug/s2 and 37 more: no memory: 0 MiB left",
        "failed: lamp/s2: a b c",
        "quarantined: lamp/s1: its worker died",
    ]
    assert list(cause_lines([other], "held back")) == ["held back: lamp/s2: a b c"]


def test_many_causes_are_cut() -> None:
    lines = list(cause_lines([Failure("mug", "x" * number) for number in range(1, 30)]))
    assert len(lines) == 11
    assert lines[-1] == "and 19 more causes; `brandpress status --json` lists all failures"


def test_the_cost_is_shown_without_a_budget_too() -> None:
    spent = Spent(gpu_minutes=29.7, pictures=8, money=1.98, currency="USD")
    assert "spent: 30 GPU minutes, 8 pictures, 2 USD" in list(outcome_lines(outcome(spent=spent)))
    nothing = Spent(gpu_minutes=0.0, pictures=0, money=None, currency="USD")
    assert not any(line.startswith("spent") for line in outcome_lines(outcome(skipped=10, done=0, spent=nothing)))
