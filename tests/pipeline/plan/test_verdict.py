"""Verdicts as JSON: what was written is read, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from brandpress.pipeline.plan.verdict import Reason, Verdict

REASON = Reason("noise", None, "block", 0.5, 0.3, "0.5, at most 0.3 is needed")
VERDICT = Verdict("block", (REASON, Reason("subject", "product:mug", "warn", None, None, "")), ("noise",))


def test_a_verdict_is_read_as_it_was_written() -> None:
    assert Verdict.from_json(VERDICT.to_json()) == VERDICT


@pytest.mark.parametrize(
    "changes",
    [
        {"outcome": "fine"},
        {"outcome": ["block"]},
        {"reasons": "none"},
        {"reasons": {}},
        {"reasons": [1]},
        {"review": "noise"},
        {"review": [1]},
    ],
)
def test_other_values_are_no_verdict(changes: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError, KeyError)):
        Verdict.from_json(VERDICT.to_json() | changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"measure": ["noise"]},
        {"measure": None},
        {"subject": 5},
        {"severity": "ignore"},
        {"severity": ["block"]},
        {"value": "x"},
        {"value": True},
        {"value": float("nan")},
        {"value": float("-inf")},
        {"value": 10**400},
        {"threshold": "0.3"},
        {"threshold": [0.3]},
        {"text": 5},
    ],
)
def test_other_values_are_no_reason(changes: dict[str, Any]) -> None:
    values = VERDICT.to_json()
    reasons = [values["reasons"][0] | changes]
    with pytest.raises((ValueError, TypeError, KeyError)):
        Verdict.from_json(values | {"reasons": reasons})
    with pytest.raises((ValueError, TypeError, KeyError)):
        Verdict.from_json(values | {"reasons": [{name: values["reasons"][0][name] for name in changes}]})
