"""`brandpress models`: the family, which models this machine has, and downloading them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from brandpress.model.checkpoint.locate import NANO_FOLDER
from brandpress.model.family import FAMILIES
from brandpress.pipeline.cli import app as cli
from tests.hub_server import GOOD_TOKEN, OTHER_TOKEN, HubServer, Repository, point_library_at, running_hub_server

Capture = pytest.CaptureFixture[str]
ROOT = Path(__file__).parents[3]
HUB = "black-forest-labs/FLUX.2-klein-4B"
SHARD = "transformer/diffusion_pytorch_model-00001-of-00002.safetensors"
FILES = 16  # files of the repository that are downloaded


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A hub with [klein 4b] and a gated [dev]; this process's cache is empty."""
    monkeypatch.delenv("BFL_API_KEY", raising=False)
    with running_hub_server() as server:
        point_library_at(server.endpoint, tmp_path, monkeypatch)
        server.repositories[HUB] = Repository()
        server.repositories["black-forest-labs/FLUX.2-dev"] = Repository(gated=True)
        yield server


def start(hub: HubServer, home: Path, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "brandpress.pipeline.cli", "models", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | hub.environment(home) | variables,
    )


def models(capsys: Capture) -> dict[str, dict[str, Any]]:
    assert cli.run(["models", "--json"]) == 0
    return {model["name"]: model for model in json.loads(capsys.readouterr().out)["models"]}


def test_json_has_the_whole_table(hub: HubServer, capsys: Capture) -> None:
    table = models(capsys)
    assert list(table) == list(FAMILIES)
    assert table["flux.2-dev"] == {
        "name": "flux.2-dev",
        "hub": "black-forest-labs/FLUX.2-dev",
        "endpoint": None,
        "parameters": 32_223_281_152,
        "bytes": {"bf16": 64_446_562_304, "fp8": 33_039_613_952, "nvfp4": 19_299_074_048},
        "text_encoder": {
            "name": "Mistral-Small-3.2-24B",
            "layers": [10, 20, 30],
            "parameters": 17_343_754_240,
            "bytes": 34_687_508_480,
        },
        "steps": {"preview": 6, "standard": 20, "final": 50},
        "guidance": 4.0,
        "max_references": 10,
        "kv": False,
        "distilled": True,
        "licence": "FLUX [dev] Non-Commercial License",
        "commercial_use": False,
        "available": False,
        "where": "not in the hub's cache",
        "command": "brandpress models --get flux.2-dev",
    }
    pro = table["flux.2-pro"]
    assert (pro["endpoint"], pro["hub"], pro["parameters"], pro["steps"]) == ("flux-2-pro", None, None, None)
    assert (pro["bytes"], pro["text_encoder"], pro["command"]) == (None, None, "export BFL_API_KEY=…")
    assert (table["nano"]["available"], table["nano"]["where"]) == (True, "ships with brandpress")
    assert hub.requests == []


