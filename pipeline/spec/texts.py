"""Fills a campaign's templates: the size, the prompt, the output name and the alt text of each combination and seed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from brandpress.pipeline.spec.axes import FORMAT, Axis
from brandpress.pipeline.spec.brand import ROLES, AnyEntity, BrandFields
from brandpress.pipeline.spec.free_fields import LOCALE, FreeFields, is_localised
from brandpress.pipeline.spec.matrix import Combination
from brandpress.pipeline.spec.problem import WrongValueError
from brandpress.pipeline.spec.prompt import StructuredTemplate
from brandpress.pipeline.spec.size import Size, parse_size
from brandpress.pipeline.spec.template import CACHED_TEXTS, Template
from brandpress.pipeline.spec.template_values import Named, Palette


@dataclass(frozen=True)
class ExpansionInput:
    """Everything that decides a campaign's points, except its combinations.

    digests: reference file -> sha256, for the files that could be read. prompt: None if its template has a problem,
    which is reported elsewhere. name: None for the default name: the values of the axes, and the seed. alt: None for no
    alt text.
    """

    campaign: str
    brand: BrandFields
    digests: Mapping[str, str]
    axes: Mapping[str, Axis]
    prompt: Template | StructuredTemplate | None
    name: Template | None
    references: tuple[str, ...]
    seeds: Sequence[int]
    size: Size | None
    alt: Template | None = None


class CampaignTexts:
    """Sizes, prompts, output names and alt texts of one campaign. `seed_in_prompt`, `seed_in_alt`: these depend on the
    seed or the index, so that each seed has its own."""

    def __init__(self, inputs: ExpansionInput) -> None:
        self.seed_in_prompt = bool(inputs.prompt and inputs.prompt.variables & {"seed", "index"})
        self.seed_in_alt = bool(inputs.alt and inputs.alt.variables & {"seed", "index"})
        localised = _localised_axes(inputs)
        self._prompt = _FilledTemplate(inputs.prompt, inputs, localised, in_prompt=True) if inputs.prompt else None
        self._name = _FilledTemplate(inputs.name, inputs, localised, in_prompt=False) if inputs.name else None
        self._alt = _FilledTemplate(inputs.alt, inputs, localised, in_prompt=True) if inputs.alt else None
        self._size = inputs.size
        formats = inputs.axes[FORMAT].values if FORMAT in inputs.axes else {}
        self._sizes = {name: parse_size(text) for name, text in formats.items()}

    def size(self, axes: Combination) -> Size:
        """Returns the size of a combination's pictures. Raises WrongValueError if it has none."""
        size = self._sizes.get(axes.get(FORMAT, ""), self._size)
        if size is None:
            what = f"the combination {point_label(axes)} has neither a size nor a format"
            raise WrongValueError(what, "write size: 1024x1024, or a format in the entry")
        return size

    def prompt(self, axes: Combination, size: Size, seed: int, index: int) -> str:
        """Returns the prompt, or "" without a template. Raises TemplateRenderError."""
        return self._prompt.render(axes, size, seed, index) if self._prompt else ""

    def prompt_axes(self, axes: Combination) -> tuple[str | None, ...]:
        """Returns a combination's values of the axes that the prompt's template uses."""
        return self._prompt.used_values(axes) if self._prompt else ()

    def name(self, axes: Combination, size: Size, seed: int, index: int) -> str:
        """Returns the output name. Raises TemplateRenderError."""
        return self._name.render(axes, size, seed, index) if self._name else "-".join([*axes.values(), f"s{seed}"])

    def alt(self, axes: Combination, size: Size, seed: int, index: int) -> str:
        """Returns the alt text on one line, or "" without a template. Raises TemplateRenderError."""
        return " ".join(self._alt.render(axes, size, seed, index).split()) if self._alt else ""


