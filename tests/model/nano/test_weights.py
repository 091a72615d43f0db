"""The included nano: its pictures equal diffusers', and their quality is at least what its model card says.

Quality is measured on held-out products only, because characters and objects need artwork that isn't in the repository;
`python -m brandpress.model.nano.evaluate` measures those too.
"""

from __future__ import annotations

from typing import Any

import pytest

from brandpress.model import Renderer, RenderRequest
from brandpress.model.checkpoint.locate import NANO_FOLDER
from brandpress.model.nano.evaluate import SEED
from brandpress.model.nano.measures import change_ratio, exchange_share, measure, scenes_in_words
from brandpress.model.nano.world.cases import Case, fixed_cases
from brandpress.model.nano.world.library import Library
from tests.model.nano.equality import difference, folder_bytes
from tests.model.small import load_pipeline, noise_picture

pytestmark = pytest.mark.timeout(1_200)

CASES = 32
SUBSET = 12
# What these weights reach, rounded down; the goals are in the model card.
POSITION = 0.85
COLOUR = 14.5
COLOUR_TO_OTHER = 1 / 3
RETRIEVAL = 0.75
BACKGROUND = 10.5
CHANGE = 3.8
EXCHANGED = 0.75
SCENES = 0.65
FEW_STEPS_LOSS_DB = 1.0
BYTES = 28_000_000


@pytest.fixture(scope="module")
def nano() -> Renderer:
    return Renderer.load("nano", device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def pipeline() -> Any:
    return load_pipeline(NANO_FOLDER)


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return fixed_cases(Library.of([]), CASES, SEED, held_out=True, products_only=True)


@pytest.fixture(scope="module")
def figures(nano: Renderer, cases: list[Case]) -> dict[str, float]:
    return measure(nano, cases, steps=4)


@pytest.mark.parametrize("count", [0, 1, 3, 10])
@pytest.mark.parametrize("size", [(128, 128), (160, 96)])
def test_diffusers_renders_the_same_picture(
    nano: Renderer, pipeline: Any, cases: list[Case], count: int, size: tuple[int, int]
) -> None:
    """References: rendered items and scenes, and noise; some are above the folder's limit of reference pixels."""
    noise = [noise_picture(64 + 80 * (i % 3 == 0), 64 + 80 * (i % 3 == 0), seed=i) for i in range(5)]
    pictures = [*cases[0].references, *noise, *cases[1].references][:count]
    request = RenderRequest(cases[0].caption.text, tuple(pictures), *size, seed=count, steps=4)
    assert difference(nano, pipeline, NANO_FOLDER, request) <= 1


def test_the_weights_are_small() -> None:
    assert 1_000_000 < folder_bytes(NANO_FOLDER) <= BYTES


@pytest.mark.slow
def test_items_are_at_the_sides_of_the_caption(figures: dict[str, float]) -> None:
    assert figures["position"] >= POSITION


@pytest.mark.slow
def test_items_have_the_colours_of_their_references(figures: dict[str, float]) -> None:
    assert figures["colour"] <= COLOUR
    assert figures["colour"] <= COLOUR_TO_OTHER * figures["other"]


@pytest.mark.slow
def test_items_are_recognisable(figures: dict[str, float]) -> None:
    assert figures["retrieval"] >= RETRIEVAL


@pytest.mark.slow
def test_the_scene_matches_its_reference(figures: dict[str, float]) -> None:
    assert figures["background"] <= BACKGROUND


@pytest.mark.slow
def test_a_replaced_reference_changes_its_own_item(nano: Renderer, cases: list[Case]) -> None:
    assert change_ratio(nano, cases[:SUBSET]) >= CHANGE


@pytest.mark.slow
def test_exchanged_references_exchange_the_items(nano: Renderer, cases: list[Case]) -> None:
    assert exchange_share(nano, cases[:SUBSET]) >= EXCHANGED


@pytest.mark.slow
def test_scenes_in_words_are_recognisable(nano: Renderer, cases: list[Case]) -> None:
    assert scenes_in_words(nano, cases) >= SCENES


@pytest.mark.slow
def test_four_steps_are_nearly_as_good_as_twenty(nano: Renderer, cases: list[Case]) -> None:
    subset = cases[:SUBSET]
    assert measure(nano, subset, steps=4)["psnr"] >= measure(nano, subset, steps=20)["psnr"] - FEW_STEPS_LOSS_DB