@pytest.mark.parametrize("width", [60, 80, 189])
def test_a_narrow_terminal_gets_lines(
    width: int, hub: HubServer, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli.run(["models", "--get", "flux.2-klein-4b"]) == 0
    folder = capsys.readouterr().out.strip()
    monkeypatch.setenv("COLUMNS", str(width))
    assert cli.run(["models"]) == 0
    text = capsys.readouterr().out
    blocks = {block.split(":")[0]: block.splitlines() for block in text.split("\n\n")}
    assert list(blocks) == list(FAMILIES)
    assert blocks["flux.2-dev"] == [
        "flux.2-dev: FLUX [dev] Non-Commercial License, not for commercial use",
        "  32.2 B parameters; GB: 64.4 bf16, 33.0 fp8, 19.3 nvfp4",
        "  text encoder Mistral-Small-3.2-24B; GB: 34.7 bf16",
        "  steps 6/20/50 (preview/standard/final), guidance 4, up to 10 references",
        "  not in the hub's cache: brandpress models --get flux.2-dev",
    ]
    assert blocks["flux.2-klein-4b"][-1] == f"  {folder}"
    assert blocks["flux.2-max"][1:] == ["  up to 8 references", "  needs a key: export BFL_API_KEY=…"]
    assert all(len(line) <= 80 for line in text.splitlines() if str(tmp_path) not in line)


def test_a_wide_terminal_gets_a_table(hub: HubServer, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert cli.run(["models"]) == 0
    lines = [re.split(r"\s{2,}", line.rstrip()) for line in capsys.readouterr().out.splitlines()]
    assert [cells[0] for cells in lines[2:]] == list(FAMILIES)
    [dev] = [cells for cells in lines if cells[0] == "flux.2-dev"]
    assert dev[1:] == [
        "32.2 B",
        "64.4 / 33.0 / 19.3",
        "Mistral-Small-3.2-24B",
        "34.7",
        "6/20/50",
        "4",
        "10",
        "FLUX [dev] Non-Commercial License",
        "no",
        "brandpress models --get flux.2-dev",
    ]


def test_get_downloads_and_prints_the_folder(hub: HubServer, tmp_path: Path, capsys: Capture) -> None:
    process = start(hub, tmp_path, "--get", "flux.2-klein-4b", HF_TOKEN=GOOD_TOKEN)
    stdout, stderr = process.communicate(timeout=300)
    assert process.returncode == 0
    assert stdout == models(capsys)["flux.2-klein-4b"]["where"] + "\n"
    lines = stderr.splitlines()
    assert lines[0] == f"downloading {HUB}: 0 bytes of 140.6 kB"
    assert lines[-1] == f"downloading {HUB}: 140.6 kB of 140.6 kB"
    assert all(line.startswith(f"downloading {HUB}: ") for line in lines)
    assert GOOD_TOKEN not in stdout + stderr


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)], ids=["interrupted", "killed"])
def test_an_interrupted_download_resumes(
    sent: signal.Signals, code: int, hub: HubServer, tmp_path: Path, capsys: Capture
) -> None:
    """An interrupt ends it while a file hangs; afterwards only that file is fetched."""
    hub.held.add(SHARD)
    process = start(hub, tmp_path, "--get", "flux.2-klein-4b")
    try:
        assert hub.holding.wait(60)
        for _ in range(600):
            if (
                len([path for path in (tmp_path / "hub").glob("models--*/snapshots/*/**/*") if path.is_file()])
                >= FILES - 1
            ):
                break
            time.sleep(0.05)
        process.send_signal(sent)
        _, stderr = process.communicate(timeout=300)
    finally:
        process.kill()
    assert process.returncode == code
    assert "Traceback" not in stderr
    assert not models(capsys)["flux.2-klein-4b"]["available"]
    assert len(hub.sent) == FILES - 1
    hub.held.clear()
    assert cli.run(["models", "--get", "flux.2-klein-4b"]) == 0
    assert set(hub.sent.values()) == {1}
    assert len(hub.sent) == FILES
    folder = capsys.readouterr().out
    assert models(capsys)["flux.2-klein-4b"]["where"] + "\n" == folder


def test_get_of_a_gated_model(hub: HubServer, tmp_path: Path) -> None:
    process = start(hub, tmp_path, "--get", "flux.2-dev", HF_TOKEN=OTHER_TOKEN)
    stdout, stderr = process.communicate(timeout=300)
    assert (process.returncode, stdout) == (4, "")
    assert "accept the licence on https://huggingface.co/black-forest-labs/FLUX.2-dev" in stderr
    assert "Traceback" not in stderr
    assert OTHER_TOKEN not in stderr


def test_get_of_a_model_without_a_download(hub: HubServer, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli.run(["models", "--get", "nano"]) == 0
    output = capsys.readouterr()
    assert (output.out, output.err) == (
        f"{NANO_FOLDER}\n",
        "nano ships with brandpress, so there is nothing to download\n",
    )
    assert cli.run(["models", "--get", "flux.2-pro"]) == 0
    output = capsys.readouterr()
    rendered = "flux.2-pro is rendered by BFL, so there is nothing to download"
    assert (output.out, output.err) == ("", f"{rendered}; it needs a key: export BFL_API_KEY=…\n")
    monkeypatch.setenv("BFL_API_KEY", "hush")
    assert cli.run(["models", "--get", "flux.2-pro", "--json"]) == 0
    output = capsys.readouterr()
    assert (json.loads(output.out), output.err) == (
        {"schema": "brandpress.model/1", "name": "flux.2-pro", "folder": None},
        f"{rendered}\n",
    )
    assert hub.requests == []


def test_get_of_an_unknown_name(capsys: Capture) -> None:
    assert cli.run(["models", "--get", "flux2-klein4b"]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("--get: 'flux2-klein4b' is not a model of the family; allowed: 'nano', 'flux.2-dev',")
    assert output.err.endswith("did you mean 'flux.2-klein-4b'?\n")


def test_heavy_packages_are_not_imported(tmp_path: Path) -> None:
    code = (
        "import sys; from brandpress.pipeline.cli import app; app.run(['models']);"
        "print([n for n in ('torch', 'ray', 'transformers', 'diffusers', 'boto3', 'numpy') if n in sys.modules])"
    )
    environment = os.environ | {"HF_HOME": str(tmp_path)}
    command = [sys.executable, "-c", code]
    completed = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=True)
    assert completed.stdout.splitlines()[-1] == "[]"
