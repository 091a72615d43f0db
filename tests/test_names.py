"""Variables, parameters and attributes say what they hold."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
VAGUE = frozenset({"asked", "found", "made", "standing", "told"})


def names_in(source: str) -> set[str]:
    """Returns the names that a module defines or reads as attributes, without underscores around them."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name) | ast.FunctionDef(name=name):
                names.add(name.strip("_"))
    return names


@pytest.mark.parametrize("folder", ["model", "pipeline", "tests"])
def test_no_name_is_vague(folder: str) -> None:
    vague = {str(file): names_in(file.read_text()) & VAGUE for file in (ROOT / folder).rglob("*.py")}
    assert {file: names for file, names in vague.items() if names} == {}


def test_names_are_those_of_variables_parameters_functions_and_attributes() -> None:
    assert names_in("def f(_asked):\n    found = self.made\n") == {"f", "asked", "found", "self", "made"}
