"""Examines a brand spec's file: its fields, its pictures, and every problem of both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from brandpress.pipeline.spec.brand import ROLES, WHITE, BrandFields, BrandSpec, check_background
from brandpress.pipeline.spec.document import Document, Location
from brandpress.pipeline.spec.messages import quote
from brandpress.pipeline.spec.picture import Picture, inspect
from brandpress.pipeline.spec.problem import Problem, SpecError, WrongValueError
from brandpress.pipeline.spec.schema import Shape, read_shape
from brandpress.pipeline.spec.yaml_file import read_yaml


@dataclass(frozen=True)
class ExaminedBrand:
    """What could be read of a brand spec. `names` (of each role) and `colours` are known even when their details are
    wrong, `fields` when all fields are right, `brand` when there's no problem at all."""

    document: Document | None
    names: Mapping[str, tuple[str, ...]] | None
    colours: tuple[str, ...]
    fields: BrandFields | None
    pictures: Mapping[str, Picture]
    brand: BrandSpec | None
    problems: tuple[Problem, ...]


def examine_brand(path: Path, label: str | None = None) -> ExaminedBrand:
    """Examine the file at `path`, which messages call `label`. Raises nothing: the problems say it all."""
    try:
        document = read_yaml(path, label)
    except SpecError as error:
        return ExaminedBrand(None, None, (), None, {}, None, error.problems)
    shape = read_shape(document, BrandFields)
    pictures, broken = _pictures(document)
    data = document.data if isinstance(document.data, dict) else {}
    colours = _keys(data.get("palette"))
    problems = document.all_problems([*shape.problems, *broken, *_background(document, shape, colours)])
    fields = BrandFields.model_construct(**shape.values) if not shape.problems else None
    brand = None
    if fields is not None and not problems:
        brand = BrandSpec.model_construct(**shape.values, path=path, pictures=pictures)
    names = {role: _keys(data.get(field)) for role, field in ROLES.items()}
    return ExaminedBrand(document, names, colours, fields, pictures, brand, problems)


def _keys(mapping: object) -> tuple[str, ...]:
    return tuple(mapping) if isinstance(mapping, dict) else ()


def _background(document: Document, shape: Shape, colours: tuple[str, ...]) -> Iterator[Problem]:
    try:
        check_background(shape.values.get("background", WHITE), colours)
    except WrongValueError as error:
        yield document.wrong(("background",), error, "background: ")


def _pictures(document: Document) -> tuple[dict[str, Picture], list[Problem]]:
    """Every reference picture that the file names, each read once, and what is wrong with the others."""
    pictures: dict[str, Picture] = {}
    broken: dict[str, WrongValueError] = {}
    problems: list[Problem] = []
    for location, file, repeated in _references(document.data):
        if repeated:
            problems.append(document.problem(location, f"{quote(file)} stands twice in this list", "take one out"))
            continue
        if file not in pictures and file not in broken:
            try:
                pictures[file] = inspect(file, document.path.parent)
            except WrongValueError as error:
                broken[file] = error
        if file in broken:
            problems.append(document.wrong(location, broken[file]))
    return pictures, problems


def _references(data: object) -> Iterator[tuple[Location, str, bool]]:
    """(location, path, whether it stands before in its list) of each reference that is text."""
    for field in ROLES.values():
        entities = data.get(field) if isinstance(data, dict) else None
        for name, entity in entities.items() if isinstance(entities, dict) else ():
            files = entity.get("references") if isinstance(entity, dict) else None
            if not isinstance(files, tuple):
                continue
            seen: set[str] = set()
            for i, file in enumerate(files):
                if isinstance(file, str):
                    yield (field, name, "references", i), file, file in seen
                    seen.add(file)
