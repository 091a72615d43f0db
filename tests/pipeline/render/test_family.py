"""Campaigns of every kind of model, from file to picture: real model classes, real Ray, BFL's protocol."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file

from brandpress.model import Renderer, RenderRequest
from brandpress.model.inference.preprocess import prepare_reference
from brandpress.pipeline.cli.app import run
from tests.bfl_server import COST, KEY, running_bfl_server
from tests.campaigns import write_campaign
from tests.model.other_layouts import bfl_fp8, each, is_block_linear, lora_file, prefixed, to_bfl, write
from tests.model.small import Small, levels_of

FILE = Path("transformer") / "diffusion_pytorch_model.safetensors"


def records(folder: Path) -> dict[str, dict[str, Any]]:
    """The records in a campaign's store, keyed by variant name."""
    records = [json.loads(file.read_bytes()) for file in (folder / "out" / "spring" / "records").glob("*.json")]
    return {record["name"]: record for record in records}


def picture(folder: Path, record: dict[str, Any]) -> Any:
    return levels_of(Image.open(folder / "out" / "spring" / record["asset"]))


@pytest.mark.usefixtures("ray")
@pytest.mark.slow
def test_dev_composed_from_files(small_of: Callable[[str], Small], tmp_path: Path) -> None:
    """A Comfy fp8 transformer, a LoRA, and a transparent reference scaled to another area."""
    dev = small_of("dev").folder
    plain = load_file(dev / FILE)
    fp8 = write(tmp_path / "dev-fp8.safetensors", prefixed(each(to_bfl(plain), is_block_linear, bfl_fp8)))
    lora_file(tmp_path / "style.safetensors", plain, "kohya")
    model = {
        "base": str(dev),
        "transformer": "dev-fp8.safetensors",
        "loras": [{"file": "style.safetensors", "scale": 0.7}],
        "quantise": "fp8",
    }
    fields: dict[str, Any] = {"quality": {"steps": 2, "guidance": 2.5}, "reference_pixels": 4900}
    job = write_campaign(tmp_path, 1, products=("mug",), model=model, **fields)
    brand = json.loads((tmp_path / "brand.yaml").read_text())
    (tmp_path / "brand.yaml").write_text(json.dumps({**brand, "background": "#1f4d3a"}))
    mug = Image.new("RGBA", (120, 90), (255, 0, 0, 0))
    mug.paste((0, 0, 255, 255), (30, 20, 90, 70))
    mug.save(tmp_path / "mug.png")
    assert run(["render", str(job)]) == 0
    (record,) = records(tmp_path).values()
    renderer = Renderer.load(
        str(dev),
        transformer=str(fp8),
        loras=[(str(tmp_path / "style.safetensors"), 0.7)],
        quantise="fp8",
        device="cpu",
    )
    flat = Image.new("RGB", mug.size, "#1f4d3a")
    flat.paste(mug, mask=mug.getchannel("A"))
    request = RenderRequest("a mug in scene 0", (flat,), 64, 64, steps=2, guidance=2.5, reference_pixels=4900)
    (expected,) = renderer.render([request])
    assert np.abs(picture(tmp_path, record) - levels_of(expected)).max() <= 1
    assert prepare_reference(flat, 4900).shape[2:] == (48, 80)
    assert record["references"][0]["background"] == "#1f4d3a"
    assert record["reference_pixels"] == 4900
    assert record["model"]["quantisation"] == "fp8"
    assert record["model"]["loras"] == [{"file": "style.safetensors", "scale": 0.7}]
    assert str(tmp_path) not in json.dumps(record)


@pytest.mark.slow
@pytest.mark.usefixtures("ray")
def test_a_negative_prompt_with_klein_base(small_of: Callable[[str], Small], tmp_path: Path) -> None:
    small = small_of("klein-base")
    fields: dict[str, Any] = {"quality": {"steps": 2, "guidance": 3.0}, "negative_prompt": "snow falls"}
    job = write_campaign(tmp_path, 1, products=("mug",), model=str(small.folder), **fields)
    assert run(["render", str(job)]) == 0
    (record,) = records(tmp_path).values()
    reference = Image.open(tmp_path / "mug.png")
    request = RenderRequest(
        "a mug in scene 0", (reference,), 64, 64, steps=2, guidance=3.0, negative_prompt="snow falls"
    )
    (expected,) = small.fresh().render([request])
    assert np.abs(picture(tmp_path, record) - levels_of(expected)).max() <= 1
    assert record["negative_prompt"] == "snow falls"


