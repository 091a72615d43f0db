"""Validates a brand spec or a campaign, together with the files and the model that it names."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from brandpress.model.checkpoint.describe import ModelDescription, describe
from brandpress.model.choice import ModelChoice
from brandpress.model.errors import CheckpointError
from brandpress.pipeline.plan.capabilities import model_problems
from brandpress.pipeline.plan.parts import PARTS, part_problems, problem_of
from brandpress.pipeline.spec.brand_file import examine_brand_document
from brandpress.pipeline.spec.campaign_file import ExaminedCampaign, examine_document
from brandpress.pipeline.spec.document import Document, Location
from brandpress.pipeline.spec.messages import quote
from brandpress.pipeline.spec.net import caught
from brandpress.pipeline.spec.problem import Problem, SpecError
from brandpress.pipeline.spec.spec_kind import SpecKind, neither, spec_kind
from brandpress.pipeline.spec.yaml_file import read_yaml


@dataclass(frozen=True)
class Validation:
    """The result of a validation. kind: None if the file isn't valid YAML. name: of the brand or campaign; None if
    there are problems. variants: number of a campaign's variants; None if there are problems. warnings: what its
    pictures say about their colours and isn't followed."""

    file: str
    kind: SpecKind | None
    name: str | None
    variants: int | None
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...] = ()


def validate(path: Path) -> Validation:
    """Validates a file. The problems of a campaign include those of its brand spec and its model."""
    label = str(path)
    try:
        return caught(path, lambda: _validated(read_yaml(path)), lambda problem: _invalid(label, problem))
    except SpecError as error:
        return _invalid(label, *error.problems)


def _invalid(label: str, *problems: Problem) -> Validation:
    return Validation(label, None, None, None, problems)


def _validated(document: Document) -> Validation:
    problem = neither(document)
    if problem is not None:
        return Validation(document.label, _assumed_kind(document), None, None, (problem,))
    if spec_kind(document.data) == "campaign":
        return _campaign(document)
    brand = examine_brand_document(document)
    return Validation(
        document.label, "brand", brand.brand.name if brand.brand else None, None, brand.problems, brand.warnings
    )


def _assumed_kind(document: Document) -> SpecKind:
    return "brand" if isinstance(document.data, dict) else "campaign"


def _campaign(document: Document) -> Validation:
    examined, path = examine_document(document), document.path
    campaign, problems = examined.campaign, list(examined.problems)
    model: ModelDescription | Problem | None = None
    if examined.document is not None and examined.choice is not None:
        missing_parts = missing_files(examined.document, examined.choice)
        problems += missing_parts
        try:
            model = caught(path, partial(_described, examined.choice, path.parent), lambda problem: problem)
        except CheckpointError as error:
            if not missing_parts:
                problems.append(problem_of(examined.choice, path.parent, error, examined.document.problem))
    if isinstance(model, Problem):
        problems.append(model)
    elif model is not None:
        problems += caught(path, partial(_model_problems, examined, model), lambda problem: [problem])
    if campaign is None or problems:
        problems.sort(key=lambda problem: (problem.file != str(path), problem))
        return Validation(str(path), "campaign", None, None, tuple(problems), examined.warnings)
    return Validation(str(path), "campaign", campaign.name, len(campaign.points), (), examined.warnings)


def _model_problems(examined: ExaminedCampaign, model: ModelDescription) -> list[Problem]:
    problems: list[Problem] = []
    if examined.document is not None and examined.choice is not None:
        problems += part_problems(examined.choice, model, examined.document.problem)
    if examined.campaign is not None:
        problems += model_problems(examined.campaign, model)
    return problems


def _described(choice: ModelChoice, folder: Path) -> ModelDescription | Problem:
    return describe(choice, folder)


def missing_files(document: Document, choice: ModelChoice) -> list[Problem]:
    """Returns a problem for each missing file of a composed model, at the place that names it."""
    named: list[tuple[Location, str | None]] = [(("model", part), getattr(choice, part)) for part in PARTS]
    named += [(("model", "loras", i, "file"), lora.file) for i, lora in enumerate(choice.loras)]
    folder = document.path.parent
    return [
        document.problem(location, f"there is no {quote(file)}", f"searched in {folder}")
        for location, file in named
        if file is not None and not _exists(folder, file)
    ]


def _exists(folder: Path, file: str) -> bool:
    try:
        return (folder / Path(file).expanduser()).exists()
    except (OSError, RuntimeError, ValueError):  # invalid paths are reported by `describe`
        return True
