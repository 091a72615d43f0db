"""The units for systemd, checked by systemd itself."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from brandpress.model.errors import RequestError
from brandpress.pipeline.cli import app as cli
from brandpress.pipeline.run.systemd import SERVICE, TIMER, systemd_units


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze isn't installed")
    folder = tmp_path / 'jobs of 100% $HOME "quoted"'
    folder.mkdir()
    files = []
    for name, text in systemd_units([folder], "s3://assets/northwind", "daemon").items():
        files.append(tmp_path / name)
        files[-1].write_text(text)
    completed = subprocess.run(
        ["systemd-analyze", "verify", *map(str, files)], capture_output=True, text=True, check=False
    )
    complaints = [line for line in completed.stderr.splitlines() if str(tmp_path) in line or "brandpress" in line]
    assert complaints == []
    assert completed.returncode == 0, completed.stderr


def test_special_characters_are_taken_literally(tmp_path: Path) -> None:
    units = systemd_units([tmp_path / '50% "off" $x'])
    assert list(units) == [SERVICE, TIMER]
    (command,) = (line for line in units[SERVICE].splitlines() if line.startswith("ExecStart="))
    assert command.endswith(f' schedule --once "{tmp_path}/50%% \\"off\\" $$x"')


def test_a_relative_address_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The units run in `/`."""
    monkeypatch.chdir(tmp_path)
    assert f" --deliver {tmp_path}/out\n" in systemd_units([Path("jobs")], "out")[SERVICE]
    assert " --deliver s3://assets/northwind\n" in systemd_units([Path("jobs")], "s3://assets/northwind")[SERVICE]


def test_the_user_is_root_or_another_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["export", "systemd", str(tmp_path)]) == 0
    assert "User=" not in capsys.readouterr().out
    assert cli.run(["export", "systemd", str(tmp_path), "--user", "brandpress"]) == 0
    assert "[Service]\nType=oneshot\nUser=brandpress\nExecStart=" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", ["", "a b", "%u", "-x", "me\nExecStart=/bin/sh"])
def test_a_user_who_cant_exist_is_refused(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(RequestError, match=r"--user .*: allowed: the name of a user"):
        systemd_units([tmp_path], user=wrong)
