"""The commands from render to sheet, typed as users type them; with the stand-in unless a test says otherwise."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file, save_file

from brandpress.model import nano
from brandpress.pipeline.cli import app as cli
from brandpress.pipeline.render.driver.cluster import Resources
from brandpress.pipeline.render.driver.host_warnings import NOT_COMPILED
from tests.campaigns import write_campaign
from tests.model.small import save_small
from tests.pipeline.spec.pictures import png

NANO = Path(nano.__file__).parent / "weights"
STAND_IN = "tests.stand_in:load"


def run(
    capsys: pytest.CaptureFixture[str], *arguments: object, renderer: str | None = STAND_IN
) -> tuple[int, str, str]:
    """Runs a command line; returns its exit code, stdout and stderr. renderer: None for the model's."""
    code = cli.run([str(argument) for argument in arguments], renderer=renderer)
    output = capsys.readouterr()
    return code, output.out, output.err


def run_json(
    capsys: pytest.CaptureFixture[str], *arguments: object, renderer: str | None = STAND_IN
) -> tuple[int, dict[str, Any]]:
    """Runs a command line with `--json`; returns its exit code and output."""
    code, out, _ = run(capsys, *arguments, "--json", renderer=renderer)
    return code, json.loads(out)


@pytest.mark.usefixtures("ray")
def test_a_campaign_from_render_to_sheet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = write_campaign(tmp_path, 2)
    code, summary = run_json(capsys, "status", job)
    counts = {name: count for name, count in summary["counts"].items() if count}
    assert (code, counts) == (0, {"planned": 4, "missing": 4})
    code, out, err = run(capsys, "render", job, "--workers", 2)
    assert code == 0
    assert out.startswith("spring: done\n4 planned: 0 done before, 4 rendered now, 0 failed, 0 left\n")
    assert "[4/4] " in err
    code, summary = run_json(capsys, "render", job)
    assert (code, summary["counts"]["skipped"], summary["counts"]["done"]) == (0, 4, 0)
    code, status = run_json(capsys, "status", job)
    assert (code, status["counts"]["done"], status["manifest"]) == (0, 4, summary["manifest"])
    code, out, _ = run(capsys, "verify", job)
    assert code == 0
    assert "8 objects" in out
    code, out, _ = run(capsys, "sheet", job, "--out", tmp_path / "sheet.png", "--columns", 2)
    assert code == 0
    assert out == f"{tmp_path / 'sheet.png'}\n"
    assert Image.open(tmp_path / "sheet.png").format == "PNG"


@pytest.mark.usefixtures("ray")
def test_a_selection_and_a_saved_plan_are_rendered_and_nothing_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job, saved = write_campaign(tmp_path, {"a": "here", "b": "there", "bad": "[raise]"}), tmp_path / "spring.plan"
    code, out, _ = run(capsys, "render", job, "--select", "mug/*", "--select", "!scene:bad")
    assert code == 0
    assert out.startswith("spring: done\n6 planned: 0 done before, 2 rendered now, 0 failed, 4 not selected, 0 left\n")
    assert run(capsys, "render", job, "--select", "scene:c")[0] == 1
    assert run(capsys, "plan", job, "--out", saved, "--select", "bottle/a", "--select", "state:new")[0] == 0
    code, summary = run_json(capsys, "render", saved)
    assert (code, summary["counts"]["skipped"], summary["counts"]["done"]) == (0, 2, 1)
    assert (summary["counts"]["not_selected"], summary["counts"]["left"]) == (3, 0)
    code, status = run_json(capsys, "status", job)
    assert (status["counts"]["done"], status["manifest"]) == (3, summary["manifest"])
    code, out, err = run(capsys, "render", saved)
    assert (code, out) == (1, "")
    assert "the store's latest manifest: " in err
    record = next((tmp_path / "out" / "spring" / "records").iterdir())
    assert json.loads(record.read_text())["model"]["sampler"].startswith("euler")


