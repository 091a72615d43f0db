"""What a campaign's templates say of each combination and seed: the prompt, and the output name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from brandpress.pipeline.spec.axes import FORMAT, Axis
from brandpress.pipeline.spec.brand import ROLES, BrandFields
from brandpress.pipeline.spec.matrix import Combination
from brandpress.pipeline.spec.problem import WrongValueError
from brandpress.pipeline.spec.size import Size, parse_size
from brandpress.pipeline.spec.template import Template
from brandpress.pipeline.spec.template_values import Named, Palette


@dataclass(frozen=True)
class Wording:
    """All that decides a campaign's points, besides its combinations. `digests`: reference file -> digest, for those
    that could be read. `prompt` None: it's wrong, and told to be. `name` None: the names of the axes and the seed."""

    campaign: str
    brand: BrandFields
    digests: Mapping[str, str]
    axes: Mapping[str, Axis]
    prompt: Template | None
    name: Template | None
    references: tuple[str, ...]
    seeds: Sequence[int]
    size: Size | None


class Writer:
    """Sizes, prompts and names of one campaign's combinations. `reseeds`: its prompts tell of the seed or the index, so
    that each seed has one of its own."""

    def __init__(self, wording: Wording) -> None:
        palette = Palette(wording.brand.palette)
        constants = {"campaign": wording.campaign, "brand": wording.brand.name, "palette": palette}
        self.reseeds = bool(wording.prompt and wording.prompt.variables & {"seed", "index"})
        self._prompt = _Form(wording.prompt, constants, _values(wording, prompt=True)) if wording.prompt else None
        self._name = _Form(wording.name, constants, _values(wording, prompt=False)) if wording.name else None
        self._size = wording.size
        formats = wording.axes[FORMAT].values if FORMAT in wording.axes else {}
        self._sizes = {name: parse_size(text) for name, text in formats.items()}
        self._shapes: dict[str | None, Named] = {}

    def size(self, axes: Combination) -> Size:
        """The size of a combination's pictures. Raises WrongValueError when nothing gives it."""
        size = self._sizes.get(axes.get(FORMAT, ""), self._size)
        if size is None:
            what = f"the combination {shown(axes)} has neither a size nor a format"
            raise WrongValueError(what, "write size: 1024x1024, or a format in the entry")
        return size

    def prompt(self, axes: Combination, size: Size, seed: int, index: int) -> str:
        """The prompt, "" where the template is wrong. Raises TemplateRenderError."""
        if self._prompt is None:
            return ""
        return self._prompt.fill(self._prompt.values(axes, self._shape(axes, size)), seed, index)

    def prompt_of(self, axes: Combination) -> tuple[str | None, ...]:
        """What of a combination its prompt depends on."""
        return self._prompt.used(axes) if self._prompt else ()

    def naming(self, axes: Combination, size: Size) -> Callable[[int, int], str]:
        """Gives the output name for a seed and an index. That raises TemplateRenderError."""
        form = self._name
        if form is None:
            stem = "-".join([*axes.values(), "s"])
            return lambda seed, _: f"{stem}{seed}"
        values = form.values(axes, self._shape(axes, size))
        return lambda seed, index: form.fill(values, seed, index)

    def _shape(self, axes: Combination, size: Size) -> Named:
        """What `{{ format }}` shows: one value for each name, so that templates know it again."""
        name = axes.get(FORMAT)
        if name not in self._shapes:
            self._shapes[name] = Named.shape(str(size) if name is None else name, size)
        return self._shapes[name]


class _Form:
    """A template, and the values that it can need."""

    def __init__(
        self, template: Template, constants: Mapping[str, Any], axes: Mapping[str, Mapping[str, Named]]
    ) -> None:
        self._template = template
        self._constants = {name: value for name, value in constants.items() if name in template.variables}
        self._axes = {axis: named for axis, named in axes.items() if axis in template.variables}
        self._sized = FORMAT in template.variables

    def used(self, axes: Combination) -> tuple[str | None, ...]:
        """The names in a combination that the template asks for."""
        found = tuple(map(axes.get, self._axes))
        return (*found, axes.get(FORMAT)) if self._sized else found

    def values(self, axes: Combination, shape: Named) -> dict[str, Any]:
        values = dict(self._constants)
        for axis, named in self._axes.items():
            if axis in axes:
                values[axis] = named[axes[axis]]
        if self._sized:
            values[FORMAT] = shape
        return values

    def fill(self, values: dict[str, Any], seed: int, index: int) -> str:
        return self._template.render({**values, "seed": seed, "index": index})


def _values(wording: Wording, prompt: bool) -> dict[str, dict[str, Named]]:
    """Axis -> name -> what it shows in a template, for all axes but the format."""
    values: dict[str, dict[str, Named]] = {}
    for axis, known in wording.axes.items():
        if axis in ROLES:
            entities = wording.brand.entities(axis)
            values[axis] = {name: Named.entity(name, entities[name]) for name in known.values}
        elif axis != FORMAT:
            values[axis] = {
                name: Named.choice(text if prompt else name, name, text) for name, text in known.values.items()
            }
    return values


def shown(axes: Mapping[str, str], seed: int | None = None) -> str:
    """A combination, or a point, as messages show it."""
    pairs = [f"{axis}: {name}" for axis, name in axes.items()]
    return "{" + ", ".join(pairs + ([f"seed: {seed}"] if seed is not None else [])) + "}"
