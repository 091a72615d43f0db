"""All variants of a campaign in their order, made when they are asked for."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from brandpress.model.sampling_params import SamplingParams
from brandpress.pipeline.plan.order import Row, order_of
from brandpress.pipeline.plan.recipe import Recipe, ReferenceSelection
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.spec.lazy import Lazy
from brandpress.pipeline.spec.point import Point
from brandpress.pipeline.spec.points import Points
from brandpress.pipeline.spec.size import Size


@dataclass(frozen=True, slots=True)
class Group:
    """Variants of one reference set and one size: the references of the first, and how many there are."""

    chosen: ReferenceSelection
    size: Size
    variants: int


class Variants(Lazy[Variant]):
    """The variants by reference set, the sets as they first appear in the matrix; then by size, prompt and seed.

    None of them is held, each pass makes them anew. What is held is their order, from the first pass on: four bytes for
    each combination, or for each variant where prompts tell of the seed.
    """

    def __init__(self, points: Points, recipe: Recipe) -> None:
        self._points, self._recipe = points, recipe

    def __len__(self) -> int:
        return len(self._points)

    def __iter__(self) -> Iterator[Variant]:
        for text in self._order:
            yield from self._made(self._points.of_text(text))

    def at(self, number: int) -> Variant:
        text, place = divmod(number, self._points.per_text)
        [variant] = self._made(self._points.of_text(self._order[text], slice(place, place + 1)))
        return variant

    def keys(self) -> Iterator[str]:
        """The render keys, in order; much cheaper than the variants."""
        for number in self._order:
            axes, size, prompt, seeds = self._points.text(number)
            yield from map(self._recipe.keys(axes, size, prompt), seeds)

    def prompts(self) -> Iterator[tuple[int, str]]:
        """The place of a variant, and its prompt, for the first of all that differ in nothing but their seed; in order.
        Prompts of several combinations come as often."""
        for place, number in enumerate(self._order):
            yield place * self._points.per_text, self._points.text(number).prompt

    @property
    def params(self) -> SamplingParams:
        """The sampling parameters that all variants share."""
        return self._recipe.params

    @property
    def groups(self) -> tuple[Group, ...]:
        """The variants of each reference set and size, in order."""
        return self._arranged[1]

    @property
    def _order(self) -> array[int]:
        return self._arranged[0]

    @cached_property
    def _arranged(self) -> tuple[array[int], tuple[Group, ...]]:
        sets: dict[tuple[str, ...], int] = {}
        texts: Counter[tuple[int, Size]] = Counter()

        def rows() -> Iterable[Row]:
            for axes, size, prompt, seeds in self._points.texts():
                found = sets.setdefault(self._recipe.chosen(axes).reference_set, len(sets))
                texts[found, size] += 1
                yield found, *size, prompt, seeds[0]

        order = order_of(rows())
        groups, start = [], 0
        for (_, size), count in sorted(texts.items()):
            chosen = self._recipe.chosen(self._points.text(order[start]).axes)
            groups.append(Group(chosen, size, count * self._points.per_text))
            start += count
        return order, tuple(groups)

    def _made(self, points: Iterable[Point]) -> Iterator[Variant]:
        """The variants of points of one text."""
        keys: Callable[[int], str] | None = None
        for point in points:
            keys = keys or self._recipe.keys(point.axes, point.size, point.prompt)
            yield self._recipe.variant(point, keys)
