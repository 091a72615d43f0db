"""The training's command line and its errors."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from brandpress.model.nano.train import main
from brandpress.model.nano.training import stages
from brandpress.model.nano.training.checkpoints import DivergedError
from brandpress.model.nano.training.options import Options


def run_failing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str | Path
) -> tuple[object, list[str]]:
    """Run the command and return its exit code and the lines on stderr."""
    monkeypatch.setattr(sys, "argv", ["train", *map(str, arguments)])
    with pytest.raises(SystemExit) as exit_info:
        main()
    return exit_info.value.code, capsys.readouterr().err.splitlines()


@pytest.mark.parametrize("value", ["0", "-3", "nan", "inf", "10001", "soon"])
@pytest.mark.parametrize(
    ("option", "allowed"), [("--minutes", "0 and up to 10,000"), ("--distil-guidance", "1 and up to 20")]
)
def test_numbers_out_of_range_are_rejected(
    option: str,
    allowed: str,
    value: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = ("--art", tmp_path / "none", "--out", tmp_path / "out", option, value)
    code, lines = run_failing(monkeypatch, capsys, *arguments)
    assert code == 2
    assert lines[-1].endswith(f"argument {option}: expected a number above {allowed}, got {value}")


def test_a_folder_without_artwork_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "none", tmp_path / "empty"):
        code, (line,) = run_failing(monkeypatch, capsys, "--art", folder, "--out", tmp_path / "out", "--device", "cpu")
        assert code == 1
        assert line.startswith(f"art {folder}: ") and "@lobehub/fluent-emoji-3d" in line and ".zip" in line
    assert not (tmp_path / "out").exists() and not list((tmp_path / "empty").iterdir())


def test_an_unavailable_device_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--art", tmp_path / "none", "--out", tmp_path / "out", "--device", "cuda:77")
    code, (line,) = run_failing(monkeypatch, capsys, *arguments)
    assert code == 1 and line.startswith("device 'cuda:77'")


def test_a_diverged_training_ends_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def diverged(*arguments: object) -> None:
        raise DivergedError("the loss became NaN")

    monkeypatch.setattr(stages, "run", diverged)
    result = run_failing(monkeypatch, capsys, "--art", tmp_path, "--out", tmp_path / "out")
    assert result == (1, ["the loss became NaN"])


def test_the_initial_model_and_the_rate_are_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    received: list[Options] = []
    monkeypatch.setattr(stages, "run", lambda options, started: received.append(options))
    arguments = ("--art", tmp_path, "--out", tmp_path / "out", "--init-from", tmp_path / "nano", "--rate", "0.5")
    monkeypatch.setattr(sys, "argv", ["train", *map(str, arguments)])
    main()
    assert received == [Options(art=tmp_path, out=tmp_path / "out", init_from=tmp_path / "nano", rate=0.5)]


def test_an_interruption_says_how_to_continue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(stages, "run", interrupted)
    code, (line,) = run_failing(monkeypatch, capsys, "--art", tmp_path, "--out", tmp_path / "out")
    assert code == 130 and line == "interrupted; the same command continues from the last checkpoints"
