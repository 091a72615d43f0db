"""Batches of different pictures, and the step cache."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from brandpress.model import Renderer, RenderRequest, RequestError
from brandpress.model.inference.packed import PackedPass
from brandpress.model.memory import plan as memory
from tests.model.small import KV_PER_ROW, Small, levels_of, living_kv_rows
from tests.model.test_renderer import PROMPT, levels, pictures

KINDS = ("dev", "klein", "klein-base", "klein-kv")


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of pictures and second passes in each pass. Passes can have up to 4,096 rows."""
    monkeypatch.setattr(memory, "CPU_PACKED_ROWS", 4096)
    segment_counts: list[int] = []
    velocity = PackedPass.velocity

    def recording(self: PackedPass, *inputs: Any) -> Any:
        segment_counts.append(len(self._segments))
        return velocity(self, *inputs)

    monkeypatch.setattr(PackedPass, "velocity", recording)
    return segment_counts


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_is_the_same_alone_and_in_a_batch(
    small_of: Callable[[str], Small], passes: list[int], kind: str
) -> None:
    """With different prompts, seeds, and numbers and shapes of references."""
    small = small_of(kind)
    requests = [
        RenderRequest(f"{PROMPT} {i % 2}", pictures(i % 4, first=i % 3), 64, 64, seed=i, steps=2) for i in range(8)
    ]
    batch = small.fresh().render(requests)
    assert max(passes) == (16 if kind == "klein-base" else 8)
    passes.clear()
    for request, picture in zip(requests, batch, strict=True):
        (alone,) = small.fresh().render([request])
        assert levels(picture, alone) <= 1
    assert max(passes) == (2 if kind == "klein-base" else 1)


def test_a_picture_of_a_batch_equals_diffusers(small_of: Callable[[str], Small]) -> None:
    small = small_of("klein-kv")
    requests = [RenderRequest(f"{PROMPT} {i}", pictures(2), 64, 80, seed=i, steps=3) for i in range(5)]
    for request, picture in zip(requests, small.fresh().render(requests), strict=True):
        assert np.abs(levels_of(picture) - small.judge(request)).max() <= 1


@pytest.mark.parametrize(
    "change", [{"width": 80}, {"steps": 3}, {"guidance": 2.5}, {"reuse": "approximate"}], ids=lambda c: next(iter(c))
)
def test_only_pictures_with_one_schedule_share_a_pass(
    small_of: Callable[[str], Small], passes: list[int], change: dict[str, Any]
) -> None:
    small = small_of("dev")
    request = RenderRequest(PROMPT, (), 64, 64, seed=1, steps=2, guidance=4.0)
    small.fresh().render([request, replace(request, **change)])
    assert set(passes) == {1}


@pytest.mark.parametrize("max_rows", [1, 150, 400])
def test_the_rows_of_a_pass_are_limited(
    small_of: Callable[[str], Small], passes: list[int], monkeypatch: pytest.MonkeyPatch, max_rows: int
) -> None:
    """A pass has at least one picture. With guidance, a picture's second pass can be separate."""
    small = small_of("klein-base")
    requests = [RenderRequest(PROMPT, (), 64, 64, seed=i, steps=1) for i in range(4)]
    expected = small.fresh().render(requests)
    passes.clear()
    monkeypatch.setattr(memory, "CPU_PACKED_ROWS", max_rows)
    rendered = small.fresh().render(requests)
    assert all(levels(one, other) <= 1 for one, other in zip(rendered, expected, strict=True))
    rows = 16 + small.renderer.description.text_length
    assert max(passes) == max(1, min(8, max_rows // rows))
    assert sum(passes) == 8


def approximate(request: RenderRequest) -> RenderRequest:
    return replace(request, reuse="approximate")


def distance(one: Image.Image, other: Image.Image) -> float:
    """Returns the mean difference in levels."""
    return float(np.abs(levels_of(one) - levels_of(other)).mean())


@pytest.mark.parametrize("kind", ["dev", "klein", "klein-base"])
def test_reused_references_come_close(small_of: Callable[[str], Small], kind: str) -> None:
    """Closer than the picture without its references; the first step is exact."""
    small = small_of(kind)
    request = RenderRequest(PROMPT, pictures(3), 64, 64, seed=3, steps=4)
    exact, near, without = small.fresh().render([request, approximate(request), replace(request, references=())])
    assert 0 < distance(exact, near) < distance(exact, without)
    first = replace(request, steps=1)
    assert levels(*small.fresh().render([first, approximate(first)])) <= 1


@pytest.mark.parametrize("kind", KINDS)
def test_long_schedules_skip_steps(small_of: Callable[[str], Small], passes: list[int], kind: str) -> None:
    small = small_of(kind)
    request = RenderRequest(PROMPT, (), 64, 64, seed=3, steps=16)
    exact, near = small.fresh().render([request, approximate(request)])
    assert len(passes) == 16 + 10
    assert 0 < distance(exact, near) < distance(exact, small.fresh().render([replace(request, steps=10)])[0])


def test_an_approximate_picture_does_not_depend_on_its_batch(small_of: Callable[[str], Small]) -> None:
    small = small_of("klein-base")
    requests = [
        approximate(RenderRequest(f"{PROMPT} {i}", pictures(i), 64, 64, seed=i, steps=12)) for i in (0, 2, 1, 3)
    ]
    for request, picture in zip(requests, small.fresh().render(requests), strict=True):
        assert levels(picture, *small.fresh().render([request])) <= 1


def test_approximate_reuse_is_rejected_for_kv_models(small_of: Callable[[str], Small]) -> None:
    request = RenderRequest(PROMPT, pictures(1), 64, 64, steps=4, reuse="approximate")
    with pytest.raises(RequestError, match=r"reuse 'approximate': .* already reuses references exactly; leave it out"):
        small_of("klein-kv").renderer.render([request])
    with pytest.raises(RequestError, match="reuse 'sometimes': allowed are exact, approximate"):
        small_of("klein").renderer.render([replace(request, reuse="sometimes")])


def test_reference_sets_share_a_batch_and_their_room(small_of: Callable[[str], Small]) -> None:
    """Three reference sets in one batch: each has room. Afterwards only the set in use does."""
    renderer = small_of("klein-kv").fresh()
    rows_before = living_kv_rows()
    requests = [RenderRequest(PROMPT, pictures(1 + i % 3), 64, 64, seed=i, steps=1) for i in range(6)]
    room = KV_PER_ROW * (16 + renderer.description.text_length)
    renderer.render(requests)
    cached = renderer.caches.reference_kv.nbytes // (2 * 32 * 4)
    assert len(renderer.caches.reference_kv) == 3
    assert living_kv_rows() - rows_before == cached + 3 * room
    (rendered,) = renderer.stream(requests[:1])
    assert rendered.cache["reference_kv"] == 1
    assert living_kv_rows() - rows_before == cached + room


@pytest.mark.slow
def test_compiled_kernels_render_the_same_pictures(small_of: Callable[[str], Small], compiler: None) -> None:
    small = small_of("klein-kv")
    requests = [RenderRequest(PROMPT, pictures(i), 64, 64, seed=i, steps=2) for i in range(3)]
    compiled = Renderer.load(str(small.folder), device="cpu", dtype="float32", compile=True)
    assert compiled.host()["compiled"] == "torch.compile"
    assert "compiled" not in small.renderer.host()
    for one, other in zip(compiled.render(requests), small.fresh().render(requests), strict=True):
        assert levels(one, other) <= 1
