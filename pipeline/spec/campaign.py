"""A campaign: a matrix over a brand spec, and the prompt, size, seeds, name and delivery of each picture."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag

from brandpress.model.choice import ModelChoice
from brandpress.model.sampling_params import REUSES
from brandpress.pipeline.spec.axes import Axis
from brandpress.pipeline.spec.brand import ROLES, BrandSpec
from brandpress.pipeline.spec.budget import JobBudget
from brandpress.pipeline.spec.delivery import DeliveryAddress
from brandpress.pipeline.spec.document import Document
from brandpress.pipeline.spec.feed.use import FeedUse
from brandpress.pipeline.spec.fields import (
    MAX_TEMPLATE,
    Fields,
    Slug,
    Text,
    as_pydantic,
    parse_choice,
    plain_text,
    reader,
)
from brandpress.pipeline.spec.messages import allowed, closest, kind, listing, quote
from brandpress.pipeline.spec.model_field import ModelField, choice_of
from brandpress.pipeline.spec.output_name import EXTENSIONS
from brandpress.pipeline.spec.picture import Picture
from brandpress.pipeline.spec.points import Point
from brandpress.pipeline.spec.problem import WrongValueError
from brandpress.pipeline.spec.prompt import Structure, parse_structure, texts, to_json
from brandpress.pipeline.spec.public_url import parse_public_url
from brandpress.pipeline.spec.publication import POLICIES, AllowedFailures, Policy, parse_allowed_failures
from brandpress.pipeline.spec.quality_gate import JobGate
from brandpress.pipeline.spec.schedule import Schedule
from brandpress.pipeline.spec.size import Size, parse_area, parse_size

MAX_VARIANTS = 1_000_000
MAX_SEED = 2**53 - 1  # the largest whole number that every reader of JSON keeps exactly
MAX_STEPS = 200
MAX_GUIDANCE = 100.0
PRESETS = ("preview", "standard", "final")

_SEEDS_RULE = (
    f"allowed: a number from 1 to {MAX_VARIANTS:,} (seeds 0, 1, …), or a list of whole numbers from 0 to {MAX_SEED}"
)


def parse_seeds(value: object) -> Sequence[int]:
    """Returns the seeds of a number or a list. Raises WrongValueError."""
    if isinstance(value, int) and not isinstance(value, bool):
        if not 1 <= value <= MAX_VARIANTS:
            raise WrongValueError(f"{quote(value)} isn't a valid number of seeds", _SEEDS_RULE)
        return range(value)
    if not isinstance(value, tuple):
        raise WrongValueError(f"must be a number or a list, not {kind(value)}", _SEEDS_RULE)
    if not value:
        raise WrongValueError("the list of seeds is empty", _SEEDS_RULE)
    return _checked_list(value, _check_seed)


def _check_seed(seed: object) -> None:
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise WrongValueError(f"a seed must be a whole number, not {kind(seed)}", _SEEDS_RULE)
    if not 0 <= seed <= MAX_SEED:
        raise WrongValueError(f"the seed {quote(seed)} is out of range", _SEEDS_RULE)


def _checked_list(values: tuple[Any, ...], check: Callable[[object], None]) -> tuple[Any, ...]:
    """Returns the values if each passes the check and none is listed twice. Raises a group of all errors."""
    errors = []
    earlier: set[object] = set()
    for i, value in enumerate(values):
        try:
            check(value)
            if value in earlier:
                raise WrongValueError(f"{quote(value)} is listed twice", "remove one")
            earlier.add(value)
        except WrongValueError as error:
            errors.append(error.below(i))
    if errors:
        raise ExceptionGroup("wrong values", errors)
    return values


def parse_references(value: object) -> tuple[str, ...]:
    """Returns the roles whose pictures go with each prompt, in order. Raises WrongValueError."""
    if not isinstance(value, tuple):
        suggestion = quote(f"[{value}]") if isinstance(value, str) and value in ROLES else ""
        raise WrongValueError(
            f"must be a list, not {kind(value)}", f"allowed: a list of {listing([*ROLES])}", suggestion
        )
    return _checked_list(value, _check_role)


def _check_role(role: object) -> None:
    if not isinstance(role, str) or role not in ROLES:
        shown = quote(role) if isinstance(role, str) else kind(role)
        suggestion = closest(role, ROLES) if isinstance(role, str) else ""
        raise WrongValueError(f"{shown} has no reference pictures", allowed([*ROLES]), suggestion)


def parse_template(value: object) -> str:
    """Returns the source of a template, which is checked later, when its variables are known. Raises
    WrongValueError."""
    return plain_text(value, MAX_TEMPLATE)


def parse_prompt(value: object) -> str | Structure:
    """Returns the source of a template, or a structure of them that is written as JSON; they are checked later, when
    their variables are known. Raises WrongValueError, or a group of them."""
    if isinstance(value, Mapping | tuple):
        return parse_structure(value, MAX_TEMPLATE)
    return parse_template(value)


def parse_negative_prompt(value: object) -> str:
    """Returns plain text, the same for all variants; a mapping or a list as JSON. Raises WrongValueError for text that
    looks like a template, or a group of them."""
    if isinstance(value, Mapping | tuple):
        structure = parse_structure(value, MAX_TEMPLATE)
        errors = [error.below_all(steps) for steps, text in texts(structure) for error in _template_errors(text)]
        if errors:
            raise ExceptionGroup("wrong values", errors)
        return to_json(structure)
    text = plain_text(value, MAX_TEMPLATE)
    for error in _template_errors(text):
        raise error
    return text


def _template_errors(text: str) -> Iterator[WrongValueError]:
    for brackets in ("{{", "{%"):
        if brackets in text:
            what = f"contains {quote(brackets)}, but it isn't a template"
            rule = "allowed: plain text, the same for all variants"
            yield WrongValueError(what, rule, needle=re.escape(brackets))
            return


class Custom(Fields):
    """Custom steps and guidance; the model decides what isn't given."""

    steps: Annotated[int, Field(ge=1, le=MAX_STEPS)] | None = None
    guidance: Annotated[float, Field(ge=0, le=MAX_GUIDANCE, allow_inf_nan=False)] | None = None

    def check(self) -> Custom:
        """Raises if neither is given."""
        if self.steps is None and self.guidance is None:
            raise as_pydantic(WrongValueError("has neither steps nor guidance", "write {steps: 20, guidance: 4.0}"))
        return self


