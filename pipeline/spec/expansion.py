"""The points of a campaign: each combination of its matrix with each seed, worded, sized and named, or what prevents
it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from model.request import MAX_REFERENCES
from pipeline.spec.axes import FORMAT, Axis
from pipeline.spec.brand import ROLES, BrandFields
from pipeline.spec.document import Document, Location
from pipeline.spec.output_name import check_name
from pipeline.spec.point import Point
from pipeline.spec.problem import Problem, WrongValueError
from pipeline.spec.size import Size, parse_size
from pipeline.spec.template import Template, TemplateRenderError
from pipeline.spec.wording import quote
from pipeline.spec.words import Named, Palette

PROMPT: Location = ("prompt",)
NAME: Location = ("output", "name")


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
    seeds: tuple[int, ...]
    size: Size | None


def expand(
    document: Document, wording: Wording, combinations: Sequence[dict[str, str]]
) -> tuple[list[Point], list[Problem]]:
    """The points in the order of the combinations, seed by seed, and the problems: what can't be rendered, names that
    collide or aren't safe, too many references, and pictures that would be made twice."""
    expansion = _Expansion(wording)
    for combination in combinations:
        expansion.add(combination)
    return expansion.points, expansion.problems(document)


@dataclass
class _Faults:
    """Faults of many points, told once each with the first point and how many more there are."""

    first: dict[tuple[Location, str], tuple[str, str]] = field(default_factory=dict)
    counts: dict[tuple[Location, str], int] = field(default_factory=dict)

    def add(self, location: Location, kind: str, what: str, allowed: str = "") -> None:
        self.counts[location, kind] = self.counts.get((location, kind), 0) + 1
        self.first.setdefault((location, kind), (what, allowed))

    def problems(self, document: Document, rules: Mapping[str, str]) -> list[Problem]:
        """The problems; `rules` gives what is allowed for the kinds that know it only at the end."""
        told = []
        for (location, kind), (what, allowed) in self.first.items():
            more = self.counts[location, kind] - 1
            rule = rules.get(kind, allowed)
            told.append(document.problem(location, what + (f" (and {more:,} more)" if more else ""), rule))
        return told


