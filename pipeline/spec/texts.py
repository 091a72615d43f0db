"""Fills a campaign's templates: the size, the prompt and the output name of each combination and seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from brandpress.pipeline.spec.axes import FORMAT, Axis
from brandpress.pipeline.spec.brand import ROLES, BrandFields
from brandpress.pipeline.spec.matrix import Combination
from brandpress.pipeline.spec.problem import WrongValueError
from brandpress.pipeline.spec.prompt import StructuredTemplate
from brandpress.pipeline.spec.size import Size, parse_size
from brandpress.pipeline.spec.template import Template
from brandpress.pipeline.spec.template_values import Named, Palette


@dataclass(frozen=True)
class ExpansionInput:
    """Everything that decides a campaign's points, except its combinations.

    digests: reference file -> sha256, for the files that could be read. prompt: None if its template has a problem,
    which is reported elsewhere. name: None for the default name: the values of the axes, and the seed.
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


class CampaignTexts:
    """Sizes, prompts and output names of one campaign. `seed_in_prompt`: its prompts depend on the seed or the index,
    so that each seed has its own prompt."""

    def __init__(self, inputs: ExpansionInput) -> None:
        self.seed_in_prompt = bool(inputs.prompt and inputs.prompt.variables & {"seed", "index"})
        self._prompt = _FilledTemplate(inputs.prompt, inputs, in_prompt=True) if inputs.prompt else None
        self._name = _FilledTemplate(inputs.name, inputs, in_prompt=False) if inputs.name else None
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


class _FilledTemplate:
    """A template with the values that its variables can have."""

    def __init__(self, template: Template | StructuredTemplate, inputs: ExpansionInput, *, in_prompt: bool) -> None:
        palette = Palette(inputs.brand.palette)
        constants = {"campaign": inputs.campaign, "brand": inputs.brand.name, "palette": palette}
        axes = _axis_values(inputs, in_prompt=in_prompt)
        self._template = template
        self._constants = {name: value for name, value in constants.items() if name in template.variables}
        self._axes = {axis: values for axis, values in axes.items() if axis in template.variables}
        self._uses_format = FORMAT in template.variables
        self._formats: dict[str | None, Named] = {}

    def used_values(self, axes: Combination) -> tuple[str | None, ...]:
        names = tuple(map(axes.get, self._axes))
        return (*names, axes.get(FORMAT)) if self._uses_format else names

    def render(self, axes: Combination, size: Size, seed: int, index: int) -> str:
        values: dict[str, Any] = {**self._constants, "seed": seed, "index": index}
        for axis, named in self._axes.items():
            if axis in axes:
                values[axis] = named[axes[axis]]
        if self._uses_format:
            values[FORMAT] = self._format(axes.get(FORMAT), size)
        return self._template.render(values)

    def _format(self, name: str | None, size: Size) -> Named:
        """Returns the same object for the same name: templates cache their texts by the identity of their values."""
        if name not in self._formats:
            self._formats[name] = Named.shape(str(size) if name is None else name, size)
        return self._formats[name]


def _axis_values(inputs: ExpansionInput, *, in_prompt: bool) -> dict[str, dict[str, Named]]:
    """Returns axis -> name -> template value, for all axes except the format."""
    values: dict[str, dict[str, Named]] = {}
    for axis in inputs.axes.values():
        if axis.name in ROLES:
            entities = inputs.brand.entities(axis.name)
            values[axis.name] = {name: Named.entity(name, entities[name]) for name in axis.values}
        elif axis.name != FORMAT:
            values[axis.name] = {
                name: Named.choice(text if in_prompt else name, name, text) for name, text in axis.values.items()
            }
    return values


def point_label(axes: Mapping[str, str], seed: int | None = None) -> str:
    """Returns a combination, or one of its points, in the form that messages use: `{product: mug, seed: 0}`."""
    pairs = [f"{axis}: {name}" for axis, name in axes.items()]
    return "{" + ", ".join(pairs + ([f"seed: {seed}"] if seed is not None else [])) + "}"
