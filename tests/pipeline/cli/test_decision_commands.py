"""`reject`, `pick` and `verify --repair` as users type them, with the stand-in for the model."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from brandpress.pipeline.cli import app as cli
from brandpress.pipeline.deliver import author, choose
from brandpress.pipeline.store.folder import open_campaign
from tests.campaigns import write_campaign
from tests.runs import listed, run_of

ROOT = Path(__file__).parents[3]
STAND_IN = "tests.stand_in:load"
COMMAND = "import sys; from brandpress.pipeline.cli.app import run; sys.exit(run(sys.argv[2:], renderer=sys.argv[1]))"


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Runs a command line; returns its exit code, stdout and stderr."""
    code = cli.run([str(argument) for argument in arguments], renderer=STAND_IN)
    output = capsys.readouterr()
    return code, output.out, output.err


def run_json(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict[str, Any]]:
    code, out, err = run(capsys, *arguments, "--json")
    assert out, err
    return code, json.loads(out)


@pytest.fixture
def job(tmp_path: Path) -> Path:
    return write_campaign(
        tmp_path, {"beach": "on a beach"}, products=("mug",), seeds=2, output={"name": "{{ product }}-s{{ seed }}"}
    )


@pytest.mark.usefixtures("ray")
def test_a_rejected_picture_is_rendered_again_with_the_next_seed(job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = open_campaign(str(job.parent / "out"), "spring")
    assert run(capsys, "render", job)[0] == 0
    before = listed(folder)
    code, out, _ = run(capsys, "reject", job, "mug-s0", "--reason", "an ear is missing", "--by", "ana")
    assert (code, out) == (
        0,
        "mug-s0: rejected\n1 picture rejected; run `brandpress render` to publish the change\n",
    )
    code, plan = run_json(capsys, "plan", job, "--check")
    assert (code, plan["variants"], plan["done"], plan["to_render"]) == (2, 2, 1, 1)
    assert run_json(capsys, "status", job)[1]["counts"]["missing"] == 1
    code, outcome = run_json(capsys, "render", job)
    assert (code, outcome["counts"]["done"], outcome["counts"]["skipped"]) == (0, 1, 1)
    after = listed(folder)
    assert (after["mug-s0"]["seed"], after["mug-s1"]) == (2, before["mug-s1"])
    assert before["mug-s0"]["asset"] not in {fields["asset"] for fields in after.values()}
    assert (job.parent / "out" / "spring" / after["mug-s0"]["asset"]).exists()
    assert run(capsys, "plan", job, "--check")[0] == 0
    assert run(capsys, "verify", job)[1].endswith("0 missing, 0 changed, 0 unknown\n")
    code, out, _ = run(capsys, "reject", job, "--list")
    assert code == 0
    assert out.startswith("mug-s0: rejected by ana, 20")
    assert out.endswith(" UTC: an ear is missing\n")


def test_pick_without_the_model(job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_of(job)
    (job.parent / "checkpoint").rename(job.parent / "away")
    (job.parent / "mug.png").rename(job.parent / "away.png")
    code, values = run_json(capsys, "pick", job, "mug-s1", "--by", "ana")
    [picked] = values.pop("decisions")
    assert (code, values) == (
        0,
        {
            "schema": "brandpress.decisions/1",
            "action": "decide",
            "decision": "picked",
            "folder": str(job.parent / "out" / "spring"),
            "overtaken": [],
            "outdated": [],
            "replaced": [],
        },
    )
    assert picked.keys() == {"name", "render_key", "sha256", "decision", "reason", "by", "at"}
    (job.parent / "away").rename(job.parent / "checkpoint")
    (job.parent / "away.png").rename(job.parent / "mug.png")
    code, plan = run_json(capsys, "plan", job, "--check")
    assert (code, plan["removals"], plan["picked_out"], plan["variants"]) == (2, 1, 1, 2)
    run_of(job)
    assert run(capsys, "plan", job, "--check")[0] == 0
    assert "2: 1 done, 0 to render, 1 picked out" in run(capsys, "plan", job)[1]
    assert "2 planned: 1 done, 0 failed, 0 missing, 1 picked out\n" in run(capsys, "status", job)[1]
    assert "1 of 2 done, 1 picked out  <- latest" in run(capsys, "rollback", job, "--list")[1]
    assert run(capsys, "pick", job, "--list")[1].startswith("mug-s1: picked by ana, ")
    code, out, _ = run(capsys, "pick", job, "mug-*", "--undo")
    assert (code, out.splitlines()[0]) == (0, "mug-s1: no longer picked")
    assert run(capsys, "pick", job, "--list")[1] == "no picture is picked\n"


def test_a_decision_that_replaces_another_names_it(job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_of(job)
    assert run(capsys, "reject", job, "mug-s0", "--by", "ben", "--reason", "no ear")[2] == ""
    code, out, err = run(capsys, "pick", job, "mug-s0", "--by", "ana")
    assert (code, out.splitlines()[0]) == (0, "mug-s0: picked")
    assert err.startswith("this replaces an earlier decision: mug-s0: rejected by ben, 20")
    assert err.endswith(" UTC: no ear\n")
    code, printed = run_json(capsys, "reject", job, "mug-s0", "--by", "ana")
    assert (code, printed["replaced"]) == (0, ["mug-s0"])


def test_a_decision_of_somebody_else_meanwhile_is_named(
    job: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_of(job)
    assert run(capsys, "reject", job, "mug-s0", "--by", "ben")[0] == 0
    earlier = datetime(2026, 1, 2, tzinfo=UTC)
    monkeypatch.setattr(author, "now", lambda: earlier)
    monkeypatch.setattr(choose, "read_all_decisions", lambda folder, replaced: {})  # as if ben decided just after it
    code, out, err = run(capsys, "approve", job, "mug-*", "--by", "ana")
    assert (code, out.splitlines()[0]) == (3, "mug-s1: approved")
    assert "mug-s0: refused: ben decided later, " in err
    code, printed = run_json(capsys, "approve", job, "mug-s0", "--by", "ana")
    assert (code, printed["overtaken"], printed["decisions"]) == (3, ["mug-s0"], [])


def test_a_decision_about_an_outdated_picture_is_warned_about(job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_of(job)
    job.write_text(job.read_text().replace("on a beach", "in the snow"))
    run_of(job, only={"mug-s1"})
    code, _, err = run(capsys, "reject", job, "mug-*")
    assert (code, err.count("\n")) == (0, 1)
    assert err.startswith("warning: mug-s0: the published picture is of an earlier version of the job, ")


def test_the_plan_says_why_a_seed_changes(job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_of(job)
    run(capsys, "reject", job, "mug-s0")
    assert "~ mug-s0  stale: seed: 0 → 2, because the picture was rejected\n" in run(capsys, "plan", job)[1]
    job.write_text(job.read_text().replace("on a beach", "in the snow"))
    assert "because" not in run(capsys, "plan", job)[1]


@pytest.mark.parametrize("command", ["reject", "pick"])
def test_wrong_uses_of_the_decision_commands(job: Path, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    run_of(job)
    for arguments in ([], ["mug-s0", "--list"], ["--undo", "--list"]):
        code, _, err = run(capsys, command, job, *arguments)
        assert (code, err) == (1, "name the pictures (NAME…), or use --list alone to list all decisions\n")
    code, _, err = run(capsys, command, job, "mug-s0", "--undo", "--reason", "why")
    assert (code, err) == (1, "--by and --reason belong to a new decision; remove them, or --undo or --list\n")
    code, _, err = run(capsys, command, job, "mug-0")
    assert (code, err) == (1, "no picture of the name 'mug-0' is published; did you mean 'mug-s0'?\n")
    shutil.copy(job, job.parent / "other.yaml")
    code, _, err = run(capsys, command, job.parent / "other.yaml", "mug-s0")
    assert (code, "'spring.yaml', not 'other.yaml'" in err) == (1, True)
    assert run(capsys, command, job.parent / "other.yaml", "mug-s0", "--take-over")[0] == 0


@pytest.mark.usefixtures("ray")
@pytest.mark.parametrize("how", ["deleted", "corrupted"])
def test_repair_renders_a_lost_picture_again_and_the_manifest_stays(
    job: Path, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "render", job)
    asset = next((job.parent / "out" / "spring" / "assets").rglob("*.png"))
    original, latest = asset.read_bytes(), (job.parent / "out" / "spring" / "latest.json").read_bytes()
    asset.unlink() if how == "deleted" else asset.write_bytes(original[:-1])
    code, out, err = run(capsys, "verify", job, "--repair")
    assert (code, out.splitlines()[-2:]) == (
        0,
        ["0 pictures copied, 0 records rewritten, 1 picture rendered again", "intact now"],
    ), err
    assert asset.read_bytes() == original
    assert (job.parent / "out" / "spring" / "latest.json").read_bytes() == latest
    assert run(capsys, "verify", job)[0] == 0


@pytest.mark.usefixtures("ray")
def test_repair_renders_only_what_is_lost(job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The picture that it renders differs from the lost one, as after a change of hardware."""
    run_of(job, only={"mug-s0"})
    asset = next((job.parent / "out" / "spring" / "assets").rglob("*.png"))
    asset.unlink()
    code, values = run_json(capsys, "verify", job, "--repair")
    assert (code, values["schema"], values["intact"]) == (0, "brandpress.verification/1", True)
    assert [problem["kind"] for problem in values["problems"]] == ["missing"]
    assert values["repair"] == {
        "copied": [],
        "rewritten": [],
        "rendered": ["mug-s0"],
        "manifest": "manifests/00000002/manifest.json",
        "new_manifest": True,
        "left": [],
    }
    assert run_json(capsys, "status", job)[1]["counts"]["missing"] == 1, "the other seed wasn't rendered before"


@pytest.mark.usefixtures("ray")
def test_repair_publishes_again_if_the_manifest_is_broken(job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "render", job)
    folder = job.parent / "out" / "spring"
    (folder / "manifests" / "00000001" / "manifest.json").unlink()
    next((folder / "assets").rglob("*.png")).unlink()
    code, out, err = run(capsys, "verify", job, "--repair")
    assert (code, out.splitlines()[-1]) == (0, "intact now"), err
    assert "a new manifest was published, because what it lists has changed: " in out


@pytest.mark.usefixtures("ray")
def test_repair_of_another_jobs_campaign(job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "render", job)
    other = job.with_name("other.yaml")
    other.write_text(job.read_text())
    next((job.parent / "out" / "spring" / "assets").rglob("*.png")).unlink()
    code, _, err = run(capsys, "verify", other, "--repair")
    assert (code, "was published by the job file 'spring.yaml'" in err) == (1, True)
    code, out, err = run(capsys, "verify", other, "--repair", "--take-over")
    assert (code, out.splitlines()[-1]) == (0, "intact now"), err
    code, _, err = run(capsys, "verify", other, "--take-over")
    assert (code, err) == (1, "--take-over: only together with --repair; remove it, or add --repair\n")


def test_repair_without_rendering(job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_of(job)
    first, second = sorted((job.parent / "out" / "spring" / "assets").rglob("*.png"))
    first.unlink()
    next((job.parent / "out" / "spring" / "records").iterdir()).unlink()
    code, out, _ = run(capsys, "verify", job, "--repair", "--no-render")
    assert (code, out.splitlines()[-3:]) == (
        3,
        [
            "0 pictures copied, 1 record rewritten, 0 pictures rendered again",
            f"still missing: assets/{first.name}",
            "1 object left; `brandpress render` restores lost pictures",
        ],
    )
    assert run(capsys, "plan", job, "--check")[0] == 2
    (job.parent / "checkpoint").rename(job.parent / "away")
    code, out, err = run(capsys, "verify", job, "--repair")
    assert (code, "lost pictures can't be rendered on this machine" in err) == (3, True)
    assert "still missing: " in out
    code, _, err = run(capsys, "verify", job, "--no-render")
    assert (code, err) == (1, "--no-render: only together with --repair; remove it, or add --repair\n")
    assert second.exists()


@pytest.mark.slow
def test_decisions_and_repairs_on_s3(tmp_path: Path, s3_uri: str) -> None:
    """Each command in a process of its own, with its own Ray."""

    def command(*arguments: object) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-c", COMMAND, STAND_IN, *map(str, arguments)]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "build" / "checkout")))}
        return subprocess.run(
            words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False
        )

    job = write_campaign(
        tmp_path,
        {"beach": "on a beach"},
        products=("mug",),
        seeds=2,
        output={"name": "{{ product }}-s{{ seed }}"},
        deliver=s3_uri,
    )
    folder = open_campaign(s3_uri, "spring")
    assert command("render", job).returncode == 0
    before = listed(folder)
    assert command("reject", job, "mug-s0").returncode == 0
    assert command("plan", job, "--check").returncode == 2
    assert command("render", job).returncode == 0
    assert listed(folder)["mug-s0"]["seed"] == 2
    assert command("pick", job, "mug-s1").returncode == 0
    assert command("render", job).returncode == 0
    assert listed(folder) == {"mug-s1": before["mug-s1"]}
    folder.delete(before["mug-s1"]["asset"])
    repaired = command("verify", job, "--repair")
    assert (repaired.returncode, repaired.stdout.splitlines()[-1]) == (0, "intact now"), repaired.stderr
    assert listed(folder) == {"mug-s1": before["mug-s1"]}
    assert command("plan", job, "--check").returncode == 0
