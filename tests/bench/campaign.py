"""A campaign of pictures as both sides render it: ours at once and from empty caches, diffusers picture by picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from brandpress.model import Renderer, RenderRequest
from tests.bench.alternate import Side
from tests.bench.checkpoint import Shape, load_as, save
from tests.bench.prompts import prompts
from tests.model.small import Pixels, fresh, judged, levels_of, noise_picture

LENGTH = 512
LEVELS = 1
Pictures = Mapping[int, Pixels]
"""A campaign's pictures, keyed by their index."""


@dataclass(frozen=True)
class Job:
    """What is asked for: one set of references as large as the target, several prompts, a seed for each picture."""

    pictures: int
    prompts: int
    references: int
    side: int
    steps: int

    def requests(self) -> list[RenderRequest]:
        words = prompts(self.prompts)
        references = tuple(noise_picture(self.side, self.side, seed=i) for i in range(self.references))
        return [
            RenderRequest(words[i % self.prompts], references, self.side, self.side, seed=i, steps=self.steps)
            for i in range(self.pictures)
        ]

    def __str__(self) -> str:
        return (
            f"{self.pictures} pictures of {self.side}x{self.side}, {self.references} references of the same size, "
            f"{self.prompts} prompts of 20 to 80 words in {LENGTH} tokens, {self.steps} steps"
        )


@dataclass(frozen=True)
class Campaign:
    """A job and a random checkpoint that both sides have loaded, in float32 on the CPU."""

    requests: tuple[RenderRequest, ...]
    renderer: Renderer
    folder: Path
    layers: tuple[int, ...]

    @classmethod
    def make(cls, job: Job, shape: Shape, folder: Path) -> Campaign:
        save(shape, folder)
        renderer = Renderer.load(str(folder), device="cpu", dtype="float32")
        assert isinstance(renderer, Renderer)
        return cls(tuple(job.requests()), renderer, folder, shape.text.layers)

    @property
    def simplest(self) -> RenderRequest:
        """What either side renders before anything counts, to load and choose what it does on its first call."""
        return replace(self.requests[0], references=(), steps=1)

    def ours(self, **changes: Any) -> Side[Pictures]:
        """All pictures at once, nothing known before. changes: of the requests."""
        requests = [replace(request, **changes) for request in self.requests]
        fresh(self.renderer).render([self.simplest])

        def run(number: int) -> Pictures:
            return dict(enumerate(map(levels_of, fresh(self.renderer).render(requests))))

        return Side(run)

    def theirs(self, pipeline: str, count: int) -> Side[Pictures]:
        """`count` pictures, each by a call of its own; other ones in each round. A call shares nothing with others, so
        that the seconds of all pictures follow."""
        pipe, total = load_as(pipeline, self.folder), len(self.requests)
        judged(pipe, self.simplest, LENGTH, self.layers)

        def run(number: int) -> Pictures:
            places = [(number * count + i) % total for i in range(count)]
            return {place: judged(pipe, self.requests[place], LENGTH, self.layers) for place in places}

        return Side(run, count / total)


def largest(one: Pictures, other: Pictures) -> float:
    """The largest difference of the pictures that both have, in levels of 255."""
    return float(max(np.abs(one[place] - other[place]).max() for place in one.keys() & other.keys()))


def psnr(one: Pictures, other: Pictures) -> float:
    """Peak signal-to-noise ratio of the pictures that both have, taken together, in dB; endless where they're equal."""
    squares = [np.square(one[place] - other[place]).mean() for place in one.keys() & other.keys()]
    error = float(np.mean(squares))
    return float(10 * np.log10(255**2 / error)) if error else float("inf")