@pytest.mark.usefixtures("ray")
@pytest.mark.slow
def test_dev_rewrites_a_prompt(small_of: Callable[[str], Small], tmp_path: Path) -> None:
    job = write_campaign(
        tmp_path, 1, products=("mug",), model=str(small_of("dev").folder), quality={"steps": 1}, upsample=True
    )
    assert run(["render", str(job)]) == 0
    (record,) = records(tmp_path).values()
    assert record["prompt"] == "a mug in scene 0"
    assert record["prompt_upsampled"] not in (None, record["prompt"])
    assert record["cache"]["upsample"] == 1, "prepared ahead with its group"


@pytest.mark.slow
def test_a_hosted_tier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Six pictures, one of which the service's filter refuses. The key appears in no output.

    In a separate process, because workers inherit the environment that Ray was started with.
    """
    with running_bfl_server() as server:
        monkeypatch.setenv("BFL_API_KEY", KEY)
        monkeypatch.setenv("BFL_API_URL", server.url)
        server.script("a mug in scene 1", status="Content Moderated")
        job = write_campaign(tmp_path, 3, model={"base": "flux.2-pro", "region": "eu"})
        command = [sys.executable, "-m", "brandpress.pipeline.cli", "render", str(job), "--json"]
        first = subprocess.run(command, capture_output=True, text=True, check=False)
        assert first.returncode == 3, first.stderr
        outcome = json.loads(first.stdout)
        stored_records = records(tmp_path)
        assert (outcome["counts"]["done"], outcome["counts"]["failed"]) == (5, 1)
        assert "moderated" in outcome["failed"][0]["cause"]
        assert outcome["cost"] == pytest.approx(5 * COST)
        done = [record for record in stored_records.values() if record["status"] == "done"]
        assert {record["cost"] for record in done} == {COST}
        assert {(record["steps"], record["guidance"]) for record in done} == {(None, None)}
        assert len(server.posts) == 6
        again = subprocess.run(command, capture_output=True, text=True, check=False)
        assert again.returncode == 3
        assert len(server.posts) == 7, "pictures already paid for aren't requested again"
    stored = b"".join(file.read_bytes() for file in (tmp_path / "out").rglob("*") if file.is_file())
    assert KEY.encode() not in stored
    assert KEY not in first.stdout + first.stderr + again.stdout + again.stderr


def test_a_plan_warns_about_truncated_prompts(
    small_of: Callable[[str], Small], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenes = {"beach": "on a beach", "long": "with a fox and " * 30 + "a bird"}
    job = write_campaign(tmp_path, scenes, products=("mug",), model=str(small_of("klein").folder))
    assert run(["plan", str(job), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    (warning,) = summary["warnings"]
    assert warning.startswith("1 of 2 prompts are longer than 24 tokens and will be truncated; the longest has ")
    assert summary["memory"]["residency"] == "resident"
    assert summary["memory"]["needs"]["turns"] < summary["memory"]["needs"]["resident"]


def test_a_plan_for_a_gpu_that_is_too_small(
    small_of: Callable[[str], Small], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The model is small, but its pictures aren't: 4 megapixels and a reference."""
    job = write_campaign(tmp_path, 1, products=("mug",), model=str(small_of("klein").folder), size="2048x2048")
    assert run(["plan", str(job), "--gpu-memory", "1"]) == 0
    output = " ".join(capsys.readouterr().out.split())
    assert "too little memory, even with offloading" in output
    assert "warning: the model doesn't fit: with offloading it needs " in output


def test_a_plan_shows_the_free_gpu_memory(
    small_of: Callable[[str], Small],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """nvidia-smi is a fake script. Of the visible GPUs, the one with the least free memory counts."""
    script = tmp_path / "nvidia-smi"
    cards = "0, GPU-a, 81559, 7, NVIDIA H100\n1, GPU-b, 81559, 300, NVIDIA H100\n2, GPU-c, 81559, 81004, NVIDIA H100"
    script.write_text(f"#!/bin/sh\necho '{cards}'\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,2")
    job = write_campaign(tmp_path, 1, products=("mug",), model=str(small_of("klein").folder), size="2048x2048")
    assert run(["plan", str(job)]) == 0
    output = " ".join(capsys.readouterr().out.split())
    assert "on NVIDIA H100, 85.5 GB, 0.3 GB free: too little memory, even with offloading" in output
    assert "which has 85.5 GB, of which 0.3 GB are free (other processes hold 85.2 GB)" in output
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-c")
    assert run(["plan", str(job), "--json"]) == 0
    memory = json.loads(capsys.readouterr().out)["memory"]
    assert (memory["device"], memory["total"], memory["available"]) == ("NVIDIA H100", 81559 << 20, 81004 << 20)
    assert (memory["residency"], memory["turns_from"]) == ("resident", None)
