"""The units for systemd, checked by systemd itself."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from brandpress.pipeline.run.systemd import SERVICE, TIMER, systemd_units


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze isn't installed")
    folder = tmp_path / 'jobs of 100% $HOME "quoted"'
    folder.mkdir()
    files = []
    for name, text in systemd_units([folder], "s3://assets/northwind").items():
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