Preset = Literal["preview", "standard", "final"]
Quality = Annotated[
    Annotated[Preset, reader(parse_choice(PRESETS)), Tag("preset")]
    | Annotated[Custom, AfterValidator(Custom.check), Tag("custom")],
    Discriminator(lambda value: "custom" if isinstance(value, (dict, Custom)) else "preset"),
]


class Output(Fields):
    """The delivered file. name: a template; None for the default: the values of the axes, and the seed."""

    format: Annotated[Literal["png", "jpeg", "webp"], reader(parse_choice(tuple(EXTENSIONS)))] = "png"
    name: Annotated[str, reader(parse_template)] | None = None


class Job(Fields):
    """The fields of a campaign's file."""

    name: Slug = Field(alias="campaign", description="campaign: its-name")
    description: Text | None = None
    brand: Text = Field(description="brand: path/to/brand.yaml")
    model: ModelField = Field(description="model: nano")
    matrix: dict[str, Any] = Field(description="matrix: {product: [mug], scene: {beach: on a beach}}")
    exclude: tuple[dict[str, Any], ...] = ()
    include: tuple[dict[str, Any], ...] = ()
    prompt: Annotated[str | Structure, reader(parse_prompt)] = Field(
        description='prompt: "{{ product.description }} on a table"'
    )
    negative_prompt: Annotated[str, reader(parse_negative_prompt)] = ""
    upsample: bool = False
    reuse: Annotated[Literal["exact", "approximate"], reader(parse_choice(REUSES))] = "exact"
    references: Annotated[tuple[str, ...], reader(parse_references)] = ()
    reference_pixels: Annotated[int, reader(parse_area)] | None = None
    seeds: Annotated[Sequence[int], reader(parse_seeds)] = (0,)
    size: Annotated[Size, reader(parse_size)] | None = None
    quality: Quality = "standard"
    output: Output = Field(default_factory=Output)
    deliver: Text = Field(description="deliver: s3://bucket/prefix, or a folder")
    publish: Annotated[Policy, reader(parse_choice(POLICIES))] = "rolling"
    allow_failed: Annotated[AllowedFailures, reader(parse_allowed_failures)] = AllowedFailures()
    quality_gate: JobGate | None = None
    budget: JobBudget | None = None
    schedule: Schedule | None = None
    public_url: Annotated[str, reader(parse_public_url)] | None = None


@dataclass(frozen=True)
class Campaign:
    """A loaded campaign: the fields of its file, its brand spec, and all points of its matrix.

    address: where the pictures are delivered. spec_sha256: digest of the campaign's file followed by the brand
    spec's, and the digests of its feeds. source: the campaign's file, for problems that are detected later.
    """

    path: Path
    job: Job
    brand: BrandSpec
    axes: Mapping[str, Axis]
    points: tuple[Point, ...] = field(repr=False, compare=False)
    address: DeliveryAddress
    spec_sha256: str
    source: Document = field(repr=False, compare=False)

    @property
    def name(self) -> str:
        """The `campaign:` field."""
        return self.job.name

    @property
    def model(self) -> str:
        """The base model, as the file names it."""
        return self.choice.base

    @property
    def choice(self) -> ModelChoice:
        """The model and its replaced parts, with paths as written in the file."""
        return choice_of(self.job.model)

    @property
    def deliver(self) -> str:
        """The delivery address, as written in the file."""
        return self.job.deliver

    @property
    def feeds(self) -> tuple[FeedUse, ...]:
        """The feeds of the brand spec."""
        return self.brand.feeds

    @property
    def output(self) -> Output:
        """Format and name of the delivered files."""
        return self.job.output

    def references(self, point: Point) -> tuple[tuple[str, Picture], ...]:
        """Returns (role, picture) of each reference of a point, in the order in which the model gets them."""
        return references_of(self.job.references, self.brand, point.axes)


def references_of(roles: tuple[str, ...], brand: BrandSpec, axes: Mapping[str, str]) -> tuple[tuple[str, Picture], ...]:
    """Returns (role, picture) of each reference of a combination, in order. Roles that it doesn't have are skipped."""
    return tuple((role, picture) for role in roles if role in axes for picture in brand.pictures_of(role, axes[role]))
