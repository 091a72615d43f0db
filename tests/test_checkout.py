"""Imports from a checkout where brandpress isn't installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.checkout import ROOT, TARGETS, make_links

COMMAND = (
    "from tests.checkout import make_importable; make_importable(); "
    "import brandpress.pipeline, brandpress.model; print(brandpress.model.__file__)"
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A small checkout whose links have been made."""
    folder = tmp_path / "checkout"
    for name in ("model/__init__.py", "pipeline/__init__.py", "pipeline/brandpress/__init__.py", "tests/checkout.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    (folder / "model" / "__init__.py").write_text("")
    make_links(folder)
    return folder


def targets(folder: Path) -> dict[str, Path]:
    """Returns where the entries of the package in a checkout lead."""
    return {entry.name: entry.resolve() for entry in (folder / "build" / "checkout" / "brandpress").iterdir()}


def expected(folder: Path) -> dict[str, Path]:
    return {name: folder / target for name, target in TARGETS.items()}


def test_links_lead_into_the_checkout_after_it_was_moved(checkout: Path, tmp_path: Path) -> None:
    moved = checkout.rename(tmp_path / "moved")
    assert targets(moved) == expected(moved)


@pytest.mark.parametrize("follow", [False, True])
def test_links_lead_into_a_copy_of_the_checkout(checkout: Path, tmp_path: Path, follow: bool) -> None:
    copy = shutil.copytree(checkout, tmp_path / "copy", symlinks=not follow)
    make_links(copy)
    assert targets(copy) == expected(copy)


def test_wrong_and_broken_links_are_replaced(checkout: Path, tmp_path: Path) -> None:
    package = checkout / "build" / "checkout" / "brandpress"
    for name, target in (("model", tmp_path / "gone"), ("pipeline", ROOT / "pipeline")):
        (package / name).unlink()
        (package / name).symlink_to(target)
    make_links(checkout)
    assert targets(checkout) == expected(checkout)


def test_a_checkout_is_imported_even_if_its_parent_folder_has_a_clone_named_brandpress(
    checkout: Path, tmp_path: Path
) -> None:
    """In an isolated interpreter, where brandpress isn't installed."""
    clone = shutil.copytree(checkout, tmp_path / "brandpress", symlinks=True)
    path = f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(checkout)!r}]; "
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    completed = subprocess.run(
        [sys.executable, "-I", "-S", "-c", path + COMMAND],
        cwd=clone,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, completed.stderr
    assert Path(completed.stdout.strip()).resolve() == checkout / "model" / "__init__.py"
