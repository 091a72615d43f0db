"""Selects the tests marked `slow` that a change affects.

`@pytest.mark.slow("pipeline/render", "pipeline/deliver")` names the folders and files that a test covers. A change in
them affects the test, as does a change in the test's own folder or in files that every test depends on.
"""

from __future__ import annotations

import subprocess
from collections.abc import Collection, Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]
AFFECTS_ALL = (".ci", "Makefile", "constraints.txt", "pyproject.toml")
"""Changes in these affect every slow test, as do changes of the helpers directly in `tests`."""


def is_affected(own_file: str, covered: Iterable[str], changed: Collection[str]) -> bool:
    """Returns whether one of the `changed` files affects a slow test. Paths are relative to the repository's root.

    own_file: the test's file. covered: the folders and files that its marker names.
    """
    folders = [Path(path) for path in (*covered, *AFFECTS_ALL, Path(own_file).parent)]
    return any(
        Path(path).parent == Path("tests") or any(Path(path).is_relative_to(folder) for folder in folders)
        for path in changed
    )


def changed_files(commit: str, root: Path = ROOT) -> list[str]:
    """Returns the files that differ between `commit` and the working tree, deleted and untracked ones included.

    Raises ValueError if git doesn't know the commit.
    """
    try:
        differing = _git(root, "diff", "--name-only", "--no-renames", "-z", f"{commit}^{{commit}}", "--")
        untracked = _git(root, "ls-files", "--others", "--exclude-standard", "-z")
    except (OSError, subprocess.CalledProcessError) as error:
        raise ValueError(f"can't list the changes since {commit!r}: {error}") from None
    return sorted({path for path in (differing + untracked).split("\0") if path})


def missing_paths(covered: Iterable[str], root: Path = ROOT) -> list[str]:
    """Returns the paths of a marker that don't exist, because they are mistyped or their files have moved."""
    return [path for path in covered if not (root / path).exists()]


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True).stdout
