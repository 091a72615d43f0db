"""The tests marked `slow`, and which of them a change calls for.

`@pytest.mark.slow("pipeline/render", "pipeline/deliver")` names the folders and files that a test covers. A change in
them calls for the test, as does a change in the test's own folder or in what every test depends on.
"""

from __future__ import annotations

import subprocess
from collections.abc import Collection, Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]
COVERED_BY_ALL = (".ci", "Makefile", "constraints.txt", "pyproject.toml")
"""Changes in these call for every slow test, as do changes of the helpers directly in `tests`."""


def is_affected(own_file: str, covered: Iterable[str], changed: Collection[str]) -> bool:
    """Whether one of the `changed` files calls for a slow test. All paths are relative to the repository's root.

    own_file: where the test is. covered: the folders and files that its marker names.
    """
    folders = [Path(path) for path in (*covered, *COVERED_BY_ALL, Path(own_file).parent)]
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
        raise ValueError(f"can't tell what changed since {commit!r}: {error}") from None
    return sorted({path for path in (differing + untracked).split("\0") if path})


def missing_paths(covered: Iterable[str], root: Path = ROOT) -> list[str]:
    """Returns the paths of a marker that don't exist: they were mistyped, or their files have moved."""
    return [path for path in covered if not (root / path).exists()]


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True).stdout
