"""Expands a campaign into points, one for each combination and seed, and reports the problems that only points have."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from brandpress.model.request import MAX_REFERENCES
from brandpress.pipeline.spec.document import Document, Location
from brandpress.pipeline.spec.matrix import Combination
from brandpress.pipeline.spec.messages import quote
from brandpress.pipeline.spec.output_name import check_name
from brandpress.pipeline.spec.problem import Problem, WrongValueError
from brandpress.pipeline.spec.size import Size
from brandpress.pipeline.spec.template import TemplateRenderError
from brandpress.pipeline.spec.texts import CampaignTexts, ExpansionInput, point_label

PROMPT: Location = ("prompt",)
NAME: Location = ("output", "name")
ALT: Location = ("alt",)
MAX_ALT = 1_000  # characters; screen readers read all of them


@dataclass(frozen=True, slots=True)
class Point:
    """One combination of a campaign's matrix with one seed, its size, its prompt, its output name and its alt text,
    which is "" without a template. Points of one combination share its `axes`."""

    axes: Combination
    seed: int
    size: Size
    prompt: str
    name: str
    alt: str = ""


def expand_points(
    document: Document, inputs: ExpansionInput, combinations: Iterable[Combination]
) -> tuple[tuple[Point, ...], list[Problem]]:
    """Returns the points in the order of the combinations, seed by seed as the file lists them, and the problems.

    Problems are templates that can't be rendered, unsafe and colliding names, too many references, and points that
    would make the same picture. Use the points only if there is no problem.
    """
    expansion = _Expansion(inputs)
    points = tuple(point for combination in combinations for point in expansion.points_of(combination))
    return points, expansion.problems(document)


@dataclass
class _Findings:
    """What is wrong with many points. Each kind is reported once: its first message, and how many more there are."""

    first: dict[tuple[Location, str], tuple[str, str]] = field(default_factory=dict)
    counts: dict[tuple[Location, str], int] = field(default_factory=dict)

    def add(self, location: Location, kind: str, what: str, allowed: str = "") -> None:
        self.counts[location, kind] = self.counts.get((location, kind), 0) + 1
        self.first.setdefault((location, kind), (what, allowed))

    def problems(self, document: Document, rules: Mapping[str, str]) -> list[Problem]:
        """Returns the problems. rules: what is allowed, by kind, where that is only known at the end."""
        problems = []
        for (location, kind), (what, allowed) in self.first.items():
            more = self.counts[location, kind] - 1
            rule = rules.get(kind, allowed)
            problems.append(document.problem(location, what + (f" (and {more:,} more)" if more else ""), rule))
        return problems


class _Expansion:
    """Makes the points combination by combination, and collects what is wrong with them."""

    def __init__(self, inputs: ExpansionInput) -> None:
        self._inputs = inputs
        self._texts = CampaignTexts(inputs)
        self._findings = _Findings()
        self._name_location: Location = NAME if inputs.name else ("matrix",)
        self._index = 0
        self._wrong_prompts: set[tuple[str | None, ...]] = set()
        self._reference_digests: dict[tuple[str, ...], str] = {}
        self._pictures: dict[Hashable, Combination] = {}
        self._names: dict[str, tuple[Combination, int]] = {}
        self._differing: dict[str, None] = {}

    def problems(self, document: Document) -> list[Problem]:
        return self._findings.problems(
            document, {"collision": _name_rule([*self._differing], has_template=self._inputs.name is not None)}
        )

    def points_of(self, axes: Combination) -> Iterator[Point]:
        try:
            size = self._texts.size(axes)
        except WrongValueError as error:
            self._findings.add(("include",), "size", error.what, error.allowed)
            return
        references = self._references(axes)
        seed_in_prompt = self._texts.seed_in_prompt
        prompt = alt = ""
        for place, seed in enumerate(self._inputs.seeds):
            if seed_in_prompt or not place:
                prompt = self._prompt(axes, size, seed)
                if prompt:
                    self._check_picture((prompt, references, size, seed if seed_in_prompt else None), axes)
            if self._texts.seed_in_alt or not place:
                alt = self._alt(axes, size, seed)
            yield Point(axes, seed, size, prompt, self._name(axes, size, seed), alt)
            self._index += 1

    def _prompt(self, axes: Combination, size: Size, seed: int) -> str:
        """Returns the prompt, or "" if something is wrong with it; that is reported once for each different prompt."""
        if self._inputs.prompt is None:
            return ""
        try:
            prompt = self._texts.prompt(axes, size, seed, self._index)
            if prompt:
                return prompt
            kind, what = "empty", f"the prompt of {point_label(axes)} is empty"
            rule = "describe the picture"
        except TemplateRenderError as error:
            kind, what = _kind(str(error)), f"the prompt of {point_label(axes)} can't be rendered: {error}"
            rule = _remedy(str(error))
        used = self._texts.prompt_axes(axes)
        if self._texts.seed_in_prompt or used not in self._wrong_prompts:
            self._wrong_prompts.add(used)
            self._findings.add(PROMPT, kind, what, rule)
        return ""

    def _name(self, axes: Combination, size: Size, seed: int) -> str:
        """Returns the output name, or "" if something is wrong with it."""
        try:
            name = self._texts.name(axes, size, seed, self._index)
        except TemplateRenderError as error:
            what = f"the name of {point_label(axes)} can't be rendered: {error}"
            self._findings.add(NAME, _kind(str(error)), what, _remedy(str(error)))
            return ""
        try:
            check_name(name)
        except WrongValueError as error:
            self._findings.add(self._name_location, "unsafe", error.what, error.allowed)
            return ""
        self._check_collision(name, axes, seed)
        return name

    def _alt(self, axes: Combination, size: Size, seed: int) -> str:
        """Returns the alt text, or "" if there is none, or something is wrong with it."""
        try:
            alt = self._texts.alt(axes, size, seed, self._index)
        except TemplateRenderError as error:
            what = f"the alt text of {point_label(axes)} can't be rendered: {error}"
            self._findings.add(ALT, _kind(str(error)), what, _remedy(str(error)))
            return ""
        if self._inputs.alt is not None and not alt:
            self._findings.add(ALT, "empty", f"the alt text of {point_label(axes)} is empty", "describe the picture")
        if len(alt) > MAX_ALT:
            what = f"the alt text of {point_label(axes)} has {len(alt):,} characters"
            self._findings.add(ALT, "long", what, f"allowed: at most {MAX_ALT:,}")
        return alt

    def _check_picture(self, picture: Hashable, axes: Combination) -> None:
        """Reports a picture that another combination makes as well, unless the job's names distinguish the two.

        picture: everything that distinguishes it from other pictures of this campaign.
        """
        other = self._pictures.setdefault(picture, axes)
        if other is axes:
            return
        differing = {axis for axis in axes.keys() | other.keys() if axes.get(axis) != other.get(axis)}
        if self._inputs.name is not None and not self._inputs.name.variables.isdisjoint(differing):
            return  # one picture is delivered under both names
        unused = [axis for axis in {**other, **axes} if axis in differing]
        both = f"{point_label(other)} and {point_label(axes)}"
        what = f"{both} would be the same picture: prompt, references and size are equal"
        use = " or ".join(quote("{{ " + axis + " }}") for axis in unused)
        rule = f"use {use} in the prompt, or in output.name to share one picture" if use else "remove one of them"
        self._findings.add(PROMPT, "twin", what, rule)

    def _check_collision(self, name: str, axes: Combination, seed: int) -> None:
        """Reports a name that another point has.

        Names that differ only in case collide: some file systems don't distinguish them.
        """
        point = (axes, seed)
        other = self._names.setdefault(name.casefold(), point)
        if other is point:
            return
        self._differing |= dict.fromkeys(_differences(other, point))
        what = f"{quote(name)} is the name of two variants: {point_label(*other)} and {point_label(*point)}"
        self._findings.add(self._name_location, "collision", what)

    def _references(self, axes: Combination) -> str:
        """Returns the digests of a combination's references, in order, as one string."""
        names = tuple(axes[role] for role in self._inputs.references if role in axes)
        if names in self._reference_digests:
            return self._reference_digests[names]
        digests: list[str] = []
        for i, role in enumerate(self._inputs.references):
            if role not in axes:
                continue
            files = self._inputs.brand.entities(role)[axes[role]].references
            if not files:
                what = f"the {role} {quote(axes[role])} has no reference pictures"
                rule = f"add references to it in the brand spec, or remove {quote(role)} here"
                self._findings.add(("references", i), axes[role], what, rule)
            digests += [self._inputs.digests.get(file, file) for file in files]
        if len(digests) > MAX_REFERENCES:
            what = f"{point_label(axes)} has {len(digests)} reference pictures"
            self._findings.add(("references",), "many", what, f"allowed: {MAX_REFERENCES} together")
        self._reference_digests[names] = " ".join(digests)
        return self._reference_digests[names]


