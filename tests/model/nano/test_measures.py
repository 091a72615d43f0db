"""The metrics, with renderers of known quality."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image

from brandpress.model import RenderRequest
from brandpress.model.nano.measures import (
    SCENE_PHRASES,
    asked_scenes,
    case_requests,
    change_ratio,
    exchange_share,
    measure,
    natural_captions,
    scenes_in_words,
)
from brandpress.model.nano.world.cases import Case, fixed_cases
from brandpress.model.nano.world.library import Library
from brandpress.model.nano.world.scenes import Scene


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    """Cases of products only, which need no artwork."""
    return fixed_cases(Library.of([]), 20, 7, held_out=True, products_only=True)


@dataclass
class CaseRenderer:
    """Renders a picture of the case that a request belongs to."""

    cases: list[Case]
    paint: Callable[[Case], Image.Image]

    def render(self, requests: Sequence[RenderRequest]) -> list[Image.Image]:
        return [self.paint(self.cases[request.seed]) for request in requests]


def test_a_perfect_renderer(cases: list[Case]) -> None:
    figures = measure(CaseRenderer(cases, lambda case: case.target), cases, 4)
    assert (figures["position"], figures["retrieval"], figures["colour"], figures["background"]) == (1, 1, 0, 0)
    assert figures["other"] > 30
    assert figures["psnr"] > 100


def test_a_renderer_that_exchanges_the_items(cases: list[Case]) -> None:
    figures = measure(CaseRenderer(cases, lambda case: case.swapped), cases, 4)
    assert figures["position"] == 0
    assert figures["colour"] > 20
    assert figures["background"] < 1


def test_a_renderer_that_omits_the_items(cases: list[Case]) -> None:
    figures = measure(CaseRenderer(cases, lambda case: case.composition.background), cases, 4)
    assert figures["colour"] > 20
    assert figures["retrieval"] < 0.5


def test_a_renderer_of_grey_pictures(cases: list[Case]) -> None:
    figures = measure(CaseRenderer(cases, lambda case: Image.new("RGB", case.target.size, "grey")), cases, 4)
    assert figures["background"] > 20
    assert figures["psnr"] < 20


def test_changes_are_measured_inside_the_items_masks(cases: list[Case]) -> None:
    class ChangingRenderer:
        """With a replaced reference, changes item 0's pixels, and item 1's by a tenth of that."""

        def render(self, requests: Sequence[RenderRequest]) -> list[Image.Image]:
            pictures = []
            for request in requests:
                case = cases[request.seed]
                pixels = np.zeros((*case.masks[0].shape, 3), np.uint8)
                if request.references != case.references:
                    pixels[case.masks[0]] = 200
                    pixels[case.masks[1] & ~case.masks[0]] = 20
                pictures.append(Image.fromarray(pixels))
            return pictures

    assert change_ratio(ChangingRenderer(), cases) == pytest.approx(10, rel=0.1)


def test_exchanged_references_exchange_the_items(cases: list[Case]) -> None:
    class FollowingRenderer:
        """Renders the items at the sides that the caption gives their references."""

        def render(self, requests: Sequence[RenderRequest]) -> list[Image.Image]:
            pairs = [(cases[request.seed], request.references) for request in requests]
            return [case.target if references == case.references else case.swapped for case, references in pairs]

    assert exchange_share(FollowingRenderer(), cases) == 1
    assert exchange_share(CaseRenderer(cases, lambda case: case.target), cases) == 0


@pytest.mark.slow
@pytest.mark.parametrize(("follows_prompt", "low", "high"), [(True, 0.95, 1.0), (False, 0.0, 0.2)])
def test_scenes_in_words_are_recognised(cases: list[Case], follows_prompt: bool, low: float, high: float) -> None:
    class SceneRenderer:
        """Renders the requested scene, or always a beach."""

        def render(self, requests: Sequence[RenderRequest]) -> list[Image.Image]:
            names = [asked_scenes()[i // SCENE_PHRASES] if follows_prompt else "beach" for i, _ in enumerate(requests)]
            return [Scene(name, None, "none", 1000 + i).draw(128, 128) for i, name in enumerate(names)]

    assert low <= scenes_in_words(SceneRenderer(), cases) <= high


def test_crops_have_the_size_of_the_candidates() -> None:
    large = fixed_cases(Library.of([]), 8, 7, held_out=True, products_only=True, width=256, height=256)
    figures = measure(CaseRenderer(large, lambda case: case.target), large, 4)
    assert (figures["retrieval"], figures["colour"]) == (1, 0)


def test_requests_match_the_cases(cases: list[Case]) -> None:
    for i, (case, request) in enumerate(zip(cases, case_requests(cases, 8), strict=True)):
        assert (request.prompt, request.references) == (case.caption.text, case.references)
        assert ((request.width, request.height), request.seed, request.steps) == (case.target.size, i, 8)


def test_natural_captions_distinguish_correct_swapped_and_blended_items(cases: list[Case]) -> None:
    perfect = natural_captions(CaseRenderer(cases, lambda case: case.target), cases)
    assert perfect == {"both found": 1.0, "apart": 1.0}
    swapped = natural_captions(CaseRenderer(cases, lambda case: case.swapped), cases)
    assert swapped["both found"] == 0 and swapped["apart"] < 0.2
    blended = CaseRenderer(cases, lambda case: Image.blend(case.target, case.swapped, 0.5))
    assert natural_captions(blended, cases)["apart"] < 1


def test_natural_prompts_mention_no_side_and_use_the_cases_references(cases: list[Case]) -> None:
    received: list[RenderRequest] = []

    class RecordingRenderer(CaseRenderer):
        def render(self, requests: Sequence[RenderRequest]) -> list[Image.Image]:
            received.extend(requests)
            return super().render(requests)

    natural_captions(RecordingRenderer(cases, lambda case: case.target), cases)
    for case, request in zip(cases, received, strict=True):
        assert request.references == case.references
        assert not any(side in request.prompt.split() for side in ("left", "right", "centre"))