class _FilledTemplate:
    """A template with the values that its variables can have."""

    def __init__(
        self,
        template: Template | StructuredTemplate,
        inputs: ExpansionInput,
        localised: Set[str],
        *,
        in_prompt: bool,
    ) -> None:
        palette = Palette(inputs.brand.palette)
        constants = {"campaign": inputs.campaign, "brand": inputs.brand.name, "palette": palette}
        axes = _axis_values(inputs, localised, in_prompt=in_prompt)
        self._template = template
        self._constants = {name: value for name, value in constants.items() if name in template.variables}
        self._axes = {axis: values for axis, values in axes.items() if axis in template.variables}
        self._uses_format = FORMAT in template.variables
        self._format_fields = inputs.axes[FORMAT].free if FORMAT in inputs.axes else {}
        self._formats: dict[tuple[str | None, str | None], Named] = {}
        self._localised = not localised.isdisjoint(template.variables)

    def used_values(self, axes: Combination) -> tuple[str | None, ...]:
        names = tuple(map(axes.get, self._axes))
        format_name = (axes.get(FORMAT),) if self._uses_format else ()
        return (*names, *format_name, axes.get(LOCALE)) if self._localised else (*names, *format_name)

    def render(self, axes: Combination, size: Size, seed: int, index: int) -> str:
        values: dict[str, Any] = {**self._constants, "seed": seed, "index": index}
        locale = axes.get(LOCALE) if self._localised else None
        for axis, named in self._axes.items():
            if axis in axes:
                values[axis] = named.value(axes[axis], locale)
        if self._uses_format:
            values[FORMAT] = self._format(axes.get(FORMAT), size, locale)
        return self._template.render(values)

    def _format(self, name: str | None, size: Size, locale: str | None) -> Named:
        """Returns the same object for the same name: templates cache their texts by the identity of their values."""
        if (name, locale) not in self._formats:
            shown = str(size) if name is None else name
            free = self._format_fields.get(shown, {})
            self._formats[name, locale] = Named.shape(shown, size, free, locale)
        return self._formats[name, locale]


class _AxisNames:
    """The template values of an axis. Makes each when it is asked for and keeps the last ones: an axis can have as many
    values as a feed has rows.

    localised: whether they depend on the locale.
    """

    def __init__(self, make: Callable[[str, str | None], Named], *, localised: bool) -> None:
        self._make, self.localised = lru_cache(CACHED_TEXTS)(make), localised

    def value(self, name: str, locale: str | None) -> Named:
        """Returns the same object for the same name and locale, as far as it's kept: templates cache their texts by the
        identity of their values."""
        return self._make(name, locale if self.localised else None)


def _localised_axes(inputs: ExpansionInput) -> frozenset[str]:
    """Returns the axes whose values depend on the locale."""

    def fields(axis: Axis) -> Iterable[FreeFields]:
        if axis.name not in ROLES:
            return axis.free.values()
        entities = inputs.brand.entities(axis.name)
        return (entities[name].attributes for name in axis.values)

    return frozenset(axis.name for axis in inputs.axes.values() if any(map(is_localised, fields(axis))))


def _axis_values(inputs: ExpansionInput, localised: Set[str], *, in_prompt: bool) -> dict[str, _AxisNames]:
    """Returns the template values of all axes except the format."""
    values: dict[str, _AxisNames] = {}
    for axis in inputs.axes.values():
        if axis.name in ROLES:
            make = partial(_entity, inputs.brand.entities(axis.name))
            values[axis.name] = _AxisNames(make, localised=axis.name in localised)
        elif axis.name != FORMAT:
            make = partial(_choice, axis, in_prompt)
            values[axis.name] = _AxisNames(make, localised=axis.name in localised)
    return values


def _entity(entities: Mapping[str, AnyEntity], name: str, locale: str | None) -> Named:
    return Named.entity(name, entities[name], locale)


def _choice(axis: Axis, in_prompt: bool, name: str, locale: str | None) -> Named:
    text = axis.values[name]
    return Named.choice(text if in_prompt else name, name, text, axis.free.get(name), locale)


def point_label(axes: Mapping[str, str], seed: int | None = None) -> str:
    """Returns a combination, or one of its points, in the form that messages use: `{product: mug, seed: 0}`."""
    pairs = [f"{axis}: {name}" for axis, name in axes.items()]
    return "{" + ", ".join(pairs + ([f"seed: {seed}"] if seed is not None else [])) + "}"
