"""The help of every command, in users' words."""

from __future__ import annotations

import re

import pytest

from brandpress.pipeline.cli import app as cli
from tests.reference_code import COMMANDS

PYTHON = re.compile(r"<[^>]*>|\blist\[|\btuple\[|\bPath\b|\bNone\b|\b(?:int|str|bool|float)\b|\bINTEGER\b|\bFLOAT\b")


@pytest.mark.parametrize("command", COMMANDS)
def test_no_help_shows_types_of_python(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([*command.split()[1:], "--help"]) == 0
    shown = capsys.readouterr().out
    ranges = re.sub(r"\d[\d.]*<=x<=\d[\d.]*|x>=[\d.]+", "", shown)
    assert "Usage: " in shown
    assert not PYTHON.search(ranges), PYTHON.findall(ranges)
