"""What a verdict depends on besides the picture: the gate's rules, and what they compare a picture with.

A verdict stands as long as its basis stays the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.spec.brand import BrandSpec
from brandpress.pipeline.spec.quality_gate import CALIBRATED, QualityGate

VERSION = 1
"""Increased when the same scores and rules lead to another verdict."""
SUBJECT_ROLES = ("product", "character")
"""The roles whose entities are subjects: a style isn't something that a picture shows."""
MAX_CALIBRATION_BYTES = 16_777_216

_OF_SUBJECTS = frozenset({"subject", "colour"})


def calibration_path(brand: BrandSpec) -> Path:
    """Returns the path of a brand's calibration."""
    return brand.path.parent / f"{brand.name}.calibration.json"


def basis_of(gate: QualityGate, brand: BrandSpec) -> Callable[[Variant], str]:
    """Returns a function from a variant to the basis of verdicts on its pictures: a digest, whatever its seed is.

    Reads the brand's calibration. The prompt isn't part of it, because the render key is.
    """
    rules = [[rule.measure, rule.threshold, rule.severity, rule.sample] for rule in gate.rules]
    common: dict[str, Any] = {"version": VERSION, "rules": sorted(rules, key=str)}
    if any(rule.measure == "palette" for rule in gate.rules):
        common["palette"] = dict(brand.palette)
    of_subjects = any(rule.measure in _OF_SUBJECTS for rule in gate.rules)
    calibrated = any(rule.threshold == CALIBRATED for rule in gate.rules)
    calibration = _read_calibration(calibration_path(brand)) if calibrated else {}

    @cache
    def digest(subjects: tuple[tuple[str, str], ...]) -> str:
        own = {f"{role}:{name}": [one.sha256 for one in brand.pictures_of(role, name)] for role, name in subjects}
        thresholds = {label: _measures(calibration, label) for label in own} if calibrated else {}
        values = {**common, "subjects": own, "thresholds": thresholds, "method": calibration.get("method")}
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()

    def basis(variant: Variant) -> str:
        shown = ((role, variant.axes[role]) for role in SUBJECT_ROLES if role in variant.axes)
        known = tuple((role, name) for role, name in shown if name in brand.entities(role))
        return digest(known if of_subjects else ())

    return basis


def _read_calibration(file: Path) -> Mapping[str, Any]:
    """Returns a calibration's values, unchecked; {} if it can't be read: `brandpress render` says why."""
    try:
        with file.open("rb") as opened:
            values = json.loads(opened.read(MAX_CALIBRATION_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def _measures(calibration: Mapping[str, Any], label: str) -> Any:
    """Returns the thresholds of a subject as the file has them."""
    subjects = calibration.get("subjects")
    own = subjects.get(label) if isinstance(subjects, dict) else None
    measures = own.get("measures") if isinstance(own, dict) else None
    if not isinstance(measures, dict):
        return None
    return {name: one.get("threshold") if isinstance(one, dict) else None for name, one in measures.items()}
