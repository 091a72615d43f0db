"""Problems of a model's parts, at the fields of `model:` that name them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from brandpress.model.checkpoint.check import PartProblem, check_model
from brandpress.model.checkpoint.describe import ModelDescription
from brandpress.model.checkpoint.locate import base_is_path, check_name
from brandpress.model.choice import ModelChoice
from brandpress.model.errors import CheckpointError
from brandpress.pipeline.spec.document import Location
from brandpress.pipeline.spec.problem import Problem

PARTS = ("transformer", "vae", "text_encoder")
MakeProblem = Callable[[Location, str], Problem]


def part_problems(choice: ModelChoice, model: ModelDescription, problem: MakeProblem) -> list[Problem]:
    """Returns the problems that the headers and configs of a model's files show. choice: as the campaign writes it."""
    return [problem(_location(choice, one), f"model: {one.message}") for one in check_model(model)]


def problem_of(choice: ModelChoice, folder: Path, error: CheckpointError, problem: MakeProblem) -> Problem:
    """Returns an error of `describe` as a problem, at the field whose file it is about. folder: of the campaign."""
    return problem(_named_in(choice, folder, str(error)) or ("model",), f"model: {str(error).removeprefix('model ')}")


def named_files(choice: ModelChoice) -> list[tuple[Location, str]]:
    """Returns the field and the file of each part and LoRA that a model choice names."""
    parts = [(("model", part), getattr(choice, part)) for part in PARTS]
    loras = [(("model", "loras", number, "file"), lora.file) for number, lora in enumerate(choice.loras)]
    return [(location, file) for location, file in (*parts, *loras) if file is not None]


def unknown_name(choice: ModelChoice, folder: Path, problem: MakeProblem) -> Problem | None:
    """Returns a problem if the base is neither a path nor a known name nor a hub id. Looks at none of its files."""
    if base_is_path(choice.base, folder):
        return None
    try:
        check_name(choice.base)
    except CheckpointError as error:
        return problem_of(choice, folder, error, problem)
    return None


def _location(choice: ModelChoice, part_problem: PartProblem) -> Location:
    field = part_problem.field
    if field and (field[0] == "loras" or getattr(choice, str(field[0])) is not None):
        return ("model", *field)
    return ("model", "base") if _is_composed(choice) else ("model",)


def _is_composed(choice: ModelChoice) -> bool:
    return choice != ModelChoice(choice.base)


def _named_in(choice: ModelChoice, folder: Path, message: str) -> Location | None:
    """The field whose path an error names."""
    for location, file in named_files(choice):
        if _place(folder, file) in message:
            return location
    return None


def _place(folder: Path, file: str) -> str:
    """Returns a file's path as errors name it: as written if it can't be resolved."""
    try:
        return str((folder / Path(file).expanduser()).resolve())
    except (OSError, RuntimeError, ValueError):
        return file
