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
CLASHING = (
    "brandpress/__init__",
    "model/__init__",
    "pipeline/__init__",
    "PIL/__init__",
    "jinja2",
    "ray",
    "torch",
    "types",
    "yaml",
)
"""Modules in the current folder that brandpress must not import."""


def without_pythonpath() -> dict[str, str]:
    """Returns the environment. A PYTHONPATH with this checkout would make pip find an installed brandpress."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def copy_sources(folder: Path) -> None:
    """Copies what the package is built from."""
    folder.mkdir(exist_ok=True)
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)


def run(*command: object, folder: Path | None = None) -> str:
    """Runs a command in `folder`, asserts that it succeeds, and returns its output."""
    arguments = list(map(str, command))
    environment = without_pythonpath()
    completed = subprocess.run(arguments, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert completed.returncode == 0, completed.stdout + completed.stderr
    return completed.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of the sources, because setuptools writes into the source folder."""
    folder = tmp_path_factory.mktemp("wheel")
    copy_sources(folder / "source")
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", folder)
    run(sys.executable, "-m", "pip", "wheel", *options, folder / "source")
    (file,) = folder.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def scripts(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts folder of an environment with the wheel."""
    return install_into(tmp_path_factory.mktemp("environment"), wheel)


def install_into(folder: Path, *source: object) -> Path:
    """Creates an environment with what pip installs from `source`; returns its scripts folder.

    It uses this environment's dependencies through a path file. The editable brandpress is not visible there, because
    path files in folders added by a path file are ignored.
    """
    venv.create(folder, symlinks=True, with_pip=False)
    paths = {"base": str(folder), "platbase": str(folder)}
    scripts = Path(sysconfig.get_path("scripts", "venv", paths))
    run(sys.executable, "-m", "pip", "--python", scripts / "python", "install", "--quiet", "--no-deps", *source)
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
    modules = (modules - {"pipeline/brandpress/__init__.py"}) | {"__init__.py"}
    with zipfile.ZipFile(wheel) as archive:
        names = {name.removeprefix("brandpress/") for name in archive.namelist()}
    assert modules <= names
    assert {"model/py.typed", "pipeline/py.typed", "model/nano/weights/model_index.json"} <= names
    starter = {"specs/acme/brand.yaml", "jobs/first.yaml", "gitignore"}
    assert {f"pipeline/spec/starter/files/{file}" for file in starter} <= names
    assert {name.partition("/")[0] for name in names if "dist-info" not in name} == {"__init__.py", "model", "pipeline"}


MODELS_FILE = "import brandpress.model, brandpress.pipeline.cli.app as app; print(brandpress.model.__file__)"


@pytest.fixture
def beside_another(tmp_path: Path) -> Path:
    """A folder with a folder `brandpress`, like the one that contains a clone of a fork."""
    (tmp_path / "brandpress" / "model").mkdir(parents=True)
    (tmp_path / "brandpress" / "model" / "__init__.py").write_text("raise SystemExit('the other model was imported')")
    return tmp_path


@pytest.mark.slow
def test_the_wheel_is_imported_beside_another_folder_of_its_name(scripts: Path, beside_another: Path) -> None:
    location = run(scripts / "python", "-c", MODELS_FILE, folder=beside_another)
    assert Path(location.strip()).is_relative_to(scripts.parent)


@pytest.mark.slow
def test_an_editable_installation_never_mixes_two_brandpresses(
    tmp_path_factory: pytest.TempPathFactory, beside_another: Path
) -> None:
    source = tmp_path_factory.mktemp("editable")
    copy_sources(source)
    # With this interpreter's setuptools: pip would look for it in the other environment.
    build = "from setuptools.build_meta import build_editable; build_editable('dist')"
    run(sys.executable, "-c", build, folder=source)
    scripts = install_into(source / "environment", *(source / "dist").glob("*.whl"))
    location = run(scripts / "python", "-c", MODELS_FILE, folder=source)
    assert location.strip() == str(source / "model" / "__init__.py")
    completed = subprocess.run(
        [scripts / "python", "-c", "import brandpress.pipeline"],
        cwd=beside_another,
        env=without_pythonpath(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 1
    message = completed.stderr.splitlines()[-1]
    assert message.startswith(f"ImportError: brandpress.model is {beside_another}/brandpress/model but must be beside ")
    assert f"beside {source}/pipeline; another folder `brandpress` on the import path hides it" in message


@pytest.mark.slow
def test_the_wheel_renders_the_demo_in_a_hostile_folder(scripts: Path, hostile: Path) -> None:
    command = scripts / "brandpress"
    location = run(scripts / "python", "-P", "-c", "import brandpress.model as m; print(m.__file__)", folder=hostile)
    assert Path(location.strip()).is_relative_to(scripts.parent)
    run(command, "validate", "jobs/demo.yaml", folder=hostile)
    plan = json.loads(run(command, "plan", "jobs/demo.yaml", "--deliver", "store", "--json", folder=hostile))
    assert plan["variants"] == 36
    run(command, "render", "jobs/demo.yaml", "--deliver", "store", "--limit", "2", folder=hostile)
    assert len(list((hostile / "store" / "demo" / "assets").iterdir())) == 2
