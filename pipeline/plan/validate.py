"""Validates a brand spec or a campaign, together with the files and the model that it names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from brandpress.model.checkpoint.describe import ModelDescription, describe
from brandpress.model.choice import ModelChoice
from brandpress.model.errors import CheckpointError
from brandpress.pipeline.plan.capabilities import model_problems
from brandpress.pipeline.plan.parts import PARTS, part_problems, problem_of
from brandpress.pipeline.spec.brand import BrandFields
from brandpress.pipeline.spec.brand_file import examine_brand
from brandpress.pipeline.spec.campaign import Job
from brandpress.pipeline.spec.campaign_file import examine_campaign
from brandpress.pipeline.spec.document import Document, Location
from brandpress.pipeline.spec.messages import quote
from brandpress.pipeline.spec.problem import Problem, SpecError
from brandpress.pipeline.spec.yaml_file import read_yaml

Kind = Literal["brand", "campaign"]


@dataclass(frozen=True)
class Validation:
    """The result of a validation. kind: None if the file isn't valid YAML. name: of the brand or campaign; None if
    there are problems. variants: number of a campaign's variants; None if there are problems. warnings: what its
    pictures say about their colours and isn't followed."""

    file: str
    kind: Kind | None
    name: str | None
    variants: int | None
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...] = ()


def validate(path: Path) -> Validation:
    """Validates a file. The problems of a campaign include those of its brand spec and its model."""
    label = str(path)
    try:
        kind = _kind(read_yaml(path).data)
    except SpecError as error:
        return Validation(label, None, None, None, error.problems)
    if kind == "brand":
        examined = examine_brand(path)
        return Validation(
            label, kind, examined.brand.name if examined.brand else None, None, examined.problems, examined.warnings
        )
    return _campaign(path)


def _campaign(path: Path) -> Validation:
    examined = examine_campaign(path)
    campaign, problems = examined.campaign, list(examined.problems)
    model: ModelDescription | None = None
    if examined.document is not None and examined.choice is not None:
        missing_parts = missing_files(examined.document, examined.choice)
        problems += missing_parts
        try:
            model = describe(examined.choice, path.parent)
            problems += part_problems(examined.choice, model, examined.document.problem)
        except CheckpointError as error:
            if not missing_parts:
                problems.append(problem_of(examined.choice, path.parent, error, examined.document.problem))
    if campaign is not None and model is not None:
        problems += model_problems(campaign, model)
    if campaign is None or problems:
        problems.sort(key=lambda problem: (problem.file != str(path), problem))
        return Validation(str(path), "campaign", None, None, tuple(problems), examined.warnings)
    return Validation(str(path), "campaign", campaign.name, len(campaign.points), (), examined.warnings)


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


def _kind(data: object) -> Kind:
    """Returns "campaign" for a file with `campaign:`, otherwise the kind that shares more fields with the file."""
    if not isinstance(data, dict) or "campaign" in data:
        return "campaign"
    campaign, brand = (_field_names(model) for model in (Job, BrandFields))
    return "campaign" if len(data.keys() & (campaign - brand)) > len(data.keys() & (brand - campaign)) else "brand"


def _field_names(model: type[Job] | type[BrandFields]) -> set[str]:
    return {info.alias or name for name, info in model.model_fields.items()}
