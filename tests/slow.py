"""Selects the tests marked `slow` that a change affects.

A test covers its own file, the `conftest.py` and `__init__.py` files of its folder and of the folders above it, and all
modules of this repository that these import, or name in a text such as `"tests.stand_in:load"` or `"tests/gpu"`; then
what those import or name, and so on.
"""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[1]
AFFECTS_ALL = (
    ".ci",
    "Makefile",
    "constraints.txt",
    "pyproject.toml",
    "jobs",
    "pipeline/brandpress",
    "specs",
    "tests/corpus",
)
"""Changes in these files and folders affect every slow test."""
MODULE = re.compile(r"\b(?:brandpress|tests)(?:\.\w+)+")
PATH = re.compile(r"tests(?:/[\w.]+)+")


def is_affected(test_file: str, changed: Collection[str], root: Path = ROOT) -> bool:
    """Returns whether one of the `changed` files affects the slow tests in a file. Paths are relative to `root`."""
    covered = covered_files(test_file, root)
    return any(
        _is_in(path, AFFECTS_ALL)
        or path in covered
        or (not _is_module(root, path) and not covered.isdisjoint(_modules_beside(root, path)))
        for path in changed
    )


@cache
def covered_files(test_file: str, root: Path = ROOT) -> frozenset[str]:
    """Returns the Python files that a test file covers, itself included. Paths are relative to `root`."""
    covered: set[str] = set()
    remaining = [test_file]
    for folder in PurePosixPath(test_file).parents:
        remaining += [str(folder / "conftest.py")]
    while remaining:
        path = remaining.pop()
        if path not in covered and _is_module(root, path):
            covered.add(path)
            remaining += [str(folder / "__init__.py") for folder in PurePosixPath(path).parents]
            remaining += _uses(root, path)
    return frozenset(covered)


def slow_test_files(root: Path = ROOT) -> list[str]:
    """Returns the test files that contain a test marked `slow`, relative to `root`."""
    files = (root / "tests").rglob("test_*.py")
    return sorted(file.relative_to(root).as_posix() for file in files if "pytest.mark.slow" in file.read_text())


def changed_files(commit: str, root: Path = ROOT) -> list[str]:
    """Returns the files that differ between `commit` and the working tree, deleted and untracked ones included.

    Raises ValueError if git doesn't know the commit.
    """
    try:
        differing = _git(root, "diff", "--name-only", "--no-renames", "-z", f"{commit}^{{commit}}", "--")
        untracked = _git(root, "ls-files", "--others", "--exclude-standard", "-z")
    except (OSError, subprocess.CalledProcessError) as error:
        cause = error.stderr.strip() if isinstance(error, subprocess.CalledProcessError) else error
        raise ValueError(f"can't list the changes since {commit!r}: {cause}") from None
    return sorted({path for path in (differing + untracked).split("\0") if path})


@cache
def _uses(root: Path, path: str) -> tuple[str, ...]:
    """The files of the modules that a file imports, anywhere but for type checking, or names in a text."""
    names = (name for node in _nodes(ast.parse((root / path).read_bytes())) for name in _names(node))
    return tuple({file for name in names for file in _files_of(root, name)})


def _nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Yields the nodes of a file without docstrings and without what only type checkers run."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        yield node
        yield from _nodes(node)


def _names(node: ast.AST) -> Iterator[str]:
    """Yields the dotted names and the paths that may be modules of this repository."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield from MODULE.findall(node.value)
        if PATH.fullmatch(node.value):
            yield node.value


def _files_of(root: Path, name: str) -> Iterator[str]:
    """Yields the files of a module, or of the module that contains it if `name` isn't a module; those of a path."""
    if "/" in name:
        files = [root / name] if name.endswith(".py") else (root / name).rglob("*.py")
        yield from (file.relative_to(root).as_posix() for file in files)
        return
    parts = name.removeprefix("brandpress.").split(".")
    if parts[0] not in ("model", "pipeline", "tests"):
        return
    while parts:
        base = "/".join(parts)
        candidates = (f"{base}.py", f"{base}/__init__.py", f"{base}/__main__.py")
        if modules := [path for path in candidates if (root / path).exists()]:
            yield from modules
            return
        parts.pop()


def _is_module(root: Path, path: str) -> bool:
    return path.endswith(".py") and (root / path).is_file()


def _modules_beside(root: Path, path: str) -> set[str]:
    """The modules in the folder of a data file or of a deleted module, or in the nearest folder above with modules."""
    for folder in PurePosixPath(path).parents:
        if modules := {file.relative_to(root).as_posix() for file in (root / folder).glob("*.py")}:
            return modules
    return set()


def _is_in(path: str, folders: Collection[str]) -> bool:
    return any(PurePosixPath(path).is_relative_to(folder) for folder in folders)


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True).stdout
