"""Installs the wheel into a fresh environment and runs it in a folder with modules of clashing names."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = ("LICENSE", "NOTICE", "README.md", "model", "pipeline", "pyproject.toml")
CLASHING = ("model/__init__", "pipeline/__init__", "PIL/__init__", "jinja2", "ray", "torch", "types", "yaml")
"""Modules in the current folder that brandpress must not import."""


def run(*command: object, folder: Path | None = None) -> str:
    """Runs a command in `folder`, asserts that it succeeds, and returns its output."""
    # A PYTHONPATH with this checkout would make pip find a brandpress that is installed already.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    arguments = list(map(str, command))
    completed = subprocess.run(arguments, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert completed.returncode == 0, completed.stdout + completed.stderr
    return completed.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of the sources, because setuptools writes into the source folder."""
    folder = tmp_path_factory.mktemp("wheel")
    (folder / "source").mkdir()
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / "source" / name)
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", folder)
    run(sys.executable, "-m", "pip", "wheel", *options, folder / "source")
    (file,) = folder.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def scripts(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts folder of an environment with the wheel.

    It uses this environment's dependencies through a path file. The editable brandpress is not visible there, because
    path files in folders added by a path file are ignored.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True, with_pip=False)
    paths = {"base": str(folder), "platbase": str(folder)}
    scripts = Path(sysconfig.get_path("scripts", "venv", paths))
    run(sys.executable, "-m", "pip", "--python", scripts / "python", "install", "--quiet", "--no-deps", wheel)
    # Only now: pip would take the editable brandpress for an installed one.
    packages = Path(sysconfig.get_path("purelib", "venv", paths))
    dependencies = dict.fromkeys(path for path in sys.path if path.endswith("site-packages"))
    (packages / "dependencies.pth").write_text("\n".join(dependencies))
    return scripts


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A campaign repository with modules that exit the process when they are imported."""
    for name in ("jobs", "specs"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in CLASHING:
        file = tmp_path / f"{name}.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"raise SystemExit('{name} was imported from the current folder')\n")
    return tmp_path


def test_the_wheel_contains_every_module(wheel: Path) -> None:
    modules = {str(file.relative_to(ROOT)) for room in ("model", "pipeline") for file in (ROOT / room).rglob("*.py")}
    with zipfile.ZipFile(wheel) as archive:
        names = {name.removeprefix("brandpress/") for name in archive.namelist()}
    assert modules <= names
    assert {"model/py.typed", "pipeline/py.typed", "model/nano/weights/model_index.json"} <= names
    assert {name.partition("/")[0] for name in names if "dist-info" not in name} == {"model", "pipeline"}


def test_the_wheel_renders_the_demo_in_a_hostile_folder(scripts: Path, hostile: Path) -> None:
    command = scripts / "brandpress"
    location = run(scripts / "python", "-P", "-c", "import brandpress.model as m; print(m.__file__)", folder=hostile)
    assert Path(location.strip()).is_relative_to(scripts.parent)
    run(command, "validate", "jobs/demo.yaml", folder=hostile)
    plan = json.loads(run(command, "plan", "jobs/demo.yaml", "--deliver", "store", "--json", folder=hostile))
    assert plan["variants"] == 36
    run(command, "render", "jobs/demo.yaml", "--deliver", "store", "--limit", "2", folder=hostile)
    assert len(list((hostile / "store" / "demo" / "assets").iterdir())) == 2
