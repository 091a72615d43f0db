"""The calibration's file beside the brand spec, `<brand>.calibration.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from brandpress.model.errors import RequestError
from brandpress.pipeline.plan.verdict_basis import calibration_path as calibration_path
from brandpress.pipeline.review.calibration.calibrate import SubjectCalibration
from brandpress.pipeline.review.gate import Thresholds
from brandpress.pipeline.spec.brand import BrandSpec
from brandpress.pipeline.spec.messages import quote
from brandpress.pipeline.spec.problem import Problem, SpecError

SCHEMA = "brandpress.calibration/1"
MAX_BYTES = 16_777_216
_ADVICE = "run `brandpress calibrate` again"

Basis = Literal["references", "delivered"]
"""What the scores come from: the brand's references, or a campaign's delivered pictures."""
Finite = Annotated[float, Field(allow_inf_nan=False)]


class _Stored(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StoredThreshold(_Stored):
    """A threshold with the scores that it was derived from."""

    threshold: Finite
    separated: bool
    own: tuple[Finite, ...]
    others: tuple[Finite, ...]


class StoredSubject(_Stored):
    """Measure -> threshold, and the digests of the references."""

    references: tuple[str, ...]
    measures: dict[str, StoredThreshold]


class StoredCalibration(_Stored):
    """The content of the file. method: the identity of the measure; scores of another one have other thresholds."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)

    schema_name: str = Field(alias="schema")
    brand: str
    method: str
    basis: Basis
    subjects: dict[str, StoredSubject]


@dataclass(frozen=True)
class UsableThresholds:
    """The thresholds that fit the brand's references of today, and warnings about the others."""

    thresholds: Thresholds
    warnings: tuple[str, ...] = ()


def calibration_json(brand: str, method: str, basis: Basis, subjects: Sequence[SubjectCalibration]) -> dict[str, Any]:
    """Returns the content of the file as JSON values."""
    return {
        "schema": SCHEMA,
        "brand": brand,
        "method": method,
        "basis": basis,
        "subjects": {
            one.subject: {
                "references": list(one.references),
                "measures": {
                    name: {
                        "threshold": round(result.threshold, 4),
                        "separated": result.separated,
                        "own": [round(score, 4) for score in result.own],
                        "others": [round(score, 4) for score in result.others],
                    }
                    for name, result in one.measures.items()
                },
            }
            for one in subjects
        },
    }


def write(path: Path, content: str) -> None:
    """Writes a file of a calibration. Raises RequestError."""
    try:
        path.write_text(content, "utf-8")
    except OSError as error:
        raise RequestError(f"{path}: the calibration can't be written: {error.strerror or error}") from None


def read_calibration(path: Path) -> StoredCalibration | None:
    """Returns the calibration in a file; None if there is no file. Raises SpecError if it's not a calibration."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _error(path, 1, 1, f"the file can't be read: {error.strerror or error}") from None
    if len(content) > MAX_BYTES:
        raise _error(path, 1, 1, f"the file is longer than {MAX_BYTES:,} bytes")
    try:
        values = json.loads(content)
        stored = StoredCalibration.model_validate(values)
    except json.JSONDecodeError as error:
        raise _error(path, error.lineno, error.colno, f"this isn't valid JSON: {error.msg}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(map(str, first["loc"])) or "the file"
        raise _error(path, 1, 1, f"{field}: {first['msg']}") from None
    except (UnicodeDecodeError, RecursionError):
        raise _error(path, 1, 1, "this isn't a calibration") from None
    if stored.schema_name != SCHEMA:
        raise _error(
            path, 1, 1, f"schema: {quote(stored.schema_name)} isn't known", f"allowed: {quote(SCHEMA)}; {_ADVICE}"
        )
    return stored


def usable_thresholds(stored: StoredCalibration | None, brand: BrandSpec, method: str) -> UsableThresholds:
    """Returns the thresholds of subjects whose references and method haven't changed since the calibration."""
    if stored is None:
        return UsableThresholds({})
    if stored.method != method:
        warning = f"{calibration_path(brand)}: calibrated for {quote(stored.method)}, not {quote(method)}; {_ADVICE}"
        return UsableThresholds({}, (warning,))
    today = _digests(brand)
    changed = [label for label, one in stored.subjects.items() if today.get(label) != one.references]
    thresholds: Thresholds = {
        (name, label): result.threshold
        for label, one in stored.subjects.items()
        if label not in changed
        for name, result in one.measures.items()
    }
    warnings = tuple(
        f"{calibration_path(brand)}: {label}: its references have changed since the calibration; {_ADVICE}"
        for label in changed
    )
    return UsableThresholds(thresholds, warnings)


def _digests(brand: BrandSpec) -> Mapping[str, tuple[str, ...]]:
    return {
        f"{role}:{name}": tuple(picture.sha256 for picture in brand.pictures_of(role, name))
        for role in ("product", "character")
        for name in brand.entities(role)
    }


def _error(path: Path, line: int, column: int, what: str, allowed: str = _ADVICE) -> SpecError:
    return SpecError([Problem(str(path), line, column, what, allowed)])
