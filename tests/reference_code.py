"""What the code has that the reference must name: fields, choices, commands, and environment variables."""

from __future__ import annotations

import ast
import re
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from brandpress.pipeline.cli.app import app
from brandpress.pipeline.spec.brand import Described
from tests.reference_pages import ITEM

FREE_FIELD = "<field>"
"""The step to a free field of a product, character or style."""

READ_VARIABLE = re.compile(r"""\bvariables(?:\.get\(|\[)["']([A-Z_]+)["']""")
"""A variable that is read from a copy of the environment."""

OWN_VARIABLE = re.compile(r"""["']((?:BRANDPRESS|BFL)_[A-Z_]+[A-Z])["']""")


def fields_of(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Yields (path, field) of a model's fields and of those of the models in it, as `output.format`."""
    for name, info in model.model_fields.items():
        is_free = issubclass(model, Described) and name == "attributes"
        path = prefix + (FREE_FIELD if is_free else info.alias or name)
        yield path, info
        for step, inner in _models_in(info.annotation):
            yield from fields_of(inner, f"{path}{step}.")


def _models_in(annotation: Any, step: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """Yields (step from the field, model) of the models in a type: `[]` for items of a list, `.<name>` of a mapping."""
    origin, inside = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is None and isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield step, annotation
    elif origin is dict:
        yield from _models_in(inside[1], f"{step}.<name>")
    else:
        for part in inside:
            yield from _models_in(part, step + ITEM if origin in (tuple, list) else step)


def choices_of(annotation: Any) -> Iterator[str]:
    """Yields the texts that a type allows, without those of the models in it."""
    if typing.get_origin(annotation) is Literal:
        yield from typing.get_args(annotation)
    else:
        for part in typing.get_args(annotation):
            yield from choices_of(part)


def _commands_of(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path, command
    for name, one in (inner or {}).items():
        if not one.hidden:
            yield from _commands_of(one, f"{path} {name}")


GROUP: Any = typer.main.get_command(app)
"""The command `brandpress` itself."""

COMMANDS: dict[str, Any] = dict(_commands_of(GROUP, "brandpress"))
"""`brandpress plan` -> the command, for all commands and those of their groups."""

JSON_COMMANDS = [
    path for path, command in COMMANDS.items() if any("--json" in parameter.opts for parameter in command.params)
]


def sources() -> Iterator[str]:
    """Yields the text of each source file, without those that train nano."""
    root = Path(__file__).parents[1]
    for file in (*(root / "pipeline").rglob("*.py"), *(root / "model").rglob("*.py")):
        if "nano" not in file.parts:
            yield file.read_text()


def environment_variables() -> set[str]:
    """Returns the environment variables that the sources read by name or that set options, and brandpress' own."""
    parameters = [parameter for command in COMMANDS.values() for parameter in command.params]
    variables = {str(parameter.envvar) for parameter in parameters if parameter.envvar}
    for text in sources():
        variables.update(OWN_VARIABLE.findall(text))
        if "environ" in text:
            variables.update(READ_VARIABLE.findall(text))
            variables.update(_read_in(ast.parse(text)))
    return variables - {""}


def _read_in(tree: ast.Module) -> Iterator[str]:
    """Yields the names in `os.environ.get(…)`, `os.environ[…]` and `… in os.environ`; "" for one that isn't known."""
    named = {
        node.targets[0].id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    for node in ast.walk(tree):
        name: ast.expr | None = None
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("os.environ.get", "os.getenv") and node.args:
            name = node.args[0]
        elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            name = node.slice if ast.unparse(node.value) == "os.environ" else None
        elif isinstance(node, ast.Compare) and ast.unparse(node.comparators[0]) == "os.environ":
            name = node.left
        value = named.get(name.id) if isinstance(name, ast.Name) else name
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield value.value