def _differences(one: tuple[Combination, int], other: tuple[Combination, int]) -> list[str]:
    """Returns the axes in which two points differ, and `seed` if their seeds do."""
    axes = [axis for axis in {**one[0], **other[0]} if other[0].get(axis) != one[0].get(axis)]
    return axes + (["seed"] if one[1] != other[1] else [])


def _name_rule(differing: list[str], *, has_template: bool) -> str:
    if not differing:
        return "the same combination is listed twice: remove one"
    if not has_template:  # the default name has all of them already
        return (
            f"write output.name with another separator, such as {quote('/'.join('{{ ' + a + ' }}' for a in differing))}"
        )
    return f"add {' and '.join(quote('{{ ' + axis + ' }}') for axis in differing)} to the name"


def _kind(error: str) -> str:
    """Returns an error without the name of the value that lacks something: it is reported once for all values."""
    return re.sub(r"^'.*' (?=has )", "", error)


def _remedy(error: str) -> str:
    """Returns what to do about a value that a template uses and a combination doesn't have."""
    missing = re.fullmatch(r"there is no '(\w+)'", error)
    if missing:
        name = missing[1]
        return f"add {name} to the combination, or write {{% if {name} is defined %}}…{{% endif %}}"
    local = re.fullmatch(r"'(.+)' has no '(\w+)' for the locale '(.+)'", error)
    if local:
        return f"add {local[3]}, or default, to its {local[2]}"
    if re.fullmatch(r"'(.+)' has a '(\w+)' for each locale, but .+", error):
        return "add an axis locale to the matrix, or default to the field"
    lacking = re.fullmatch(r"'(.+)' has no '(\w+)'", error)
    if lacking:
        return f"give {quote(lacking[1])} a {lacking[2]}, or write {{{{ … | default('') }}}}"
    return ""
