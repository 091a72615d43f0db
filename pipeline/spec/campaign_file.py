"""Reads a campaign's file and its brand spec, and collects all problems of both."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brandpress.model.choice import ModelChoice
from brandpress.pipeline.spec.axes import FORMAT, MAX_AXES, Axis, misspelt, read_axes
from brandpress.pipeline.spec.brand import ROLES, BrandSpec
from brandpress.pipeline.spec.brand_file import ExaminedBrand, examine_brand
from brandpress.pipeline.spec.campaign import MAX_VARIANTS, Campaign, Job
from brandpress.pipeline.spec.delivery import DeliveryAddress, parse_address
from brandpress.pipeline.spec.document import Document, Location
from brandpress.pipeline.spec.free_fields import names_of
from brandpress.pipeline.spec.matrix import Combination, expand_matrix, max_combinations, max_comparisons
from brandpress.pipeline.spec.matrix_entries import read_exclude, read_include
from brandpress.pipeline.spec.messages import allowed, kind, quote
from brandpress.pipeline.spec.model_field import choice_of
from brandpress.pipeline.spec.net import caught
from brandpress.pipeline.spec.points import ALT, NAME, PROMPT, Point, expand_points
from brandpress.pipeline.spec.problem import Problem, SpecError, WrongValueError
from brandpress.pipeline.spec.prompt import Structure, StructuredTemplate, compile_structure, texts
from brandpress.pipeline.spec.provenance import SigningIdentity, signing_identity
from brandpress.pipeline.spec.publication import AllowedFailures, waits_for_all
from brandpress.pipeline.spec.root import check_inside
from brandpress.pipeline.spec.schema import validate_fields
from brandpress.pipeline.spec.similar_path import similar_path
from brandpress.pipeline.spec.size import Size
from brandpress.pipeline.spec.spec_kind import not_a_job
from brandpress.pipeline.spec.template import Template, compile_template
from brandpress.pipeline.spec.template_check import Variables, check_template
from brandpress.pipeline.spec.template_values import CHOICE_ATTRIBUTES, ENTITY_ATTRIBUTES, FORMAT_ATTRIBUTES
from brandpress.pipeline.spec.texts import ExpansionInput
from brandpress.pipeline.spec.written import misread, written
from brandpress.pipeline.spec.yaml_file import read_yaml

MAX_COMPARISONS = 50_000_000
MAX_TEMPLATE_PROBLEMS = 20  # that are reported with their places


@dataclass(frozen=True)
class ExaminedCampaign:
    """What could be read of a campaign. choice: None unless `model:` is valid. campaign: None if there are problems.
    warnings: of its brand spec."""

    document: Document | None
    choice: ModelChoice | None
    campaign: Campaign | None
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...] = ()


def examine_campaign(path: Path, label: str | None = None) -> ExaminedCampaign:
    """Reads the file at `path`; messages name it `label`. Never raises: see `problems`."""
    try:
        return caught(label or path, lambda: examine_document(read_yaml(path, label)), lambda problem: _unread(problem))
    except SpecError as error:
        return _unread(*error.problems)


def _unread(*problems: Problem) -> ExaminedCampaign:
    return ExaminedCampaign(None, None, None, problems)


def examine_document(document: Document) -> ExaminedCampaign:
    """Examines a file that was read already."""
    wrong_kind = not_a_job(document)
    return _Examination(document).result() if wrong_kind is None else _unread(wrong_kind)


@dataclass(frozen=True)
class _Matrix:
    """The matrix, as far as it could be read.

    matrix: the axes under `matrix:`. axes: the same with the values that `include` adds. misspelt: names of axes that
    aren't reported again where they're used, see `axes.misspelt`. complete: whether all of the matrix could be read.
    """

    matrix: Mapping[str, Axis]
    axes: Mapping[str, Axis]
    exclude: tuple[Mapping[str, str], ...]
    include: tuple[Mapping[str, str], ...]
    misspelt: Set[str]
    complete: bool


class _Examination:
    """Checks a campaign's file. Each check needs some fields and runs if these are valid, whatever the others are."""

    def __init__(self, document: Document) -> None:
        self.document = document
        valid = validate_fields(document, Job)
        self.values: dict[str, Any] = valid.values
        self.problems: list[Problem] = [*valid.problems, *_misread_numbers(document, valid.values)]
        self.address = self._delivery_address()
        self.brand = self._brand()
        self.matrix = self._matrix()

    def result(self) -> ExaminedCampaign:
        prompt, name = self._templates()
        alt = self._compiled(ALT, self.values.get("alt"), self._variables())
        self._references()
        self._size()
        self._publication()
        signing = self._signing()
        points = self._points(prompt, name, alt)
        problems = self.document.all_problems(self.problems)
        campaign = None
        if not problems and points is not None:
            campaign = self._campaign(points, signing)
        choice = choice_of(self.values["model"]) if "model" in self.values else None
        return ExaminedCampaign(self.document, choice, campaign, problems, self.brand.warnings if self.brand else ())

    def _campaign(self, points: tuple[Point, ...], signing: SigningIdentity | None) -> Campaign | None:
        brand, matrix = self.brand, self.matrix
        if brand is None or brand.brand is None or brand.document is None or matrix is None or self.address is None:
            return None
        return Campaign(
            path=self.document.path,
            job=Job.model_construct(**self.values),
            brand=brand.brand,
            axes=matrix.axes,
            points=points,
            address=self.address,
            spec_sha256=_digest(self.document, brand.document, brand.brand),
            source=self.document,
            signing=signing,
        )

    def _publication(self) -> None:
        values = self.values
        if "publish" not in values or waits_for_all(values["publish"]):
            return
        if values.get("allow_failed", AllowedFailures()) != AllowedFailures():
            what = "allow_failed has no effect: it needs publish: whole or approved-whole"
            self.problems.append(self.document.problem(("allow_failed",), what, "add publish: whole, or remove it"))

    def _signing(self) -> SigningIdentity | None:
        """Returns who signs the pictures; None if nobody does, or if the certificates can't be read."""
        field = self.values.get("provenance")
        if field is None:
            return None
        identity = signing_identity(self.document, field)
        if isinstance(identity, SigningIdentity):
            return identity
        self.problems += identity
        return None

    def _delivery_address(self) -> DeliveryAddress | None:
        if "deliver" not in self.values:
            return None
        try:
            return parse_address(self.values["deliver"], self.document.path.parent)
        except WrongValueError as error:
            self.problems.append(self.document.wrong(("deliver",), error, "deliver: "))
            return None

    def _brand(self) -> ExaminedBrand | None:
        if "brand" not in self.values:
            return None
        written: str = self.values["brand"]
        path = self.document.path.parent / written
        try:
            check_brand_path(written, path, self.document.path.parent)
        except WrongValueError as error:
            self.problems.append(self.document.wrong(("brand",), error))
            return None
        label = os.path.normpath(Path(self.document.label).parent / written)
        examined = examine_brand(path, label)
        self.problems += examined.problems
        return examined

    def _matrix(self) -> _Matrix | None:
        values, document = self.values, self.document
        if "matrix" not in values:
            return None
        excluded, included = values.get("exclude", ()), values.get("include", ())
        if not values["matrix"] and not included:
            what = "the matrix has no axis"
            self.problems.append(document.problem(("matrix",), what, "write at least one: {product: [mug]}"))
        names = self.brand.names if self.brand else None
        select = self.brand.select if self.brand and self.brand.fields else None
        axes = read_axes(document, values["matrix"], names, select)
        exclude = read_exclude(document, excluded, axes.by_name, names, misspelt(values["matrix"], axes.by_name))
        include = read_include(document, included, axes.by_name, names)
        problems = [*axes.problems, *exclude.problems, *include.problems]
        if len(include.axes) > MAX_AXES:
            what = f"the matrix has {len(include.axes):,} axes"
            problems.append(document.problem(("matrix",), what, f"allowed: {MAX_AXES}", on_key=True))
        self.problems += problems
        written = {*values["matrix"], *(axis for entry in included for axis in entry)}
        known = all(axis.complete for axis in include.axes.values())
        complete = not problems and known and include.axes and {"exclude", "include"} <= values.keys()
        misspelt_axes = misspelt(written, include.axes)
        return _Matrix(axes.by_name, include.axes, exclude.entries, include.entries, misspelt_axes, bool(complete))

    def _variables(self) -> Variables | None:
        """Returns the variables of templates; None without a matrix."""
        if self.matrix is None:
            return None
        axes = [*self.matrix.axes, *sorted(self.matrix.misspelt - self.matrix.axes.keys())]
        variables = {axis: self._attributes(axis) for axis in axes}
        colours = self.brand.colours if self.brand else ()
        return variables | {
            FORMAT: self._attributes(FORMAT),
            "seed": (),
            "index": (),
            "campaign": (),
            "brand": (),
            "palette": colours,
        }

    def _attributes(self, axis: str) -> tuple[str, ...] | None:
        """Returns the attributes of an axis' values in templates; None if they aren't known."""
        if axis in ROLES:
            free = self.brand.attributes.get(axis, ()) if self.brand else None
            return None if free is None else tuple(dict.fromkeys((*ENTITY_ATTRIBUTES, *free)))
        own = FORMAT_ATTRIBUTES if axis == FORMAT else CHOICE_ATTRIBUTES
        axes = self.matrix.axes if self.matrix else {}
        return (*own, *names_of(axes[axis].free.values())) if axis in axes else own

    def _templates(self) -> tuple[Template | StructuredTemplate | None, Template | None]:
        variables = self._variables()
        prompt: str | Structure | None = self.values.get("prompt")
        name = self._compiled(NAME, self._output_name(), variables)
        if prompt is None or isinstance(prompt, str):
            return self._compiled(PROMPT, prompt, variables), name
        errors = [error.below_all(steps) for steps, text in texts(prompt) for error in check_template(text, variables)]
        self._report_in_template(PROMPT, errors)
        if errors or variables is None:
            return None, name
        return compile_structure(prompt, lambda text: compile_template(text, variables)), name

    def _compiled(self, location: Location, source: str | None, variables: Variables | None) -> Template | None:
        if source is None:
            return None
        errors = check_template(source, variables)
        self._report_in_template(location, errors)
        return None if errors or variables is None else compile_template(source, variables)

    def _report_in_template(self, location: Location, errors: list[WrongValueError]) -> None:
        """Reports the first errors of a template: finding each one's place takes as long as the template is."""
        self.problems += [self.document.wrong(location, error) for error in errors[:MAX_TEMPLATE_PROBLEMS]]
        rest = len(errors) - MAX_TEMPLATE_PROBLEMS
        if rest > 0:
            self.problems.append(self.document.problem(location, f"and {rest:,} more problems in this template"))

    def _output_name(self) -> str | None:
        """Returns the template of the name, even if other fields of `output:` are wrong."""
        if "output" in self.values:
            name: str | None = self.values["output"].name
            return name
        written = self.document.data.get("output") if isinstance(self.document.data, dict) else None
        template = written.get("name") if isinstance(written, dict) else None
        return template if isinstance(template, str) else None

    def _references(self) -> None:
        """Reports roles that no combination has: they have no pictures."""
        matrix = self.matrix
        if matrix is None:
            return
        for i, role in enumerate(self.values.get("references", ())):
            if role not in matrix.axes and role not in matrix.misspelt:
                roles = [axis for axis in matrix.axes if axis in ROLES]
                what = f"{quote(role)} isn't an axis of this campaign's matrix"
                self.problems.append(self.document.problem(("references", i), what, allowed(roles)))

    def _size(self) -> None:
        if self._size_missing():
            what = f"the field 'size' is missing, and there is no axis {quote(FORMAT)}"
            self.problems.append(self.document.problem((), what, "write size: 1024x1024"))

    def _size_missing(self) -> bool:
        axes = self.matrix.axes.keys() | self.matrix.misspelt if self.matrix else {FORMAT}
        return "size" in self.values and self.values["size"] is None and FORMAT not in axes

    def _points(
        self, prompt: Template | StructuredTemplate | None, name: Template | None, alt: Template | None
    ) -> tuple[Point, ...] | None:
        """Expands the campaign; None if too much is wrong for that. Wrong fields that the checks can do without are
        replaced by valid values: their problems have been reported already."""
        values, matrix, brand = self.values, self.matrix, self.brand
        if matrix is None:
            return None
        seeds: Sequence[int] = values.get("seeds", (0,))
        combinations = self._combinations(matrix, len(seeds))
        if not combinations or brand is None or brand.fields is None:
            return None
        if "references" not in values or self._size_missing():
            return None
        if name is None and self._output_name() is not None:
            return None
        inputs = ExpansionInput(
            campaign=values.get("name", "campaign"),
            brand=brand.fields,
            digests={file: picture.sha256 for file, picture in brand.pictures.items()},
            axes=matrix.axes,
            prompt=prompt,
            name=name,
            references=values["references"],
            seeds=seeds,
            size=values.get("size", Size(1024, 1024)),
            alt=alt,
        )
        points, problems = expand_points(self.document, inputs, combinations)
        self.problems += problems
        return points

    def _combinations(self, matrix: _Matrix, seeds: int) -> list[Combination] | None:
        """Returns the combinations; None if the matrix is incomplete, there are too many, or all are excluded."""
        axes = {axis.name: tuple(axis.values) for axis in matrix.matrix.values()}
        total = max_combinations(axes, matrix.include) * seeds
        if total > MAX_VARIANTS:
            what, rule = f"this matrix makes up to {total:,} variants", f"allowed: {MAX_VARIANTS:,} before exclude"
            self.problems.append(self.document.problem(("matrix",), what, rule, on_key=True))
            return None
        if not matrix.complete:
            return None
        comparisons = max_comparisons(axes, matrix.exclude, matrix.include)
        if comparisons > MAX_COMPARISONS:
            what = f"exclude and include take up to {comparisons:,} comparisons with the combinations of this matrix"
            rule = f"allowed: {MAX_COMPARISONS:,}; name the same axes in all entries, or write fewer"
            self.problems.append(self.document.problem(("matrix",), what, rule, on_key=True))
            return None
        combinations = expand_matrix(axes, matrix.exclude, matrix.include)
        if not combinations:
            what = "everything is excluded: no variant is left"
            self.problems.append(self.document.problem(("exclude",), what, on_key=True))
        return combinations or None


