"""Verdicts of the quality gate."""

from __future__ import annotations

import pytest

from brandpress.pipeline.plan.verdict import Outcome
from brandpress.pipeline.review.gate import Gate, Rule, is_sampled, verdict
from brandpress.pipeline.review.score import Score

SUBJECT = Rule("subject", "higher")
TEXT = Rule("text", "lower", 0.2)
TEXT_WARNS = Rule("text", "lower", 0.2, "warn")
THRESHOLDS = {("subject", "product:mug"): 0.6}


def scores(subject: float | None = 0.9, text: float | None = 0.0) -> list[Score]:
    """Returns the scores of a picture."""
    return [Score("subject", subject, "product:mug"), Score("text", text, reason="")]


@pytest.mark.parametrize(
    ("gate", "given", "outcome", "reasons"),
    [
        (Gate((SUBJECT, TEXT)), scores(), "pass", []),
        (Gate((SUBJECT, TEXT)), scores(0.6, 0.2), "pass", []),
        (Gate((SUBJECT, TEXT)), scores(0.5), "block", ["subject of product:mug: 0.5, at least 0.6 is needed"]),
        (Gate((SUBJECT, TEXT)), scores(text=0.5), "block", ["text: 0.5, at most 0.2 is needed"]),
        (Gate((SUBJECT, TEXT_WARNS)), scores(text=0.5), "warn", ["text: 0.5, at most 0.2 is needed"]),
        (
            Gate((SUBJECT, TEXT_WARNS)),
            scores(0.1, 0.5),
            "block",
            ["subject of product:mug: 0.1, at least 0.6 is needed", "text: 0.5, at most 0.2 is needed"],
        ),
        (Gate((SUBJECT, TEXT)), scores(None, None), "pass", []),
        (Gate((SUBJECT, TEXT)), scores()[:1], "block", ["text: the picture wasn't measured"]),
        (Gate((Rule("safe", "higher", None, None, 1.0),)), scores(), "pass", []),
        (Gate(()), [], "pass", []),
    ],
)  # fmt: skip
def test_verdicts(gate: Gate, given: list[Score], outcome: Outcome, reasons: list[str]) -> None:
    result = verdict(given, gate, THRESHOLDS)
    assert result.outcome == outcome
    assert list(map(str, result.reasons)) == reasons


def test_a_threshold_that_isnt_calibrated_is_missed() -> None:
    result = verdict([Score("subject", 0.9, "product:lamp")], Gate((SUBJECT,)), THRESHOLDS)
    assert result.outcome == "block"
    assert "run `brandpress calibrate`" in str(result.reasons[0])


def test_a_threshold_for_all_subjects_is_used_without_an_own_one() -> None:
    assert (
        verdict([Score("subject", 0.9, "product:lamp")], Gate((SUBJECT,)), {("subject", None): 0.5}).outcome == "pass"
    )


def test_each_subject_has_its_own_threshold() -> None:
    both = [Score("subject", 0.65, "product:mug"), Score("subject", 0.65, "character:fox")]
    result = verdict(both, Gate((SUBJECT,)), THRESHOLDS | {("subject", "character:fox"): 0.7})
    assert [reason.subject for reason in result.reasons] == ["character:fox"]


def test_a_share_of_the_pictures_is_sampled() -> None:
    digests = [f"{number:064x}" for number in range(2_000)]
    sampled = {digest for digest in digests if is_sampled(digest, "safe", 0.05)}
    assert 60 <= len(sampled) <= 140
    assert sampled == {digest for digest in digests if is_sampled(digest, "safe", 0.05)}
    assert not any(is_sampled(digest, "safe", 0.0) for digest in digests)
    assert all(is_sampled(digest, "safe", 1.0) for digest in digests)
    gate = Gate((Rule("safe", "higher", None, None, 0.05),))
    assert {digest for digest in digests if verdict([], gate, {}, digest).review == ("safe",)} == sampled