class _Expansion:
    def __init__(self, wording: Wording) -> None:
        self.points: list[Point] = []
        self.faults = _Faults()
        self._wording = wording
        self._named_at: Location = NAME if wording.name else ("matrix",)
        self._in_prompt, self._in_name = _values(wording, prompt=True), _values(wording, prompt=False)
        self._constants: dict[str, Any] = {
            "campaign": wording.campaign,
            "brand": wording.brand.name,
            "palette": Palette(wording.brand.palette),
        }
        self._sizes = {name: parse_size(text) for name, text in _axis(wording, FORMAT).items()}
        self._reseeds = bool(wording.prompt and wording.prompt.variables & {"seed", "index"})
        self._differing: dict[str, None] = {}
        self._prompts: dict[tuple[str | None, ...], str | None] = {}
        self._pictures: dict[tuple[str, ...], str] = {}
        self._seen: dict[tuple[object, ...], dict[str, str]] = {}
        self._names: dict[str, tuple[dict[str, str], int]] = {}

    def add(self, axes: dict[str, str]) -> None:
        """Adds the points of one combination, or its faults."""
        size = self._sizes.get(axes.get(FORMAT, ""), self._wording.size)
        if size is None:
            what = f"the combination {_shown(axes)} has neither a size nor a format"
            self.faults.add(("include",), "size", what, "write size: 1024x1024, or a format in the entry")
            return
        shape = Named.shape(axes.get(FORMAT, str(size)), size)
        pictures = self._reference_digests(axes)
        for seed in self._wording.seeds:
            varying = {**self._constants, FORMAT: shape, "seed": seed, "index": len(self.points)}
            prompt = self._prompt(axes, varying)
            name = self._name(axes, seed, varying)
            if prompt is not None and (self._reseeds or seed == self._wording.seeds[0]):
                self._once(axes, (prompt, pictures, size, seed if self._reseeds else None))
            self.points.append(Point(axes, seed, size, prompt or "", name))

    def problems(self, document: Document) -> list[Problem]:
        """All faults of the points that were added."""
        return self.faults.problems(document, {"collision": _name_rule(list(self._differing))})

    def _prompt(self, axes: dict[str, str], varying: dict[str, Any]) -> str | None:
        template = self._wording.prompt
        if template is None:
            return None
        key = tuple(axes.get(axis) for axis in self._in_prompt if axis in template.variables)
        if FORMAT in template.variables:
            key = (*key, axes.get(FORMAT))
        if not self._reseeds and key in self._prompts:
            return self._prompts[key]
        values = varying | {axis: self._in_prompt[axis][name] for axis, name in axes.items() if axis in self._in_prompt}
        prompt: str | None = None
        try:
            prompt = template.render(values)
            if not prompt:
                self.faults.add(PROMPT, "empty", f"the prompt of {_shown(axes)} is empty", "write what it should show")
                prompt = None
        except TemplateRenderError as fault:
            what = f"the prompt of {_shown(axes)} can't be rendered: {fault}"
            self.faults.add(PROMPT, str(fault), what, _remedy(str(fault)))
        if not self._reseeds:
            self._prompts[key] = prompt
        return prompt

    def _name(self, axes: dict[str, str], seed: int, varying: dict[str, Any]) -> str:
        template = self._wording.name
        if template is None:
            name = "-".join([*axes.values(), f"s{seed}"])
        else:
            values = varying | {axis: self._in_name[axis][name] for axis, name in axes.items() if axis in self._in_name}
            try:
                name = template.render(values)
            except TemplateRenderError as fault:
                what = f"the name of {_shown(axes)} can't be rendered: {fault}"
                self.faults.add(NAME, str(fault), what, _remedy(str(fault)))
                return ""
        try:
            check_name(name)
        except WrongValueError as error:
            self.faults.add(self._named_at, "unsafe", error.what, error.allowed)
            return name
        mine = (axes, seed)
        other = self._names.setdefault(name.casefold(), mine)
        if other is not mine:
            self._differing |= dict.fromkeys(_differences(other, mine))
            what = f"{quote(name)} is the name of two variants: {_shown(*other)} and {_shown(*mine)}"
            self.faults.add(self._named_at, "collision", what)
        return name

    def _once(self, axes: dict[str, str], picture: tuple[object, ...]) -> None:
        other = self._seen.setdefault(picture, axes)
        if other is not axes:
            unused = [axis for axis in axes if axes[axis] != other.get(axis)]
            what = (
                f"{_shown(other)} and {_shown(axes)} would be the same picture: prompt, references and size are equal"
            )
            use = " or ".join(quote("{{ " + axis + " }}") for axis in unused)
            self.faults.add(PROMPT, "twin", what, f"use {use} in the prompt" if use else "take one of them out")

    def _reference_digests(self, axes: dict[str, str]) -> str:
        """One word for the ordered references of a combination."""
        chosen = tuple(axes[role] for role in self._wording.references if role in axes)
        if chosen in self._pictures:
            return self._pictures[chosen]
        digests: list[str] = []
        for i, role in enumerate(self._wording.references):
            if role not in axes:
                continue
            files = self._wording.brand.entities(role)[axes[role]].references
            if not files:
                what = f"the {role} {quote(axes[role])} has no reference pictures"
                rule = f"add references to it in the brand spec, or take {quote(role)} out here"
                self.faults.add(("references", i), axes[role], what, rule)
            digests += [self._wording.digests.get(file, file) for file in files]
        if len(digests) > MAX_REFERENCES:
            what = f"{_shown(axes)} has {len(digests)} reference pictures"
            self.faults.add(("references",), "many", what, f"allowed: {MAX_REFERENCES} together")
        self._pictures[chosen] = " ".join(digests)
        return self._pictures[chosen]


def _axis(wording: Wording, name: str) -> Mapping[str, str]:
    return wording.axes[name].values if name in wording.axes else {}


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


def _differences(one: tuple[dict[str, str], int], other: tuple[dict[str, str], int]) -> list[str]:
    """The axes in which two points differ, and `seed` where their seeds do."""
    axes = [axis for axis in other[0] if other[0][axis] != one[0].get(axis)]
    return axes + (["seed"] if one[1] != other[1] else [])


def _name_rule(differing: list[str]) -> str:
    if not differing:
        return "the same combination stands there twice: take one out"
    return f"add {' and '.join(quote('{{ ' + axis + ' }}') for axis in differing)} to the name"


def _remedy(fault: str) -> str:
    """What to do about something that a template asks for and a combination doesn't have."""
    missing = re.fullmatch(r"there is no '(\w+)'", fault)
    if missing:
        name = missing[1]
        return f"add {name} to the combination, or write {{% if {name} is defined %}}…{{% endif %}}"
    lacking = re.fullmatch(r"'(.+)' has no '(\w+)'", fault)
    if lacking:
        return f"give {quote(lacking[1])} a {lacking[2]} in the brand spec, or write {{{{ … | default('') }}}}"
    return ""


def _shown(axes: Mapping[str, str], seed: int | None = None) -> str:
    pairs = [f"{axis}: {name}" for axis, name in axes.items()]
    return "{" + ", ".join(pairs + ([f"seed: {seed}"] if seed is not None else [])) + "}"
