"""Download progress: a bar on a terminal, a few lines otherwise."""

from __future__ import annotations

import io
import sys

import pytest

from brandpress.model.checkpoint.transfer import Counter, shown


def test_many_reports_print_few_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with shown("owner/it") as show:
        for downloaded in range(0, 8_000_001, 100):
            show(downloaded, 8_000_000)
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ["downloading owner/it: 0 bytes of 8.0 MB", "downloading owner/it: 400.0 kB of 8.0 MB"]
    assert lines[-1] == "downloading owner/it: 8.0 MB of 8.0 MB"
    assert len(lines) == 21


def test_nothing_to_download_prints_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with shown("owner/it") as show:
        show(0, 0)
        show(0, 0)
    assert capsys.readouterr().err == "downloading owner/it: 0 bytes of 0 bytes\n"


def test_a_terminal_shows_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    with shown("owner/[red]it") as show:
        show(2_000_000, 8_000_000)
    assert "[red]it" in terminal.getvalue()
    assert "2.0/8.0 MB" in terminal.getvalue()


def test_the_counter_reports_the_larger_bar() -> None:
    """The library counts the same bytes on two bars, subtracts a restarted file's, and counts files on a third."""
    reports: list[tuple[int, int]] = []
    counter = Counter(lambda downloaded, total: reports.append((downloaded, total)))
    counter.start(10, 100)
    received, written, files = counter.bar(unit="B", total=0), counter.bar(unit="B", total=0), counter.bar(total=3)
    for bar, number in ((received, 40), (written, 30), (files, 1), (received, -40), (received, 60), (received, 500)):
        bar.update(number)
    assert reports == [(10, 100), (50, 100), (50, 100), (40, 100), (70, 100), (100, 100)]


def test_a_stopped_counter_aborts_the_transfer() -> None:
    counter = Counter(lambda downloaded, total: None)
    counter.start(0, 100)
    bar = counter.bar(unit="B")
    counter.stop()
    with pytest.raises(InterruptedError):
        bar.update(1)
