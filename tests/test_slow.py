"""The selection of slow tests by changed files."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.slow import ROOT, changed_files, is_affected, missing_paths

OWN_FILE = "tests/chaos/test_chaos.py"
COVERED = ("pipeline/render", "pipeline/plan/order.py")


@pytest.mark.parametrize(
    ("changed", "affected"),
    [
        ("pipeline/render/driver/run.py", True),
        ("pipeline/plan/order.py", True),
        ("pipeline/plan/diff.py", False),
        ("pipeline/rendering/new.py", False),
        ("model/renderer.py", False),
        ("tests/chaos/storm.py", True),
        ("tests/bench/row.py", False),
        ("tests/stand_in.py", True),
        ("tests/pipeline/conftest.py", False),
        ("pyproject.toml", True),
        ("constraints.txt", True),
        (".ci/run", True),
        ("README.md", False),
    ],
)
def test_a_change_affects_the_tests_that_cover_it(changed: str, affected: bool) -> None:
    assert is_affected(OWN_FILE, COVERED, ["docs/gpu.md", changed]) is affected


def test_no_change_affects_nothing() -> None:
    assert not is_affected(OWN_FILE, COVERED, [])


def test_missing_paths_are_named() -> None:
    assert missing_paths(["pipeline/render", "pipeline/rendre", "model/renderer.py"]) == ["pipeline/rendre"]


def test_changed_files_include_deleted_moved_and_untracked_ones(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True)

    git("init")
    for name in ("same", "edited", "deleted", "moved", "in the next commit"):
        (tmp_path / name).write_text(name)
    git("add", ".")
    git("commit", "--message", "first")
    (tmp_path / "in the next commit").write_text("changed")
    git("commit", "--all", "--message", "second")
    (tmp_path / "edited").write_text("changed")
    (tmp_path / "deleted").unlink()
    (tmp_path / "untracked").touch()
    git("mv", "moved", "here")
    changed = ["deleted", "edited", "here", "in the next commit", "moved", "untracked"]
    assert changed_files("HEAD^", tmp_path) == changed
    changed.remove("in the next commit")
    assert changed_files("HEAD", tmp_path) == changed


@pytest.mark.parametrize("commit", ["no-such-commit", "", "HEAD^"])
def test_an_unknown_commit_is_an_error(tmp_path: Path, commit: str) -> None:
    subprocess.run(["git", "init"], cwd=tmp_path, check=True, capture_output=True)
    with pytest.raises(ValueError, match=f"can't list the changes since '{commit[:4]}"):
        changed_files(commit, tmp_path)


def test_ci_compares_with_the_previous_commit_on_main_or_with_the_fork(tmp_path: Path) -> None:
    def git(*arguments: object) -> str:
        identity = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
        command = ["git", *identity, *map(str, arguments)]
        return subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout.strip()

    def compared_commit(folder: str) -> str:
        command = ROOT / ".ci" / "compared_commit"
        return subprocess.run(command, cwd=tmp_path / folder, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "--initial-branch", "main", "origin")
    for message in ("first", "second"):
        git("-C", "origin", "commit", "--allow-empty", "--message", message)
    git("clone", "origin", "main")
    git("clone", "origin", "branch")
    git("clone", "--depth", "1", f"file://{tmp_path}/origin", "shallow")
    for message in ("third", "fourth"):
        git("-C", "branch", "commit", "--allow-empty", "--message", message)
    assert compared_commit("main") == git("-C", "main", "rev-parse", "HEAD^")
    assert compared_commit("branch") == git("-C", "branch", "rev-parse", "HEAD~2")
    assert compared_commit("shallow") == "", "all slow tests run"
