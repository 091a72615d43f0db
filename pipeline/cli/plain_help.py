"""Help texts in users' words."""

from __future__ import annotations

from typing import Any

from typer.core import TyperArgument, TyperCommand


class PlainCommand(TyperCommand):
    """A command whose help names its arguments only: typer would add Python's types, as in `FILE <list[Path]>`."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        for parameter in self.params:
            if isinstance(parameter, TyperArgument):
                vars(parameter)["display_type_rich"] = _no_type


def _no_type(ctx: object) -> None:
    """Takes the place of the method that describes an argument's type."""
