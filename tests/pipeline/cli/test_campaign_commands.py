"""validate, plan and lock as users type them: states, selections, saved plans, and plans without a model's weights."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from brandpress.pipeline.cli import app as cli
from tests.campaigns import draw_reference, plan_of, write_campaign
from tests.pipeline.deliver.rendered import render

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """A job whose pictures are all published."""
    file = write_campaign(tmp_path, {"a": "one", "b": "two"})
    render(plan_of(file))
    return file


def run(capsys: Capture, *arguments: object) -> tuple[int, str, str]:
    """Runs a command line; returns its exit code, stdout and stderr."""
    code = cli.run([str(argument) for argument in arguments])
    output = capsys.readouterr()
    return code, output.out, output.err


def run_json(capsys: Capture, *arguments: object) -> tuple[int, dict[str, Any]]:
    code, out, _ = run(capsys, *arguments, "--json")
    return code, json.loads(out)


def test_plan_says_which_reference_changed(job: Path, capsys: Capture) -> None:
    assert run(capsys, "plan", job, "--check")[0] == 0
    old = plan_of(job).campaign.brand.pictures["mug.png"].sha256
    draw_reference(job.parent / "mug.png", "#000000")
    new = plan_of(job).campaign.brand.pictures["mug.png"].sha256
    code, out, _ = run(capsys, "plan", job, "--check")
    assert code == 2
    assert "0 new, 2 stale, 2 unchanged, 0 held back, 0 orphaned" in out
    change = f"reference product mug.png: {old[:8]} → {new[:8]}"
    assert f"       2  {change}\n" in out
    assert f"changes\n~ mug/a  stale: {change}\n~ mug/b  stale: {change}\n\n" in out
    code, values = run_json(capsys, "plan", job, "--first", 0)
    assert (code, values["schema"]) == (0, "brandpress.plan-summary/2")
    assert values["states"] == {"new": 0, "stale": 2, "unchanged": 2, "held_back": 0, "orphaned": 0}
    assert values["reasons"] == [
        {"field": "reference", "subject": "product mug.png", "before": old, "after": new, "variants": 2}
    ]
    assert [one["name"] for one in values["list"]] == ["mug/a", "mug/b"]
    assert values["list"][0]["changes"] == [
        {"field": "reference", "before": old, "after": new, "subject": "product mug.png"}
    ]
    code, out, _ = run(capsys, "plan", job, "--markdown")
    assert f"- `{change}`: 2 variants" in out


def test_a_changed_prompt_is_shown_word_by_word(job: Path, capsys: Capture) -> None:
    job.write_text(job.read_text().replace('"one"', '"at dawn"'))
    _, out, _ = run(capsys, "plan", job, "--select", "product:mug", "--select", "state:stale")
    assert "selected\n~ mug/a  stale: prompt: a mug [-one-] {+at dawn+}\n\n" in out
    assert "1 variant by product:mug state:stale" in out
    _, values = run_json(capsys, "plan", job, "--select", "mug/*")
    assert [(one["name"], one["state"]) for one in values["list"]] == [("mug/a", "stale"), ("mug/b", "unchanged")]
    assert values["list"][0]["changes"][0]["diff"] == "a mug [-one-] {+at dawn+}"


def test_long_lists_are_cut(job: Path, capsys: Capture) -> None:
    shutil.rmtree(job.parent / "out")
    _, out, _ = run(capsys, "plan", job, "--show", 1)
    assert "changes\n+ mug/a  new\nand 3 more; --show lists more, --json all of them\n" in out
    assert run_json(capsys, "plan", job, "--show", 1)[1]["list_total"] == 4
    assert "changes" not in run(capsys, "plan", job, "--show", 0)[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--select", "prodct:mug"], "there is no key 'prodct'"),
        (["--select", "state:stael"], "did you mean 'stale'?"),
    ],
)
def test_wrong_options(arguments: list[str], message: str, job: Path, capsys: Capture) -> None:
    code, out, err = run(capsys, "plan", job, *arguments)
    assert (code, out) == (1, "")
    assert message in err


def test_a_selection_that_matches_nothing_is_a_note(job: Path, capsys: Capture) -> None:
    code, out, _ = run(capsys, "plan", job, "--select", "product:botle", "--check")
    assert code == 0
    assert "no variant matches" in out
    assert "did you mean 'bottle'" in " ".join(out.split())


def test_a_plan_is_saved_and_refused_after_a_change(job: Path, tmp_path: Path, capsys: Capture) -> None:
    draw_reference(job.parent / "mug.png", "#000000")
    saved = tmp_path / "spring.plan"
    code, _, err = run(capsys, "plan", job, "-o", saved, "--select", "mug/a")
    assert code == 0
    assert err == f"saved 1 variant to render: brandpress render {saved}\n"
    values = json.loads(saved.read_text())
    assert (values["schema"], values["job"]) == ("brandpress.plan/1", "spring.yaml")
    assert [variant["name"] for variant in values["variants"]] == ["mug/a"]
    code, _, err = run(capsys, "plan", saved)
    assert code == 1
    assert "this is a saved plan; render it with" in err
    for option in (["--limit", 1], ["--retry-failed"], ["--select", "a"], ["--deliver", "x"]):
        code, _, err = run(capsys, "render", saved, *option)
        assert code == 1
        assert f"{option[0]}: {saved} is a saved plan" in err
    draw_reference(job.parent / "bottle.png", "#000000")
    code, _, err = run(capsys, "render", saved)
    assert code == 1
    assert "this plan is no longer valid; nothing was rendered" in err
    assert "  reference 'bottle.png': " in err


def test_a_plan_replaces_no_other_file(job: Path, capsys: Capture) -> None:
    before = job.read_text()
    code, _, err = run(capsys, "plan", job, "--out", job)
    assert code == 1
    assert "exists and isn't a saved plan" in err
    assert job.read_text() == before


def test_a_plan_that_cannot_read_the_store_is_not_saved(job: Path, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "file").write_text("x")
    code, _, err = run(capsys, "plan", job, "--deliver", "s3://-", "-o", tmp_path / "a.plan")
    assert code == 1
    assert "--deliver" in err
    assert not (tmp_path / "a.plan").exists()


def test_without_weights_a_lock_is_enough(job: Path, tmp_path: Path, capsys: Capture) -> None:
    lock = job.with_suffix(".lock")
    code, values = run_json(capsys, "lock", job)
    assert (code, values["schema"], values["file"]) == (0, "brandpress.lock-summary/1", str(lock))
    shutil.move(tmp_path / "checkpoint", tmp_path / "elsewhere")
    assert run(capsys, "validate", job, "--locked")[0] == 0
    assert run(capsys, "plan", job, "--check", "--locked")[0] == 0
    code, out, _ = run(capsys, "plan", job)
    assert "as spring.lock has it, because its files aren't here" in " ".join(out.split())
    assert "memory" not in out
    _, values = run_json(capsys, "plan", job)
    assert (values["lock"]["replaces_files"], values["lock"]["differences"], values["memory"]) == (True, [], None)
    draw_reference(tmp_path / "mug.png", "#000000")
    assert run(capsys, "plan", job, "--check")[0] == 2
    code, _, err = run(capsys, "plan", job, "--locked")
    assert code == 1
    assert "reference 'mug.png'" in err
    code, _, err = run(capsys, "render", job)
    assert code == 4  # it needs the weights
    lock.unlink()
    assert run(capsys, "plan", job)[0] == 4
    code, _, err = run(capsys, "validate", job)
    assert code == 1
    assert "checkpoint" in err


def test_a_render_holds_itself_to_the_lock(job: Path, tmp_path: Path, capsys: Capture) -> None:
    assert run(capsys, "lock", job)[1] == f"{job.with_suffix('.lock')}\n"
    index = tmp_path / "checkpoint" / "model_index.json"
    index.write_text(index.read_text() + "\n")
    code, out, _ = run(capsys, "plan", job)
    assert code == 0
    assert "warning:" in out
    code, _, err = run(capsys, "render", job)
    assert code == 1
    assert "spring.lock is outdated (weights_digest: " in err
    assert run(capsys, "lock", job)[0] == 0
    assert "warning:" not in run(capsys, "plan", job)[1]
    code, _, err = run(capsys, "plan", job, "--locked", "--deliver", tmp_path / "other")
    assert code == 0
    lock = job.with_suffix(".lock")
    lock.unlink()
    code, _, err = run(capsys, "render", job, "--locked")
    assert code == 1
    assert f"--locked: there is no {lock}" in err


def test_a_lock_replaces_no_other_file(job: Path, capsys: Capture) -> None:
    code, _, err = run(capsys, "lock", job, "--out", job)
    assert code == 1
    assert "exists and isn't a lock" in err


def test_a_lock_replaces_no_other_campaigns_lock(job: Path, capsys: Capture) -> None:
    """`spring.yaml` and `spring.yml` have the same `spring.lock`."""
    assert run(capsys, "lock", job)[0] == run(capsys, "lock", job)[0] == 0
    other = job.with_suffix(".yml")
    other.write_text(job.read_text().replace('"campaign": "spring"', '"campaign": "summer"'))
    code, _, err = run(capsys, "lock", other)
    lock = job.with_suffix(".lock")
    assert (code, f"{lock}: this is the lock of the campaign 'spring', not of 'summer'; " in err) == (1, True), err
    content = json.loads(lock.read_text())
    lock.write_text(json.dumps({"schema": content["schema"], "campaign": "spring"}))
    assert run(capsys, "lock", other)[0] == 0, "an invalid one is replaced"


def test_status_and_sheet_of_a_selection(job: Path, tmp_path: Path, capsys: Capture) -> None:
    code, values = run_json(capsys, "status", job, "--select", "product:mug")
    assert (code, values["counts"]["planned"], values["counts"]["done"]) == (0, 2, 2)
    draw_reference(tmp_path / "mug.png", "#000000")
    assert run_json(capsys, "status", job, "--select", "state:stale")[1]["counts"]["planned"] == 2
    code, _, err = run(capsys, "status", job, "--select", "state:orphaned")
    assert (code, "no variant matches" in err) == (1, True)
    code, _, err = run(capsys, "sheet", job, "--select", "bottle/*", "--out", tmp_path / "sheet.png")
    assert code == 3  # the pictures of this test are no pictures
    assert err.splitlines()[-1].startswith("2 placeholders on the sheet")
    assert all("bottle/" in line for line in err.splitlines()[:-1])
