"""What is wrong with the points of a campaign: each combination of its matrix with each seed, worded, sized and
named."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from brandpress.model.request import MAX_REFERENCES
from brandpress.pipeline.spec.document import Document, Location
from brandpress.pipeline.spec.matrix import Combination
from brandpress.pipeline.spec.messages import quote
from brandpress.pipeline.spec.output_name import check_name
from brandpress.pipeline.spec.piece import TemplateRenderError
from brandpress.pipeline.spec.problem import Problem, WrongValueError
from brandpress.pipeline.spec.repeats import Repeats
from brandpress.pipeline.spec.size import Size
from brandpress.pipeline.spec.texts import Wording, Writer, shown

PROMPT: Location = ("prompt",)
NAME: Location = ("output", "name")


def faults_of_points(document: Document, wording: Wording, combinations: Iterable[Combination]) -> list[Problem]:
    """The problems of all points: what can't be rendered, names that collide or aren't safe, too many references, and
    pictures that would be made twice.

    `combinations` is gone through a second time only where there are such names or pictures: of those that are right,
    nothing is kept but sixteen bytes a point.
    """
    faults = _Faults()
    pictures, names = Repeats(), Repeats()
    for seen in _Pass(wording, faults).over(combinations):
        if seen.picture is not None:
            pictures.add(seen.picture)
        if seen.name is not None:
            names.add(seen.name)
    twins, collisions = pictures.hashes(), names.hashes()
    differing: dict[str, None] = {}
    if twins or collisions:
        repeated = _Repeated(faults, NAME if wording.name else ("matrix",), differing)
        for seen in _Pass(wording, _Faults()).over(combinations):
            if seen.picture is not None and hash(seen.picture) in twins:
                repeated.picture(seen)
            if seen.name is not None and hash(seen.name) in collisions:
                repeated.name(seen)
    return faults.problems(document, {"collision": _name_rule(list(differing))})


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


class _Seen(NamedTuple):
    """A point. `picture`: all that makes it another picture than others; None where it's wrong, and for all seeds of a
    combination but the first, unless prompts tell of them. `name` None: it's wrong. `written`: as it's delivered."""

    axes: Combination
    seed: int
    picture: Hashable | None
    name: str | None
    written: str


class _Pass:
    """One look at all points, which adds what is wrong with each alone to the faults."""

    def __init__(self, wording: Wording, faults: _Faults) -> None:
        self._wording, self._faults = wording, faults
        self._writer = Writer(wording)
        self._named_at: Location = NAME if wording.name else ("matrix",)
        self._wrong_prompts: set[int] = set()
        self._pictures: dict[tuple[str, ...], str] = {}

    def over(self, combinations: Iterable[Combination]) -> Iterator[_Seen]:
        seeds, reseeds = self._wording.seeds, self._writer.reseeds
        index = 0
        for axes in combinations:
            try:
                size = self._writer.size(axes)
            except WrongValueError as error:
                self._faults.add(("include",), "size", error.what, error.allowed)
                continue
            references = self._references(axes)
            naming = self._writer.naming(axes, size)
            for place, seed in enumerate(seeds):
                picture: Hashable | None = None
                if reseeds or not place:
                    prompt = self._prompt(axes, size, seed, index)
                    picture = prompt and (prompt, references, size, seed if reseeds else None)
                try:
                    written = naming(seed, index)
                    name = self._checked(written)
                except TemplateRenderError as fault:
                    what = f"the name of {shown(axes)} can't be rendered: {fault}"
                    self._faults.add(NAME, str(fault), what, _remedy(str(fault)))
                    written, name = "", None
                yield _Seen(axes, seed, picture, name, written)
                index += 1

    def _prompt(self, axes: Combination, size: Size, seed: int, index: int) -> str | None:
        """The prompt; None where there's none, which is told once for each that is different."""
        if self._wording.prompt is None:
            return None
        try:
            prompt = self._writer.prompt(axes, size, seed, index)
            if prompt:
                return prompt
            kind, what = "empty", f"the prompt of {shown(axes)} is empty"
            rule = "write what it should show"
        except TemplateRenderError as fault:
            kind, what = str(fault), f"the prompt of {shown(axes)} can't be rendered: {fault}"
            rule = _remedy(kind)
        told = hash(self._writer.prompt_of(axes))
        if self._writer.reseeds or told not in self._wrong_prompts:
            self._wrong_prompts.add(told)
            self._faults.add(PROMPT, kind, what, rule)
        return None

    def _checked(self, name: str) -> str | None:
        """The name as systems compare it that don't tell capital letters from small ones."""
        try:
            check_name(name)
        except WrongValueError as error:
            self._faults.add(self._named_at, "unsafe", error.what, error.allowed)
            return None
        return name.casefold()

    def _references(self, axes: Combination) -> str:
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
                self._faults.add(("references", i), axes[role], what, rule)
            digests += [self._wording.digests.get(file, file) for file in files]
        if len(digests) > MAX_REFERENCES:
            what = f"{shown(axes)} has {len(digests)} reference pictures"
            self._faults.add(("references",), "many", what, f"allowed: {MAX_REFERENCES} together")
        self._pictures[chosen] = " ".join(digests)
        return self._pictures[chosen]


class _Repeated:
    """The pictures and names that come again, each told with the one that was there first. `differing` collects the
    axes in which points of one name differ."""

    def __init__(self, faults: _Faults, named_at: Location, differing: dict[str, None]) -> None:
        self._faults, self._named_at, self._differing = faults, named_at, differing
        self._pictures: dict[Hashable, Combination] = {}
        self._names: dict[str, tuple[Combination, int]] = {}

    def picture(self, seen: _Seen) -> None:
        axes, other = seen.axes, self._pictures.setdefault(seen.picture, seen.axes)
        if other is axes:
            return
        unused = [axis for axis in axes if axes[axis] != other.get(axis)]
        what = f"{shown(other)} and {shown(axes)} would be the same picture: prompt, references and size are equal"
        use = " or ".join(quote("{{ " + axis + " }}") for axis in unused)
        self._faults.add(PROMPT, "twin", what, f"use {use} in the prompt" if use else "take one of them out")

    def name(self, seen: _Seen) -> None:
        mine = (seen.axes, seen.seed)
        other = self._names.setdefault(seen.name or "", mine)
        if other is mine:
            return
        self._differing |= dict.fromkeys(_differences(other, mine))
        what = f"{quote(seen.written)} is the name of two variants: {shown(*other)} and {shown(*mine)}"
        self._faults.add(self._named_at, "collision", what)


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
