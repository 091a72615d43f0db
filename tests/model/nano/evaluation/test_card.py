"""The model card's table."""

from __future__ import annotations

from brandpress.model.nano.evaluation.card import markdown


def test_the_table_has_dashes_for_what_was_not_measured() -> None:
    report = {
        "stranger": {"pairs": {"both found": 0.854, "apart": 1.0, "in order": 0.9}},
        "seen": {"4 steps": {"position": 1.0, "colour": 6.81}, "permuted": 0.5},
    }
    rows = markdown(report).splitlines()
    assert rows[2] == (
        "| stranger, natural wording: both found / apart / in order | 0.85 / 1.00 / 0.90 | ≥ .85 / ≥ .95 |"
    )
    assert "| position with explicit words: seen / held out | 1.00 / \u2013 | ≥ .98 |" in rows
    assert "| colour error: seen / held out | 6.8 / \u2013 | ≤ 7 |" in rows
