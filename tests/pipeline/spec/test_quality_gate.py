"""The `quality_gate:` of a campaign."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from brandpress.pipeline.review.suite import NAMES, load_suite
from brandpress.pipeline.spec.load import load_campaign
from brandpress.pipeline.spec.problem import SpecError
from brandpress.pipeline.spec.quality_gate import COMPARISONS, MEASURES, GateRule, QualityGate
from tests.campaigns import write_campaign


def gate_of(folder: Path, value: Any) -> QualityGate:
    gate = load_campaign(write_campaign(folder, 1, quality_gate=value)).job.quality_gate
    assert gate is not None
    return gate


def test_a_campaign_has_no_gate_by_default(tmp_path: Path) -> None:
    assert load_campaign(write_campaign(tmp_path, 1)).job.quality_gate is None


@pytest.mark.parametrize(
    ("measure", "written", "rule"),
    [
        ("subject", "calibrated", GateRule("subject", "calibrated", "block")),
        ("subject", 0.7, GateRule("subject", 0.7, "block")),
        ("subject", {"severity": "warn"}, GateRule("subject", "calibrated", "warn")),
        ("noise", {"severity": "block"}, GateRule("noise", 0.3, "block")),
        ("text", {"threshold": 0.1, "severity": "warn"}, GateRule("text", 0.1, "warn")),
        ("text", {"threshold": 0, "sample": "5%"}, GateRule("text", 0.0, "block", 0.05)),
        ("palette", {"sample": "12.5 %"}, GateRule("palette", None, None, 0.125)),
        ("palette", 12, GateRule("palette", 12.0, "block")),
    ],
)
def test_rules_have_defaults(tmp_path: Path, measure: str, written: Any, rule: GateRule) -> None:
    gate = gate_of(tmp_path, {"measures": {measure: written}})
    assert gate.rules == (rule,)
    assert (gate.retries, gate.on_fail) == (0, "flag")


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({}, "the field 'measures' is missing in quality_gate; write measures: {noise: 0.3}"),
        ({"measures": {}}, "quality_gate has no measure, so it would pass everything; write at least one"),
        ({"measures": {"subjects": 0.5}}, "'subjects' isn't a measure; allowed: .*; did you mean 'subject'?"),
        ({"measures": {"spread": 4}}, "'spread' compares the campaign's pictures with each other, and a gate judges"),
        ({"measures": {"noise": "calibrated"}}, "noise isn't calibrated; allowed: a number from 0 to 2"),
        ({"measures": {"noise": 5}}, "the threshold 5 is out of noise's range; allowed: 0 to 2"),
        ({"measures": {"noise": "high"}}, "must be a number or calibrated, not the text 'high'; allowed: a number, or"),
        ({"measures": {"noise": True}}, "must be a number or calibrated, not the boolean true"),
        ({"measures": {"noise": None}}, "must be a number or calibrated, not nothing"),
        ({"measures": {"noise": {}}}, "has neither threshold, severity nor sample"),
        ({"measures": {"noise": {"severity": "stop"}}}, "'stop' isn't known; allowed: 'block', 'warn'"),
        ({"measures": {"noise": {"sample": 5}}}, "the number 5 isn't a percentage; allowed: a percentage like 5%"),
        ({"measures": {"noise": {"sample": "0%"}}}, "'0%' isn't a percentage"),
        ({"measures": {"noise": {"limit": 5}}}, "unknown field 'limit' in quality_gate.measures.noise"),
        ({"measures": {"palette": {"severity": "warn"}}}, "needs a threshold; write {threshold: N}, with N from 0 to"),
        ({"measures": {"noise": 0.3}, "retries": 11}, "quality_gate.retries.*allowed: less than or equal to 10"),
        ({"measures": {"noise": 0.3}, "on_fail": "hide"}, "'hide' isn't known; allowed: 'flag', 'drop', 'fail'"),
        ("strict", "quality_gate must be a mapping, not the text 'strict'"),
    ],
)
def test_wrong_gates_are_errors(tmp_path: Path, written: Any, message: str) -> None:
    with pytest.raises(SpecError) as error:
        gate_of(tmp_path, written)
    [problem] = error.value.problems
    pattern = ".*".join(map(re.escape, message.split(".*")))
    assert re.search(pattern, str(problem)), str(problem)


def test_a_mistake_has_its_place(tmp_path: Path) -> None:
    job = write_campaign(tmp_path, 1)
    text = job.read_text().removesuffix("}") + ',\n"quality_gate": {"measures": {\n  "noise": 0.3,\n  "text": 7}}}'
    job.write_text(text)
    with pytest.raises(SpecError, match=r"spring\.yaml:4:11: quality_gate: the threshold 7 is out of"):
        load_campaign(job)


def test_the_measures_are_those_of_the_suite_with_their_ranges() -> None:
    suite = load_suite()
    assert set(MEASURES) | set(COMPARISONS) == set(NAMES)
    assert not set(MEASURES) & set(COMPARISONS)
    ranges = {name: (scale.least, scale.most) for name, scale in suite.scales.items() if name in MEASURES}
    assert ranges == {name: (MEASURES[name].least, MEASURES[name].most) for name in ranges}
