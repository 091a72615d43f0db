"""Conditions are computed once and never confused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from brandpress.model import RenderRequest
from brandpress.model.inference import conditioning as conditions
from brandpress.model.inference import preprocess as references
from brandpress.model.inference.preprocess import picture_digest
from tests.model.small import Small, living_kv_rows, noise_picture
from tests.model.test_renderer import PROMPT, levels, pictures


class Counter:
    """Counts the calls of a method."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> None:
        self.calls = 0
        method = getattr(owner, name)

        def counted(*inputs: Any) -> Any:
            self.calls += 1
            return method(*inputs)

        monkeypatch.setattr(owner, name, counted)


def test_a_campaign_computes_nothing_twice(small_of: Callable[[str], Small], monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve pictures of three prompts, two references and two sizes."""
    small = small_of("klein-kv")
    renderer = small.fresh()
    loaded = renderer.loaded
    encoded = Counter(monkeypatch, loaded.text_encoder.get(), "encode")
    latents = Counter(monkeypatch, loaded.autoencoder, "encode")
    projected = Counter(monkeypatch, loaded.transformer.get().context_embedder, "forward")
    modulations = Counter(monkeypatch, loaded.transformer.get(), "modulations")
    requests = [
        RenderRequest(f"{PROMPT} {i % 3}", pictures(2), 64, 64 + 16 * (i // 6), seed=i, steps=2) for i in range(12)
    ]
    renderer.render(requests)
    assert (encoded.calls, projected.calls, latents.calls) == (3, 3, 2)
    assert modulations.calls == 1 + 2 + 1, "timestep 0, two steps, and one more of the second size: both start at 1"
    assert len(renderer.caches.reference_kv) == 1
    assert len(renderer.caches.rope) == 2


@pytest.mark.parametrize("kind", ["dev", "klein", "klein-kv"])
def test_references_are_prepared_once(
    small_of: Callable[[str], Small], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Five requests with the same two pictures in either order, separately and in a list: each picture is hashed,
    prepared, and its pixels are hashed once."""
    renderer = small_of(kind).fresh()
    counters = [Counter(monkeypatch, references, "picture_digest")]
    counters += [Counter(monkeypatch, conditions, name) for name in ("prepare_reference", "pixels_digest")]
    first, second = pictures(2)
    orders = [(first, second), (second, first)]
    requests = [RenderRequest(f"{PROMPT} {i}", orders[i % 2], 64, 64 + 16 * (i % 2), seed=i, steps=1) for i in range(5)]
    renderer.render(requests[:1])
    renderer.render(requests[1:2])
    renderer.render(requests[2:])
    assert [counter.calls for counter in counters] == [2, 2, 2]
    copies = [picture.copy() for picture in (first, second)]
    renderer.render([RenderRequest(PROMPT, tuple(copies), 64, 64, steps=1)])
    assert [counter.calls for counter in counters] == [4, 2, 2], "copies are hashed, and their digests are in the cache"


def test_small_caches_do_not_change_pictures(small_of: Callable[[str], Small]) -> None:
    """Every reference set evicts the one before."""
    small = small_of("klein-kv")
    requests = [RenderRequest(PROMPT, pictures(1, first=i % 3), 64, 64, seed=i, steps=1) for i in range(6)]
    expected, renderer = small.fresh().render(requests), small.fresh()
    for cache in (renderer.caches.reference_kv, renderer.caches.latents, renderer.caches.texts, renderer.caches.rope):
        cache.budget = 0
    rendered = [renderer.render([request])[0] for request in requests]
    assert all(levels(one, other) <= 1 for one, other in zip(rendered, expected, strict=True))
    assert len(renderer.caches.reference_kv) == 1


def test_room_is_freed_before_a_new_set_is_computed(
    small_of: Callable[[str], Small], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cache evicts down to its budget first, and frees the room of the sets that it keeps."""
    renderer = small_of("klein-kv").fresh()
    rows_before = living_kv_rows()
    cache = renderer.caches.reference_kv
    sets_and_room: list[tuple[int, bool]] = []
    sizes: list[int] = []
    make = conditions.reference_kv

    def recording(*inputs: Any) -> Any:
        sets_and_room.append((len(cache), living_kv_rows() - rows_before > cache.nbytes // (2 * 32 * 4)))
        kv = make(*inputs)
        sizes.append(kv.nbytes)
        return kv

    monkeypatch.setattr(conditions, "reference_kv", recording)
    for number in range(4):
        renderer.render([RenderRequest(PROMPT, pictures(1, first=number % 2), 64, 64, seed=number, steps=1)])
        cache.budget = sizes[0]
    assert sets_and_room == [(0, False), (0, False), (0, False), (0, False)]
    cache.budget = 8 * sizes[0]
    renderer.render([RenderRequest(PROMPT, pictures(1, first=2), 64, 64, steps=1)])
    assert sets_and_room[4:] == [(1, False)]


def paletted(colours: list[int]) -> Image.Image:
    """Stripes of two colours."""
    picture = Image.new("P", (64, 64))
    picture.putpalette(colours)
    picture.paste(1, (0, 0, 64, 32))
    return picture


def test_the_digest_covers_everything_visible() -> None:
    picture = noise_picture(64, 80, seed=1)
    other = picture.copy()
    other.putpixel((3, 5), (1, 2, 3))
    other_shape = Image.frombytes("RGB", (80, 64), picture.tobytes())
    visibly_different = [picture, other, other_shape, picture.convert("RGBA"), picture.convert("L")]
    visibly_different += [paletted([0, 0, 0, 255, 0, 0]), paletted([0, 0, 0, 0, 255, 0])]
    assert len({picture_digest(one) for one in visibly_different}) == len(visibly_different)
    assert picture_digest(picture.copy()) == picture_digest(picture)


def test_the_palette_is_in_the_cache_key(small_of: Callable[[str], Small]) -> None:
    renderer = small_of("klein").fresh()
    red, green = (
        renderer.render([RenderRequest(PROMPT, (paletted(colours),), 64, 64, steps=1)])[0]
        for colours in ([0, 0, 0, 255, 0, 0], [0, 0, 0, 0, 255, 0])
    )
    assert levels(red, green) > 1


def test_the_area_is_in_the_cache_key(small_of: Callable[[str], Small]) -> None:
    renderer = small_of("klein").fresh()
    large, small_ = (
        renderer.render([RenderRequest(PROMPT, pictures(2), 64, 64, steps=1, reference_pixels=pixels)])[0]
        for pixels in (2024 * 2024, 64 * 64)
    )
    assert levels(large, small_) > 1
