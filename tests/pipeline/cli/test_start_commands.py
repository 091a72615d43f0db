"""First steps: `init`, `schema`, `-h` and shell completion."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from brandpress.pipeline.cli import app as cli
from brandpress.pipeline.cli.app import COMMANDS

Capture = pytest.CaptureFixture[str]


def test_init_writes_a_project_and_says_what_to_do_next(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.run(["init", "my shop"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "wrote my shop/specs/acme/brand.yaml"
    start = lines.index("next:") + 1
    assert lines[start:] == [
        "  cd 'my shop'",
        "  brandpress render jobs/first.yaml",
        "  brandpress sheet jobs/first.yaml --out out/first.png",
    ]
    assert cli.run(["validate", "my shop/jobs/first.yaml"]) == 0
    capsys.readouterr()
    assert cli.run(["init", "my shop"]) == 1
    assert "nothing was written" in capsys.readouterr().err
    assert cli.run(["init", "my shop", "--force"]) == 0


def test_init_here_as_json(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".gitignore").write_text("*.pyc\n")
    assert cli.run(["init", "--json"]) == 0
    output = capsys.readouterr()
    values = json.loads(output.out)
    assert (values["schema"], values["next"][0]) == ("brandpress.init/1", "brandpress render jobs/first.yaml")
    assert all((tmp_path / file).is_file() for file in values["files"])
    assert output.err == ".gitignore: left as it is; add the line out/ to keep pictures out of git\n"


@pytest.mark.slow
def test_the_starter_renders_with_nano(tmp_path: Path) -> None:
    def brandpress(arguments: str) -> str:
        command = [sys.executable, "-m", "brandpress.pipeline.cli", *shlex.split(arguments)]
        completed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False)
        assert completed.returncode == 0, completed.stderr
        return completed.stdout

    commands = json.loads(brandpress("init --json"))["next"]
    assert [command.split()[0] for command in commands] == ["brandpress", "brandpress"]
    for command in commands:
        brandpress(command.removeprefix("brandpress "))
    assert len(list((tmp_path / "out" / "first" / "assets").iterdir())) == 4
    assert (tmp_path / "out" / "first.png").is_file()


@pytest.mark.parametrize("kind", ["brand", "campaign"])
def test_schema_prints_a_json_schema(kind: str, capsys: Capture) -> None:
    assert cli.run(["schema", kind]) == 0
    schema = json.loads(capsys.readouterr().out)
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:brandpress:schema:{kind}:1"


def test_schema_of_something_else(capsys: Capture) -> None:
    assert cli.run(["schema", "job"]) == 1
    assert "'job' is not one of 'brand', 'campaign'" in capsys.readouterr().err


@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_h_is_help(command: str | None, capsys: Capture) -> None:
    texts = []
    for option in ("-h", "--help"):
        assert cli.run([command, option] if command else [option]) == 0
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1]
    assert texts[0].startswith(f"Usage: brandpress {command or '[OPTIONS]'} ")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["re"], {"render", "reject"}),
        (["verify", "job.yaml", "--re"], {"--repair"}),
        (["schema", ""], {"brand", "campaign"}),
        (["--deb"], {"--debug"}),
    ],
)
def test_commands_options_and_choices_are_completed(words: list[str], expected: set[str]) -> None:
    environment = {
        "_BRANDPRESS_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(["brandpress", *words]),
        "COMP_CWORD": str(len(words)),
    }
    command = [sys.executable, "-m", "brandpress.pipeline.cli"]
    completed = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
    assert completed.returncode == 0, completed.stderr
    assert expected <= set(completed.stdout.split())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_for_each_shell(shell: str) -> None:
    command = [sys.executable, "-m", "brandpress.pipeline.cli", "--show-completion"]
    environment = os.environ | {"SHELL": f"/bin/{shell}", "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    completed = subprocess.run([*command, shell], env=environment, capture_output=True, text=True, check=False)
    assert (completed.returncode, "_BRANDPRESS_COMPLETE" in completed.stdout) == (0, True), completed.stderr