@pytest.mark.usefixtures("ray")
def test_failures_are_listed_and_the_exit_code_is_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = write_campaign(tmp_path, {"good": "here", "bad": "[raise]"}, products=("mug",))
    code, out, err = run(capsys, "render", job)
    assert code == 3
    assert "failed: mug/bad: RuntimeError: the stand-in was asked to fail\n" in out
    assert "failed: mug/bad" in err
    code, summary = run_json(capsys, "status", job)
    assert code == 0
    assert summary["failed"] == [
        {"name": "mug/bad", "cause": "RuntimeError: the stand-in was asked to fail", "quarantined": False}
    ]


@pytest.mark.slow
@pytest.mark.usefixtures("ray")
def test_quarantined_variants_are_no_work_until_retry_failed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = write_campaign(tmp_path, {"good": "here", "poison": "[exit]", "bad": "[raise]"}, products=("mug",))
    code, out, _ = run(capsys, "render", job)
    assert code == 3
    assert "\nquarantined: mug/poison: its worker was lost while it was rendered: its process died (given up)\n" in out
    assert "\nfailed: mug/bad: RuntimeError: the stand-in was asked to fail\n" in out
    code, out, _ = run(capsys, "plan", job, "--check")
    assert code == 2
    assert "3: 1 done, 1 held back, 1 to render" in out
    code, summary = run_json(capsys, "render", job, "--retry-failed", "--deadline", 30)
    assert code == 3
    assert (summary["counts"]["failed"], summary["counts"]["held_back"], summary["counts"]["skipped"]) == (2, 0, 1)
    (tmp_path / "spring.yaml").write_text((tmp_path / "spring.yaml").read_text().replace("[raise]", "[sleep 0]"))
    assert run(capsys, "render", job)[0] == 3
    assert run(capsys, "plan", job, "--check")[0] == 0


@pytest.mark.usefixtures("ray")
def test_rollback_and_clean(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = write_campaign(tmp_path, {"one": "here"}, products=("mug",))
    assert run(capsys, "render", job)[0] == 0
    (first,) = (tmp_path / "out" / "spring" / "assets").rglob("*.png")
    job.write_text(job.read_text().replace("here", "there"))
    assert run(capsys, "render", job)[0] == 0
    code, out, _ = run(capsys, "rollback", job, "--list")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["2", "1"]
    assert "<- latest" in out.splitlines()[0]
    code, values = run_json(capsys, "rollback", job)
    assert (code, values["latest"]) == (0, "manifests/00000001/manifest.json")
    assert [manifest["number"] for manifest in values["manifests"]] == [2, 1]
    code, _, err = run(capsys, "rollback", job, "--to", 9)
    assert (code, err) == (1, "--to 9: there is no such manifest; allowed: 1, 2\n")
    assert run(capsys, "render", job)[0] == 0, "a render publishes what the job says"
    assert run(capsys, "clean", job, "--keep", 1, "--yes")[1].startswith("0 objects"), "all objects are young"
    code, values = run_json(capsys, "clean", job, "--keep", 1, "--hours", 0)
    assert (code, values["deleted"], values["kept_manifests"]) == (0, False, [3])
    assert f"assets/mug/{first.name}" in [entry["key"] for entry in values["objects"]]
    assert first.exists()
    code, out, _ = run(capsys, "clean", job, "--keep", 1, "--hours", 0, "--yes")
    assert (code, first.exists()) == (0, False)
    assert out.startswith(f"{len(values['objects'])} objects, ")
    code, out, _ = run(capsys, "verify", job)
    assert code == 0
    assert out.splitlines()[-1].endswith("0 missing, 0 changed, 0 unknown")


@pytest.mark.usefixtures("ray")
def test_deliver_and_limit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = write_campaign(tmp_path, 3)
    code, summary = run_json(capsys, "render", job, "--deliver", tmp_path / "elsewhere", "--limit", 2)
    assert (code, summary["counts"]["done"], summary["counts"]["left"]) == (0, 2, 4)
    assert summary["folder"] == str(tmp_path / "elsewhere" / "spring")
    assert len(list((tmp_path / "elsewhere").rglob("*.png"))) == 2
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("options", "warnings"), [((), 0), (("--compile",), 1)])
@pytest.mark.usefixtures("ray")
def test_compile_is_passed_on_and_a_missing_compiler_warned_about(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], warnings: int
) -> None:
    """The stand-in reports no compiler."""
    code, _, err = run(capsys, "render", write_campaign(tmp_path, 1), *options)
    assert (code, err.count(f"warning: {NOT_COMPILED}\n")) == (0, warnings)


