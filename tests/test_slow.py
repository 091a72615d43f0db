"""The selection of slow tests by changed files."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.slow import ROOT, changed_files, covered_files, is_affected, slow_test_files

TRAINING = "tests/model/nano/training/test_training.py"
RENDERER = "tests/model/test_renderer.py"
NODES = "tests/pipeline/render/driver/test_nodes.py"
CHAOS = "tests/chaos/test_chaos.py"
GPU = "tests/gpu/test_check.py"


@pytest.mark.parametrize(
    ("test_file", "changed", "affected"),
    [
        (TRAINING, TRAINING, True),
        (TRAINING, "model/inference/sampler.py", True),
        (TRAINING, "model/nano/__init__.py", True),
        (TRAINING, "model/nano/weights/vae/config.json", True),
        (TRAINING, "model/nano/a_deleted_module.py", True),
        (TRAINING, "tests/model/conftest.py", True),
        (TRAINING, "tests/model/small.py", True),
        (TRAINING, "tests/chaos/storm.py", False),
        (RENDERER, "pipeline/cli/app.py", False),
        (RENDERER, "pipeline/a_deleted_folder/module.py", False),
        (NODES, "pipeline/store/local.py", True),
        (NODES, "tests/pipeline/conftest.py", True),
        (NODES, "tests/two_nodes.py", True),
        (NODES, "model/inference/sampler.py", True),
        (NODES, "model/nano/train.py", False),
        (NODES, "tests/pipeline/render/driver/test_run.py", False),
        (CHAOS, "tests/chaos/__main__.py", True),
        (CHAOS, "tests/drive.py", True),
        (GPU, "tests/gpu/__main__.py", True),
        (GPU, "tests/gpu/test_on_gpu.py", True),
        ("tests/bench/test_bench.py", "pipeline/cli/app.py", False),
        ("tests/pipeline/cli/test_render.py", "pipeline/cli/app.py", True),
        *(
            (CHAOS, path, True)
            for path in (".ci/run", "Makefile", "constraints.txt", "pyproject.toml", "jobs/demo.yaml")
        ),
        *((TRAINING, path, True) for path in ("tests/corpus/layout.py", "tests/corpus/bad/axis-none/job.yaml")),
        *((CHAOS, path, False) for path in ("README.md", "docs/gpu.md")),
    ],
)
def test_a_change_affects_the_tests_that_cover_it(test_file: str, changed: str, affected: bool) -> None:
    assert is_affected(test_file, ["docs/models.md", changed]) is affected


def test_no_change_affects_nothing() -> None:
    assert not is_affected(TRAINING, [])


def write_files(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def test_a_test_covers_what_its_modules_import_or_name(tmp_path: Path) -> None:
    files = {
        "tests/conftest.py": "from tests import helper",
        "tests/helper.py": "",
        "tests/unused.py": "",
        "tests/a/conftest.py": "",
        "tests/a/test_it.py": "import brandpress.model.lazy\nSTARTED = f'-m brandpress.pipeline.cli {0}'",
        "tests/b/conftest.py": "",
        "model/__init__.py": "",
        "model/lazy.py": "def load():\n    from brandpress.model.deep.inner import a_function",
        "model/deep/__init__.py": '"""Not covered: brandpress.model.unused"""',
        "model/deep/inner.py": "if TYPE_CHECKING:\n    from brandpress.model import unused\nimport yaml",
        "model/unused.py": "",
        "pipeline/cli/__main__.py": "RENDERER = 'brandpress.pipeline.named:Renderer.load'",
        "pipeline/named.py": "",
        "pipeline/unused.py": "",
    }
    write_files(tmp_path, files)
    unused = {name for name in files if "unused" in name} | {"tests/b/conftest.py"}
    assert covered_files("tests/a/test_it.py", tmp_path) == set(files) - unused


def test_slow_test_files_are_found() -> None:
    files = slow_test_files()
    assert {TRAINING, NODES, CHAOS, GPU} <= set(files)
    assert "tests/test_threat_model.py" not in files


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changed", "options", "code", "message"),
    [
        ("tests/test_it.py", ["--since", "typo"], 4, "ERROR: --since: can't list the changes since 'typo': fatal: "),
        ("README.md", ["-m", "slow", "--since", "HEAD"], 0, "no slow test covers anything that has changed since HEAD"),
        ("tests/test_it.py", ["-m", "slow", "--since", "HEAD"], 0, "1 passed"),
        ("README.md", ["--since", "HEAD"], 0, "1 passed"),
        ("README.md", [], 0, "2 passed"),
    ],
)
def test_the_option_since_selects_tests(
    changed: str, options: list[str], code: int, message: str, tmp_path: Path
) -> None:
    """In a repository with the real conftest.py and two tests, on two processes."""
    tests = "import pytest\n\n@pytest.mark.slow\ndef test_slow(): pass\n\ndef test_fast(): pass\n"
    files = {"tests/test_it.py": tests, "README.md": "", "pyproject.toml": "", ".gitignore": "__pycache__/\n"}
    write_files(tmp_path, files)
    for name in ("__init__", "conftest", "slow", "s3_server"):
        shutil.copy(ROOT / "tests" / f"{name}.py", tmp_path / "tests")
    git(tmp_path, "init")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--message", "first")
    (tmp_path / changed).write_text(f"{(tmp_path / changed).read_text()}\n")
    command = [sys.executable, "-m", "pytest", "tests", "--numprocesses", "2", "-p", "no:cacheprovider", *options]
    completed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    output = completed.stdout + completed.stderr
    assert completed.returncode == code, output
    assert output.count(message) == 1
    assert code == 0 or output.count("can't list") == 1
    assert "Traceback" not in output and "INTERNALERROR" not in output


def git(folder: Path, *arguments: object) -> str:
    """Runs git in `folder` and returns its output."""
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
    command = ["git", *identity, *map(str, arguments)]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def test_changed_files_include_deleted_moved_and_untracked_ones(tmp_path: Path) -> None:
    git(tmp_path, "init")
    for name in ("same", "edited", "deleted", "moved", "in the next commit"):
        (tmp_path / name).write_text(name)
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--message", "first")
    (tmp_path / "in the next commit").write_text("changed")
    git(tmp_path, "commit", "--all", "--message", "second")
    (tmp_path / "edited").write_text("changed")
    (tmp_path / "deleted").unlink()
    (tmp_path / "untracked").touch()
    git(tmp_path, "mv", "moved", "here")
    changed = ["deleted", "edited", "here", "in the next commit", "moved", "untracked"]
    assert changed_files("HEAD^", tmp_path) == changed
    changed.remove("in the next commit")
    assert changed_files("HEAD", tmp_path) == changed


@pytest.mark.parametrize("commit", ["no-such-commit", "", "HEAD^"])
def test_an_unknown_commit_is_an_error(tmp_path: Path, commit: str) -> None:
    subprocess.run(["git", "init"], cwd=tmp_path, check=True, capture_output=True)
    with pytest.raises(ValueError, match=f"can't list the changes since '{commit[:4]}"):
        changed_files(commit, tmp_path)


def test_ci_compares_with_the_fork_on_a_branch_and_with_nothing_on_main(tmp_path: Path) -> None:
    def compared_commit(folder: str) -> str:
        command = ROOT / ".ci" / "compared_commit"
        return subprocess.run(command, cwd=tmp_path / folder, check=True, capture_output=True, text=True).stdout.strip()

    git(tmp_path, "init", "--initial-branch", "main", "origin")
    origin, branch = tmp_path / "origin", tmp_path / "branch"
    for message in ("first", "second"):
        git(origin, "commit", "--allow-empty", "--message", message)
    git(tmp_path, "clone", "origin", "main")
    git(tmp_path, "clone", "origin", "branch")
    git(tmp_path, "clone", "--depth", "1", f"file://{tmp_path}/origin", "shallow")
    for message in ("third", "fourth"):
        git(branch, "commit", "--allow-empty", "--message", message)
    assert compared_commit("branch") == git(branch, "rev-parse", "HEAD~2")
    assert compared_commit("main") == "", "all slow tests run"
    assert compared_commit("shallow") == "", "all slow tests run"
