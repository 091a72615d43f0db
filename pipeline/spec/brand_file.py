"""Reads a brand spec's file and its pictures, and collects all problems."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from brandpress.pipeline.spec.brand import ROLES, WHITE, BrandFields, BrandSpec, check_background
from brandpress.pipeline.spec.document import Document, Location
from brandpress.pipeline.spec.messages import quote
from brandpress.pipeline.spec.net import caught
from brandpress.pipeline.spec.picture import Picture, inspect
from brandpress.pipeline.spec.problem import Problem, SpecError, WrongValueError
from brandpress.pipeline.spec.schema import ValidFields, validate_fields
from brandpress.pipeline.spec.spec_kind import not_a_brand
from brandpress.pipeline.spec.yaml_file import read_yaml


@dataclass(frozen=True)
class ExaminedBrand:
    """What could be read of a brand spec.

    names, colours: known even if the entities or colours themselves have problems. fields: None unless all fields are
    valid. brand: None unless there are no problems at all. warnings: what the pictures say about their colours and
    isn't followed.
    """

    document: Document | None
    names: Mapping[str, tuple[str, ...]] | None
    colours: tuple[str, ...]
    fields: BrandFields | None
    pictures: Mapping[str, Picture]
    brand: BrandSpec | None
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...] = ()


def examine_brand(path: Path, label: str | None = None) -> ExaminedBrand:
    """Reads the file at `path`; messages name it `label`. Never raises: see `problems`."""
    try:
        return caught(
            label or path, lambda: examine_brand_document(read_yaml(path, label)), lambda problem: _unread(problem)
        )
    except SpecError as error:
        return _unread(*error.problems)


def _unread(*problems: Problem) -> ExaminedBrand:
    return ExaminedBrand(None, None, (), None, {}, None, problems)


def examine_brand_document(document: Document) -> ExaminedBrand:
    """Examines a file that was read already."""
    wrong_kind = not_a_brand(document)
    if wrong_kind is not None:
        return _unread(wrong_kind)
    path = document.path
    valid = validate_fields(document, BrandFields)
    pictures, picture_problems = _pictures(document)
    data = document.data if isinstance(document.data, dict) else {}
    colours = _keys(data.get("palette"))
    problems = document.all_problems([*valid.problems, *picture_problems, *_background(document, valid, colours)])
    fields = BrandFields.model_construct(**valid.values) if not valid.problems else None
    brand = None
    if fields is not None and not problems:
        brand = BrandSpec.model_construct(**valid.values, path=path, pictures=pictures)
    names = {role: _keys(data.get(field)) for role, field in ROLES.items()}
    return ExaminedBrand(document, names, colours, fields, pictures, brand, problems, _warnings(document, pictures))


def _keys(mapping: object) -> tuple[str, ...]:
    return tuple(mapping) if isinstance(mapping, dict) else ()


def _background(document: Document, valid: ValidFields, colours: tuple[str, ...]) -> Iterator[Problem]:
    try:
        check_background(valid.values.get("background", WHITE), colours)
    except WrongValueError as error:
        yield document.wrong(("background",), error, "background: ")


def _pictures(document: Document) -> tuple[dict[str, Picture], list[Problem]]:
    """Returns the file's reference pictures, each read once, and the problems of those that are wrong."""
    pictures: dict[str, Picture] = {}
    errors: dict[str, WrongValueError] = {}
    problems: list[Problem] = []
    for location, file, repeated in _references(document.data):
        label = ".".join(map(str, location[:2]))
        if repeated:
            problems.append(document.problem(location, f"{label}: {quote(file)} is listed twice", "remove one"))
            continue
        if file not in pictures and file not in errors:
            try:
                pictures[file] = inspect(file, document.path.parent)
            except WrongValueError as error:
                errors[file] = error
        if file in errors:
            problems.append(document.wrong(location, errors[file], f"{label}: "))
    return pictures, problems


def _warnings(document: Document, pictures: Mapping[str, Picture]) -> tuple[Problem, ...]:
    return tuple(
        document.problem(location, f"warning: {warning}")
        for location, file, _ in _references(document.data)
        if file in pictures
        for warning in pictures[file].warnings
    )


def _references(data: object) -> Iterator[tuple[Location, str, bool]]:
    """Yields (location, path, whether it's listed before) of each reference that is text."""
    for field in ROLES.values():
        entities = data.get(field) if isinstance(data, dict) else None
        for name, entity in entities.items() if isinstance(entities, dict) else ():
            files = entity.get("references") if isinstance(entity, dict) else None
            if not isinstance(files, tuple):
                continue
            earlier: set[str] = set()
            for i, file in enumerate(files):
                if isinstance(file, str):
                    yield (field, name, "references", i), file, file in earlier
                    earlier.add(file)