def _misread_numbers(document: Document, valid: Mapping[str, Any]) -> Iterator[Problem]:
    """Yields the whole numbers of valid fields that YAML reads as others than people do. Those of the matrix and its
    entries are read elsewhere."""
    data = document.data if isinstance(document.data, dict) else {}
    for name in data.keys() & (valid.keys() - {"matrix", "exclude", "include"}):
        for place, value in _leaves((name,), data[name]):
            if misread(value):
                what = f"{'.'.join(map(str, place))} is {kind(value)}"
                yield document.problem(place, what, _how_to_write(value))


def _leaves(place: Location, value: object) -> Iterator[tuple[Location, object]]:
    """Yields all values below a value that are neither lists nor mappings, with their places."""
    if isinstance(value, dict | tuple):
        for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves((*place, step), inner)
    else:
        yield place, value


def _how_to_write(number: object) -> str:
    text = written(number)
    return f"write {int(text)}, or {number}" if text.isdecimal() else f"write {number}"


def _digest(document: Document, brand_document: Document, brand: BrandSpec) -> str:
    """Returns the digest of everything that people wrote: the campaign's file, the brand spec's, and its feeds."""
    digest = hashlib.sha256(document.content + brand_document.content)
    for feed in brand.feeds:
        digest.update(bytes.fromhex(feed.sha256))
    return digest.hexdigest()


def check_brand_path(written: str, path: Path, folder: Path) -> None:
    """Raises WrongValueError unless `path`, which a job in `folder` has as `written`, is a file that it may name."""
    rule = "allowed: the path of a brand spec, relative to this file"
    if not written.isprintable():
        raise WrongValueError(f"{quote(written)} isn't a path", rule)
    if "\\" in written:
        raise WrongValueError(
            f"{quote(written)} is a Windows path", rule + ", with '/'", quote(written.replace("\\", "/"))
        )
    if written.startswith("~"):
        raise WrongValueError(f"'~' isn't expanded in {quote(written)}", rule)
    check_inside(written, path, folder)
    try:
        if path.is_file():
            return
    except (OSError, ValueError) as error:
        raise WrongValueError(f"the brand spec {quote(written)} can't be read: {error}", rule) from None
    if path.is_dir():
        raise WrongValueError(f"{quote(written)} is a folder", rule, quote(f"{written.rstrip('/')}/brand.yaml"))
    raise WrongValueError(f"there is no brand spec {quote(written)}", rule, similar_path(written, path))
