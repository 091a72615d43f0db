"""Lines about things that are counted, where stderr is no terminal."""

from __future__ import annotations

import pytest

from brandpress.pipeline.cli import count_progress as module
from brandpress.pipeline.cli.count_progress import count_progress


def lines_of(
    seconds_each: float, total: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> list[str]:
    now = 0.0
    monkeypatch.setattr(module.time, "monotonic", lambda: now)
    with count_progress("pictures measured") as show:
        for done in range(1, total + 1):
            now += seconds_each
            show(done, total)
    return capsys.readouterr().err.splitlines()


def test_after_a_line_the_last_one_is_shown_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lines_of(6.0, 5, monkeypatch, capsys) == [f"{done} of 5 pictures measured" for done in (2, 4, 5)]


def test_what_takes_a_moment_has_none(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert lines_of(1.0, 5, monkeypatch, capsys) == []
