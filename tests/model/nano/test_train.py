"""The command's line: what it's told wrongly."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from brandpress.model.nano import stages
from brandpress.model.nano.checkpoints import DivergedError
from brandpress.model.nano.train import main


def said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str | Path
) -> tuple[object, list[str]]:
    """The exit code and the lines on stderr."""
    monkeypatch.setattr(sys, "argv", ["train", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code, capsys.readouterr().err.splitlines()


@pytest.mark.parametrize("value", ["0", "-3", "nan", "inf", "10001", "soon"])
def test_minutes_are_within_bounds(
    value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--art", tmp_path / "none", "--out", tmp_path / "out", "--minutes", value)
    code, lines = said(monkeypatch, capsys, *arguments)
    assert code == 2
    assert lines[-1].endswith(f"argument --minutes: {value}: allowed is what is above 0, at most 10,000")


def test_a_folder_without_the_art_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "none", tmp_path / "empty"):
        code, (line,) = said(monkeypatch, capsys, "--art", folder, "--out", tmp_path / "out", "--device", "cpu")
        assert code == 1
        assert line.startswith(f"art {folder}: ") and "@lobehub/fluent-emoji-3d" in line and ".zip" in line
    assert not (tmp_path / "out").exists() and not list((tmp_path / "empty").iterdir())


def test_a_device_that_is_not_there_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--art", tmp_path / "none", "--out", tmp_path / "out", "--device", "cuda:77")
    code, (line,) = said(monkeypatch, capsys, *arguments)
    assert code == 1 and line.startswith("device 'cuda:77'")


def test_a_training_that_diverged_ends_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def diverged(*arguments: object) -> None:
        raise DivergedError("the loss stopped being finite")

    monkeypatch.setattr(stages, "run", diverged)
    found = said(monkeypatch, capsys, "--art", tmp_path, "--out", tmp_path / "out")
    assert found == (1, ["the loss stopped being finite"])
