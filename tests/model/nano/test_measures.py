"""The measures, on painters whose skill is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image

from brandpress.model import RenderRequest
from brandpress.model.nano.measures import (
    SCENE_PHRASES,
    WORDED,
    change_ratio,
    measure,
    natural_words,
    permuted,
    requests,
    scenes_in_words,
)
from brandpress.model.nano.world.cases import Case, fixed_cases
from brandpress.model.nano.world.library import Library
from brandpress.model.nano.world.scenes import Scene


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    """Of drawn products alone: they need no artwork."""
    return fixed_cases(Library.of([]), 20, 7, held_out=True, products_only=True)


@dataclass
class Painter:
    """What the measures need of a renderer: paints the case that a request came from."""

    cases: list[Case]
    paint: Callable[[Case], Image.Image]

    def render(self, asked: Sequence[RenderRequest]) -> list[Image.Image]:
        return [self.paint(self.cases[request.seed]) for request in asked]


def test_a_perfect_painter(cases: list[Case]) -> None:
    found = measure(Painter(cases, lambda case: case.target), cases, 4)
    assert (found["position"], found["retrieval"], found["colour"], found["background"]) == (1, 1, 0, 0)
    assert found["other"] > 30
    assert found["psnr"] > 100


def test_one_who_mixes_up_the_sides(cases: list[Case]) -> None:
    found = measure(Painter(cases, lambda case: case.swapped), cases, 4)
    assert found["position"] == 0
    assert found["colour"] > 20
    assert found["background"] < 1


def test_one_who_leaves_the_items_out(cases: list[Case]) -> None:
    found = measure(Painter(cases, lambda case: case.composition.background), cases, 4)
    assert found["colour"] > 20
    assert found["retrieval"] < 0.5


def test_one_who_paints_grey(cases: list[Case]) -> None:
    found = measure(Painter(cases, lambda case: Image.new("RGB", (128, 128), "grey")), cases, 4)
    assert found["background"] > 20
    assert found["psnr"] < 20


def test_what_changes_is_weighed_by_the_items_masks(cases: list[Case]) -> None:
    class Repainter:
        """Draws on item 0's place where its reference is another's, and a tenth as strongly on item 1's."""

        def render(self, asked: Sequence[RenderRequest]) -> list[Image.Image]:
            made = []
            for request in asked:
                case = cases[request.seed]
                pixels = np.zeros((128, 128, 3), np.uint8)
                if request.references != case.references:
                    pixels[case.masks[0]] = 200
                    pixels[case.masks[1] & ~case.masks[0]] = 20
                made.append(Image.fromarray(pixels))
            return made

    assert change_ratio(Repainter(), cases) == pytest.approx(10, rel=0.1)


def test_who_follows_the_captions_numbers_follows_a_permutation(cases: list[Case]) -> None:
    class Follower:
        """Paints the items where the caption wants their images."""

        def render(self, asked: Sequence[RenderRequest]) -> list[Image.Image]:
            pairs = [(cases[request.seed], request.references) for request in asked]
            return [case.target if references == case.references else case.swapped for case, references in pairs]

    assert permuted(Follower(), cases) == 1
    assert permuted(Painter(cases, lambda case: case.target), cases) == 0


@pytest.mark.parametrize(("heard", "low", "high"), [(True, 0.95, 1.0), (False, 0.0, 0.2)])
def test_scenes_in_words_are_told_from_each_other(cases: list[Case], heard: bool, low: float, high: float) -> None:
    class Landscapist:
        """Draws the scene that was asked for, or a beach."""

        def render(self, asked: Sequence[RenderRequest]) -> list[Image.Image]:
            names = [WORDED[i // SCENE_PHRASES] if heard else "beach" for i, _ in enumerate(asked)]
            return [Scene(name, None, "none", 1000 + i).draw(128, 128) for i, name in enumerate(names)]

    assert low <= scenes_in_words(Landscapist(), cases) <= high


def test_requests_are_the_cases(cases: list[Case]) -> None:
    for i, (case, request) in enumerate(zip(cases, requests(cases, 8), strict=True)):
        assert (request.prompt, request.references) == (case.caption.text, case.references)
        assert (request.width, request.height, request.seed, request.steps) == (128, 128, i, 8)


def test_two_items_without_sides_are_found_apart_by_who_paints_them_in_order(cases: list[Case]) -> None:
    perfect = natural_words(Painter(cases, lambda case: case.target), cases)
    assert perfect == {"both found": 1.0, "apart": 1.0}
    swapping = natural_words(Painter(cases, lambda case: case.swapped), cases)
    assert swapping["both found"] == 0 and swapping["apart"] < 0.2
    melting = Painter(cases, lambda case: Image.blend(case.target, case.swapped, 0.5))
    assert natural_words(melting, cases)["apart"] < 1


def test_natural_prompts_name_no_side_and_come_with_the_cases_references(cases: list[Case]) -> None:
    asked: list[RenderRequest] = []

    class Listener(Painter):
        def render(self, requests: Sequence[RenderRequest]) -> list[Image.Image]:
            asked.extend(requests)
            return super().render(requests)

    natural_words(Listener(cases, lambda case: case.target), cases)
    for case, request in zip(cases, asked, strict=True):
        assert request.references == case.references
        assert not any(side in request.prompt.split() for side in ("left", "right", "centre"))
