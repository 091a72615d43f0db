"""All points of a campaign, made when they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from brandpress.pipeline.spec.lazy import Lazy
from brandpress.pipeline.spec.matrix import Combination, Combinations
from brandpress.pipeline.spec.point import Point
from brandpress.pipeline.spec.size import Size
from brandpress.pipeline.spec.texts import Wording, Writer


class Text(NamedTuple):
    """A prompt with the combination that it's for, its size, and the seeds that go with it, the least first."""

    axes: Combination
    size: Size
    prompt: str
    seeds: Sequence[int]


class Points(Lazy[Point]):
    """The points in the order of the combinations, seed by seed as they are written.

    Of a campaign in which `faults_of_points` finds nothing. None of them is held: each pass makes them anew.
    A combination has one `Text`, or, where prompts tell of the seed or the index, one for each seed.
    """

    def __init__(self, wording: Wording, combinations: Combinations) -> None:
        self.combinations, self._seeds = combinations, wording.seeds
        self._writer = Writer(wording)
        places = range(len(self._seeds))
        is_sorted = isinstance(self._seeds, range)
        self._ascending: Sequence[int] = places if is_sorted else sorted(places, key=self._seeds.__getitem__)
        self._sorted = self._seeds if is_sorted else tuple(sorted(self._seeds))

    def __len__(self) -> int:
        return len(self.combinations) * len(self._seeds)

    def __iter__(self) -> Iterator[Point]:
        for number, axes in enumerate(self.combinations):
            yield from self._points(number, axes, range(len(self._seeds)))

    def at(self, number: int) -> Point:
        combination, place = divmod(number, len(self._seeds))
        [point] = self._points(combination, self.combinations[combination], (place,))
        return point

    @property
    def per_text(self) -> int:
        """How many points have one text: all of a combination, or one."""
        return 1 if self._writer.reseeds else len(self._seeds)

    def texts(self) -> Iterator[Text]:
        """The texts in the order of the combinations."""
        for number, axes in enumerate(self.combinations):
            for place in range(len(self._seeds) // self.per_text):
                yield self._text(number, axes, place)

    def text(self, number: int) -> Text:
        """The text that is `number` of all."""
        combination, place = divmod(number, len(self._seeds) // self.per_text)
        return self._text(combination, self.combinations[combination], place)

    def of_text(self, number: int, within: slice = slice(None)) -> Iterator[Point]:
        """The points of the text that is `number` of all, the least seed first, or those `within` them."""
        combination, place = divmod(number, len(self._seeds) // self.per_text)
        places = (place,) if self._writer.reseeds else self._ascending[within]
        return self._points(combination, self.combinations[combination], places)

    def _text(self, number: int, axes: Combination, place: int) -> Text:
        seed, size = self._seeds[place], self._writer.size(axes)
        prompt = self._writer.prompt(axes, size, seed, number * len(self._seeds) + place)
        return Text(axes, size, prompt, (seed,) if self._writer.reseeds else self._sorted)

    def _points(self, number: int, axes: Combination, places: Iterable[int]) -> Iterator[Point]:
        size = self._writer.size(axes)
        name = self._writer.naming(axes, size)
        prompt: str | None = None
        for place in places:
            seed, index = self._seeds[place], number * len(self._seeds) + place
            if prompt is None or self._writer.reseeds:
                prompt = self._writer.prompt(axes, size, seed, index)
            yield Point(axes, seed, size, prompt, name(seed, index))