@pytest.mark.usefixtures("ray")
def test_verify_exits_with_3_if_a_picture_was_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = write_campaign(tmp_path, 1)
    run(capsys, "render", job)
    picture = next((tmp_path / "out").rglob("*.png"))
    picture.write_bytes(picture.read_bytes() + b"!")
    code, values = run_json(capsys, "verify", job)
    assert code == 3
    assert [problem["kind"] for problem in values["problems"]] == ["changed"]
    code, out, _ = run(capsys, "verify", job)
    assert code == 3
    assert f"changed: {picture.relative_to(tmp_path / 'out' / 'spring')}" in out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["render", "JOB", "--deliver", "gs://bucket/x"], 1, "gs"),
        (["render", "JOB", "--workers", "0"], 1, "--workers"),
        (["render", "JOB", "--limit", "-1"], 1, "--limit"),
        (["render", "no-such-job.yaml"], 1, "no-such-job.yaml"),
        (["verify", "JOB"], 4, "nothing is published here yet"),
        (["sheet", "JOB"], 4, "nothing is published here yet"),
    ],
)
def test_errors_are_printed_on_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, words: str
) -> None:
    job = write_campaign(tmp_path, 1)
    exit_code, out, err = run(capsys, *[str(job) if argument == "JOB" else argument for argument in arguments])
    assert (exit_code, out) == (code, "")
    assert words in err
    assert "Traceback" not in err


@pytest.mark.slow
def test_a_model_without_weights_exits_with_its_error(
    ray: Resources, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "render", write_campaign(tmp_path, 1), renderer=None)
    assert (code, out) == (4, "")
    assert "no worker could start: " in err
    assert "Traceback" not in err


