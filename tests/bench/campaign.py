"""A campaign rendered by both sides: ours in one call with empty caches, diffusers with one call per picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from brandpress.model import Renderer, RenderRequest
from tests.bench.alternate import Side
from tests.bench.checkpoint import CheckpointShape, load_as, save
from tests.bench.prompts import prompts
from tests.model.small import Pixels, fresh, judged, levels_of, noise_picture

LENGTH = 512
LEVELS = 1
Pictures = Mapping[int, Pixels]
"""A campaign's pictures, keyed by their index."""


@dataclass(frozen=True)
class Job:
    """A campaign's pictures: they share one reference set, cycle through the prompts, and each has its own seed.

    side: width and height of the pictures and of the references.
    """

    pictures: int
    prompts: int
    references: int
    side: int
    steps: int

    def requests(self) -> list[RenderRequest]:
        """Returns one request per picture."""
        texts = prompts(self.prompts)
        references = tuple(noise_picture(self.side, self.side, seed=i) for i in range(self.references))
        return [
            RenderRequest(texts[i % self.prompts], references, self.side, self.side, seed=i, steps=self.steps)
            for i in range(self.pictures)
        ]

    def __str__(self) -> str:
        return (
            f"{self.pictures} pictures of {self.side}x{self.side}, {self.references} references of the same size, "
            f"{self.prompts} prompts of 20 to 80 words in {LENGTH} tokens, {self.steps} steps"
        )


@dataclass(frozen=True)
class Campaign:
    """The requests of a job and a random checkpoint for both sides, in float32 on the CPU."""

    requests: tuple[RenderRequest, ...]
    renderer: Renderer
    folder: Path
    layers: tuple[int, ...]

    @classmethod
    def make(cls, job: Job, shape: CheckpointShape, folder: Path) -> Campaign:
        """Saves the checkpoint to `folder` and loads it."""
        save(shape, folder)
        renderer = Renderer.load(str(folder), device="cpu", dtype="float32")
        assert isinstance(renderer, Renderer)
        return cls(tuple(job.requests()), renderer, folder, shape.text.layers)

    @property
    def warm_up_request(self) -> RenderRequest:
        """A small request that each side renders before it is timed, because first calls load and select kernels."""
        return replace(self.requests[0], references=(), steps=1)

    def ours(self, **changes: Any) -> Side[Pictures]:
        """Renders all pictures in one call, with empty caches. changes: fields to replace in all requests."""
        requests = [replace(request, **changes) for request in self.requests]
        fresh(self.renderer).render([self.warm_up_request])

        def run(number: int) -> Pictures:
            return dict(enumerate(map(levels_of, fresh(self.renderer).render(requests))))

        return Side(run)

    def theirs(self, pipeline: str, count: int) -> Side[Pictures]:
        """diffusers renders `count` pictures per round, different ones each round, with one call per picture.

        Its calls share nothing, so the time of the whole campaign is proportional.
        """
        pipe, total = load_as(pipeline, self.folder), len(self.requests)
        judged(pipe, self.warm_up_request, LENGTH, self.layers)

        def run(number: int) -> Pictures:
            indices = [(number * count + i) % total for i in range(count)]
            return {index: judged(pipe, self.requests[index], LENGTH, self.layers) for index in indices}

        return Side(run, count / total)


def largest_difference(one: Pictures, other: Pictures) -> float:
    """Returns the largest difference in levels of 255, over the pictures that both sides rendered."""
    return float(max(np.abs(one[index] - other[index]).max() for index in one.keys() & other.keys()))


def psnr(one: Pictures, other: Pictures) -> float:
    """Returns the PSNR in dB over all pictures that both sides rendered; infinity if they are equal."""
    squares = [np.square(one[index] - other[index]).mean() for index in one.keys() & other.keys()]
    error = float(np.mean(squares))
    return float(10 * np.log10(255**2 / error)) if error else float("inf")
