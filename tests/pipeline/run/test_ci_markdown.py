"""What a CI job's summary says about a run."""

from __future__ import annotations

from brandpress.pipeline.cli.text import outcome_lines
from brandpress.pipeline.deliver.manifest import Counts
from brandpress.pipeline.render.driver.picture_gate import GateOutcome
from brandpress.pipeline.run.ci_markdown import outcome_markdown
from tests.pipeline.render.driver.test_outcome import outcome

GATE = GateOutcome(judged=7, retried=3, warned=0, flagged=1, dropped=2, failed=0, unchecked=0, review=0, seconds=1.0)
COUNTS = Counts(planned=10, done=1, failed=0, missing=1, stale=1, dropped=2, unapproved=6)


def test_what_the_gate_and_reviewers_hold_back_is_counted() -> None:
    run = outcome(done=8, gate=GATE, published=COUNTS)
    markdown = outcome_markdown("spring", run, (), None)
    rows = ("dropped by the quality gate | 2", "flagged by the quality gate | 1", "to be approved | 6")
    assert all(f"| {row} |" in markdown for row in (*rows, "published from before | 1"))
    lines = list(outcome_lines(run))
    assert any(line.endswith(", 2 dropped by the quality gate") for line in lines)
    assert any("6 to be approved" in line for line in lines)
