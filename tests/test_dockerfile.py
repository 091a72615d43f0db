"""The Dockerfile, as far as it can be checked without building it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def instructions() -> list[tuple[str, str]]:
    """Returns (instruction, arguments), with continued lines joined."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.startswith("#")]
    text = "\n".join(lines).replace("\\\n", " ")
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in text.splitlines() if line.strip()]


def test_everything_that_is_copied_exists_and_isnt_ignored() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    sources = {source for name, words in instructions() if name == "COPY" for source in words.split()[:-1]}
    assert sources == kept
    assert all((ROOT / source).exists() for source in sources)


def test_everything_else_comes_from_package_registries() -> None:
    commands = [command for name, words in instructions() if name == "RUN" for command in re.split(r"&&|;|\|", words)]
    programs = {command.split()[0] for command in commands}
    assert programs == {"apt-get", "rm", "pip", "useradd", "mkdir", "chown"}
    assert not any("://" in words or name == "ADD" for name, words in instructions())


def test_the_extras_are_a_build_argument() -> None:
    ((_, argument),) = [one for one in instructions() if one[0] == "ARG"]
    name, _, default = argument.partition("=")
    (command,) = [words for instruction, words in instructions() if instruction == "RUN" and "pip install" in words]
    assert (name, '".${EXTRAS:+[$EXTRAS]}"' in command) == ("EXTRAS", True)
    documents = [*(ROOT / "docs").glob("*.md"), ROOT / "Dockerfile"]
    named = [match for file in documents for match in re.findall(r"--build-arg EXTRAS=([\w,-]+)", file.read_text())]
    assert len(named) == 3
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"].keys()
    assert {extra for extras in (default, *named) for extra in extras.split(",")} <= known
    assert all(extras.startswith(f"{default},") for extras in named)


def test_it_doesnt_run_as_root() -> None:
    assert ("USER", "1000") in instructions()