@pytest.mark.slow
def test_the_real_model_renders_the_same_pictures_with_one_worker_and_two(
    ray: Resources, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A small random FLUX.2 [klein] KV with three reference sets."""
    checkpoint = save_small("klein-kv", tmp_path / "small")
    pictures: list[dict[str, Any]] = []
    for workers in (1, 2):
        job = write_campaign(
            tmp_path / str(workers), 2, products=("mug", "bottle", "lamp"), model=str(checkpoint), size="64x96"
        )
        code, summary = run_json(capsys, "render", job, "--workers", workers, renderer=None)
        assert (code, summary["counts"]["done"]) == (0, 6)
        assert set(summary["cache"]) == {"text", "projection", "latents", "reference_kv", "modulations", "rope"}
        folder = tmp_path / str(workers) / "out" / "spring"
        pictures.append({str(file.relative_to(folder)): np.asarray(Image.open(file)) for file in folder.rglob("*.png")})
        assert run(capsys, "verify", job)[0] == 0
    one, two = pictures
    assert one.keys() == two.keys()
    for name, pixels in one.items():
        assert pixels.shape == (96, 64, 3)
        assert pixels.std() > 5
        assert np.abs(pixels.astype(int) - two[name].astype(int)).max() <= 1


@pytest.mark.usefixtures("ray")
def test_commands_on_a_published_campaign_need_neither_references_nor_the_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = write_campaign(tmp_path, 2)
    assert run(capsys, "render", job)[0] == 0
    (tmp_path / "mug.png").unlink()
    (tmp_path / "checkpoint").rename(tmp_path / "elsewhere")
    code, status = run_json(capsys, "status", job)
    assert (code, status["counts"]["done"]) == (0, 4)
    assert "mug.png" in status["note"]
    assert run(capsys, "verify", job)[0] == 0
    assert run(capsys, "rollback", job, "--list")[0] == 0
    assert run(capsys, "clean", job)[0] == 0
    code, _, err = run(capsys, "sheet", job, "--out", tmp_path / "sheet.png")
    assert code == 0
    assert "drawing the sheet without reference pictures" in err


@pytest.mark.usefixtures("ray")
def test_writing_commands_refuse_another_jobs_campaign(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = write_campaign(tmp_path, 2)
    run(capsys, "render", job)
    copy = tmp_path / "copy.yaml"
    copy.write_text(job.read_text())
    for command in (["render"], ["clean"], ["rollback"], ["plan", "--check"]):
        code, _, err = run(capsys, command[0], copy, *command[1:])
        assert (code, "'spring.yaml', not 'copy.yaml'" in err) == (1, True)
    assert run(capsys, "clean", copy, "--take-over")[0] == 0
    for command in (["status"], ["verify"], ["rollback", "--list"]):
        assert run(capsys, command[0], copy, *command[1:])[0] == 0


@pytest.mark.slow
def test_a_model_with_broken_weights_ends_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One weight of nano is NaN."""
    shutil.copytree(NANO, tmp_path / "broken")
    file = next((tmp_path / "broken" / "transformer").glob("*.safetensors"))
    weights = load_file(file)
    name = next(name for name in sorted(weights) if name.startswith("single") and weights[name].ndim == 2)
    weights[name][0, 0] = math.nan
    save_file(weights, file)
    job = write_campaign(tmp_path, 2, model="broken", size="64x64")
    code, out, err = run(capsys, "render", job, renderer=None)
    assert code == 4
    assert "the first 3 pictures failed: the model returned NaN instead of a picture; the weights of broken are" in err
    assert "Traceback" not in out + err
    assert not list((tmp_path / "out").rglob("*.png"))
    assert not list((tmp_path / "out").rglob("latest.json"))
    code, status = run_json(capsys, "status", job)
    assert (code, status["counts"]["done"]) == (0, 0)
    assert {failure["cause"] for failure in status["failed"]} == {"the model returned NaN instead of a picture"}


@pytest.mark.usefixtures("ray")
def test_a_sheet_with_a_missing_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = write_campaign(tmp_path, 2)
    assert run(capsys, "render", job)[0] == 0
    missing = next((tmp_path / "out").rglob("*.png"))
    missing.unlink()
    code, out, err = run(capsys, "sheet", job, "--out", tmp_path / "sheet.jpg")
    assert (code, out) == (3, f"{tmp_path / 'sheet.jpg'}\n")
    assert f"{missing.name}: the picture is missing\n1 placeholder on the sheet; `brandpress verify`" in err
    assert Image.open(tmp_path / "sheet.jpg").format == "JPEG"
    code, out, err = run(capsys, "sheet", job, "--out", tmp_path / "sheet.bmp")
    assert (code, out) == (1, "")
    assert "the suffix '.bmp' is no picture format; allowed: .png, .jpg, .jpeg, .webp" in err


def test_warnings_about_a_reference(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`validate` shows them with their place, `plan` without, and both succeed."""
    job = write_campaign(tmp_path, 1, products=("mug",))
    Image.new("RGB", (96, 80), "teal").save(tmp_path / "mug.png", icc_profile=b"broken")
    warning = "the picture 'mug.png' has a broken colour profile; its colours are taken as sRGB"
    for file in (job, tmp_path / "brand.yaml"):
        code, out, err = run(capsys, "validate", file)
        assert (code, "ok" in out) == (0, True)
        assert err.startswith(f"{tmp_path / 'brand.yaml'}:1:")
        assert err.endswith(f": warning: {warning}\n")
    code, validation = run_json(capsys, "validate", job)
    assert (code, validation["files"][0]["warnings"][0]["what"]) == (0, f"warning: {warning}")
    code, summary = run_json(capsys, "plan", job)
    assert (code, warning in summary["warnings"]) == (0, True)


def test_a_plan_counts_the_memory_of_large_references(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = write_campaign(tmp_path, 1, products=("mug",))
    assert run_json(capsys, "plan", job)[1]["reference_memory"] == {"kept": 4 * 96 * 80, "decoding": 16 * 96 * 80}
    (tmp_path / "mug.png").write_bytes(png(10_000, 6_000, 8, 0, bytes(10_000)))
    memory = run_json(capsys, "plan", job)[1]["reference_memory"]
    assert memory == {"kept": 4 * 1024 * 1024, "decoding": 16 * 60_000_000}
    assert "1.0 GB while the largest picture is scaled down" in " ".join(run(capsys, "plan", job)[1].split())
