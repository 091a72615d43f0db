"""Validates a brand spec or a campaign, together with the files and the model that it names."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from brandpress.model.choice import ModelChoice
from brandpress.model.errors import CheckpointError, RequestError
from brandpress.model.family import FAMILIES
from brandpress.pipeline.plan.capabilities import model_problems
from brandpress.pipeline.plan.enlarging import enlarging_warnings
from brandpress.pipeline.plan.job_warnings import job_warnings
from brandpress.pipeline.plan.licences import licence_problems, licence_warning
from brandpress.pipeline.plan.lock import lock_file
from brandpress.pipeline.plan.locked import (
    LockUse,
    OutdatedLockError,
    PlannedModel,
    lock_warnings,
    planned_model,
    require_lock,
)
from brandpress.pipeline.plan.parts import named_files, part_problems, problem_of
from brandpress.pipeline.spec.brand_file import examine_brand_document
from brandpress.pipeline.spec.campaign import Campaign
from brandpress.pipeline.spec.campaign_file import ExaminedCampaign, examine_document
from brandpress.pipeline.spec.document import Document
from brandpress.pipeline.spec.messages import quote
from brandpress.pipeline.spec.net import caught
from brandpress.pipeline.spec.problem import Problem, SpecError
from brandpress.pipeline.spec.spec_kind import SpecKind, neither, spec_kind
from brandpress.pipeline.spec.yaml_file import read_yaml


@dataclass(frozen=True)
class Validation:
    """The result of a validation. kind: None if the file isn't valid YAML. name: of the brand or campaign; None if
    there are problems. variants: number of a campaign's variants; None if there are problems. warnings: what its
    pictures say about their colours and isn't followed, how its model differs from its lock, whether its licence
    forbids commercial use, what its quality gate lacks on this machine, settings without an effect, and placeholders
    that aren't filled in."""

    file: str
    kind: SpecKind | None
    name: str | None
    variants: int | None
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...] = ()


def validate(path: Path, *, locked: bool = False) -> Validation:
    """Validates a file. The problems of a campaign include those of its brand spec and its model.

    locked: require that a campaign has a lock and is as it says.
    """
    label = str(path)
    try:
        return caught(path, lambda: _validated(read_yaml(path), locked), lambda problem: _invalid(label, problem))
    except SpecError as error:
        return _invalid(label, *error.problems)


def _invalid(label: str, *problems: Problem) -> Validation:
    return Validation(label, None, None, None, problems)


def _validated(document: Document, locked: bool) -> Validation:
    problem = neither(document)
    if problem is not None:
        return Validation(document.label, _assumed_kind(document), None, None, (problem,))
    if spec_kind(document.data) == "campaign":
        return _campaign(document, locked)
    brand = examine_brand_document(document)
    return Validation(
        document.label, "brand", brand.brand.name if brand.brand else None, None, brand.problems, brand.warnings
    )


def _assumed_kind(document: Document) -> SpecKind:
    return "brand" if isinstance(document.data, dict) else "campaign"


def _campaign(document: Document, locked: bool) -> Validation:
    examined, path = examine_document(document), document.path
    campaign, problems, warnings = examined.campaign, list(examined.problems), list(examined.warnings)
    if examined.document is not None and examined.choice is not None:
        model = caught(path, partial(_planned_model, examined.document, examined.choice), lambda problem: [problem])
        if isinstance(model, PlannedModel):
            problems += caught(path, partial(_model_problems, examined, model), lambda problem: [problem])
            lock_problems, lock_notes = _lock_problems(examined.document, campaign, model.lock, locked)
            problems, warnings = problems + lock_problems, warnings + lock_notes
            if campaign is not None:
                warnings += enlarging_warnings(campaign, model.description)
                if (text := licence_warning(campaign, model.description)) is not None:
                    warnings.append(campaign.source.problem(("model",), f"warning: {text}"))
        else:
            problems += model
            if campaign is not None and (family := FAMILIES.get(examined.choice.base)) is not None:
                problems += licence_problems(campaign, family)
    if campaign is not None:
        warnings += job_warnings(campaign)
    if campaign is None or problems:
        problems.sort(key=lambda problem: (problem.file != str(path), problem))
        return Validation(str(path), "campaign", None, None, tuple(problems), tuple(warnings))
    return Validation(str(path), "campaign", campaign.name, len(campaign.points), (), tuple(warnings))


def _planned_model(document: Document, choice: ModelChoice) -> PlannedModel | list[Problem]:
    """Returns the model to plan with, or why there is none."""
    path = document.path
    missing_parts = missing_files(document, choice)
    try:
        planned = planned_model(choice, path)
    except CheckpointError as error:
        return missing_parts or [problem_of(choice, path.parent, error, document.problem)]
    except RequestError as error:
        lock = lock_file(path)
        return [Problem(str(lock), 1, 1, str(error).removeprefix(f"{lock}: "), "run `brandpress lock` again")]
    return planned if planned.lock is not None and planned.lock.missing else missing_parts or planned


def _lock_problems(
    document: Document, campaign: Campaign | None, use: LockUse | None, locked: bool
) -> tuple[list[Problem], list[Problem]]:
    """Returns problems and warnings about a campaign that isn't as its lock has it."""
    if locked and campaign is not None:
        try:
            require_lock(use, campaign)
        except OutdatedLockError as error:
            return [document.problem(("model",), str(error))], []
    return [], [document.problem(("model",), f"warning: {text}") for text in lock_warnings(use)]


def _model_problems(examined: ExaminedCampaign, planned: PlannedModel) -> list[Problem]:
    problems: list[Problem] = []
    model = planned.description
    if examined.document is not None and examined.choice is not None:
        problems += part_problems(examined.choice, model, examined.document.problem)
    if examined.campaign is not None:
        problems += model_problems(examined.campaign, model)
    return problems


def missing_files(document: Document, choice: ModelChoice) -> list[Problem]:
    """Returns a problem for each missing file of a composed model, at the place that names it."""
    folder = document.path.parent
    return [
        document.problem(location, f"there is no {quote(file)}", f"searched in {folder}")
        for location, file in named_files(choice)
        if not _exists(folder, file)
    ]


def _exists(folder: Path, file: str) -> bool:
    try:
        return (folder / Path(file).expanduser()).exists()
    except (OSError, RuntimeError, ValueError):  # invalid paths are reported by `describe`
        return True
