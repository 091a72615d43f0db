"""The units for systemd, checked by systemd itself."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from brandpress.model.errors import RequestError
from brandpress.pipeline.cli import app as cli
from brandpress.pipeline.run.systemd import SERVICE, TIMER, systemd_units
from tests.campaigns import write_campaign


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
    job = str(write_campaign(tmp_path, 1, schedule={"cron": "0 3 * * MON"}))
    assert cli.run(["export", "systemd", job]) == 0
    shown = capsys.readouterr()
    assert "User=" not in shown.out
    assert shown.err == ""
    for user, warning in {
        "root": "",
        "12345": "",
        "nobody-here": "warning: --user 'nobody-here': this machine has no such user, so the units fail on it\n",
    }.items():
        assert cli.run(["export", "systemd", job, "--user", user]) == 0
        shown = capsys.readouterr()
        assert f"[Service]\nType=oneshot\nUser={user}\nExecStart=" in shown.out
        assert shown.err == warning


def test_a_folder_without_a_scheduled_job_is_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_campaign(tmp_path, 1)
    assert cli.run(["schedule", str(tmp_path), "--list"]) == 0
    listed = capsys.readouterr().err
    assert cli.run(["export", "systemd", str(tmp_path)]) == 0
    shown = capsys.readouterr()
    assert shown.err == listed
    assert listed.startswith("nothing is scheduled: ")
    assert SERVICE in shown.out


def test_the_folder_of_the_units_may_not_be_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = write_campaign(tmp_path, 1, schedule={"cron": "0 3 * * MON"})
    for out in (job, job / "units"):
        assert cli.run(["export", "systemd", str(job), "--out", str(out)]) == 1
        assert f"--out: the folder {out} can't be made: " in capsys.readouterr().err


def test_what_cant_be_scheduled_isnt_exported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = write_campaign(tmp_path / "jobs", 1, schedule={"cron": "0 3 * * MON"}, model="nanoo")
    write_campaign(tmp_path / "more", 1, schedule={"cron": "0 3"})
    missing, out = tmp_path / "missing", tmp_path / "units"
    for path, problem in {
        missing: f"{missing}: there is no such file or folder",
        job.parent: "nanoo",
        tmp_path / "more": "schedule.cron: '0 3' has 2 fields",
    }.items():
        assert cli.run(["schedule", str(path), "--list"]) == 1
        assert problem in "".join(capsys.readouterr())
        assert cli.run(["export", "systemd", str(path), "--out", str(out)]) == 1
        shown = capsys.readouterr()
        assert problem in shown.err
        assert shown.out == ""
        assert not out.exists()


@pytest.mark.parametrize("wrong", ["", "a b", "%u", "-x", "me\nExecStart=/bin/sh"])
def test_a_user_who_cant_exist_is_refused(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(RequestError, match=r"--user .*: allowed: the name of a user"):
        systemd_units([tmp_path], user=wrong)
