"""The renderer against diffusers, which is the judge of its numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from brandpress.model import CheckpointError, Renderer, RenderRequest, RequestError
from brandpress.model import renderer as module
from brandpress.model.memory.plan import DeviceMemory, need_of
from brandpress.model.network import tiled as bands
from tests.model.small import DEPTH, LENGTH, Small, judged, levels_of, noise_picture, text_layers

REFERENCES = [
    (64, 64, "RGB"), (200, 90, "RGB"), (75, 131, "RGB"), (512, 64, "RGB"), (97, 300, "RGBA"),
    (128, 128, "L"), (66, 66, "RGB"), (81, 640, "RGB"), (144, 112, "RGB"), (100, 101, "RGBA"),
]  # fmt: skip
PROMPT = "a red mug on the left and a fox on the right"


def pictures(count: int, first: int = 0) -> tuple[Image.Image, ...]:
    return tuple(noise_picture(w, h, seed=i, mode=m) for i, (w, h, m) in enumerate(REFERENCES[first : first + count]))


def levels(ours: Image.Image, other: Image.Image) -> int:
    """The largest difference of two pictures."""
    return int(np.abs(levels_of(ours) - levels_of(other)).max())


@pytest.mark.parametrize("count", [0, 1, 3, 10])
@pytest.mark.parametrize(("width", "height"), [(96, 64), (64, 176)])
def test_pictures_equal_diffusers(small: Small, count: int, width: int, height: int) -> None:
    request = RenderRequest(PROMPT, pictures(count), width, height, seed=count + 7, steps=3, guidance=3.5)
    (ours,) = small.renderer.render([request])
    theirs = small.judge(request)
    assert ours.size == (width, height)
    assert np.std(theirs) > 4, "the judge's picture is flat: nothing is compared"
    assert np.abs(levels_of(ours) - theirs).max() <= 1


def test_steps_and_guidance_default_to_the_family(small: Small) -> None:
    (ours,) = small.renderer.render([RenderRequest(PROMPT, pictures(1), 64, 64)])
    steps = 20 if small.kind in ("dev", "klein-base") else 4
    assert np.abs(levels_of(ours) - small.judge(RenderRequest(PROMPT, pictures(1), 64, 64, steps=steps))).max() <= 1


def test_a_negative_prompt_is_the_second_pass(small_of: Callable[[str], Small]) -> None:
    """diffusers has "" there; by its embedding, another can be given."""
    small = small_of("klein-base")
    request = RenderRequest(PROMPT, pictures(1), 64, 64, seed=2, steps=2, guidance=3.0, negative_prompt="snow falls")
    (ours,) = small.renderer.render([request])
    embedding, _ = small.pipeline.encode_prompt(
        prompt="snow falls", max_sequence_length=LENGTH, text_encoder_out_layers=text_layers(DEPTH)
    )
    theirs = judged(small.pipeline, request, LENGTH, text_layers(DEPTH), negative_prompt_embeds=embedding)
    assert np.abs(levels_of(ours) - theirs).max() <= 1
    assert levels(ours, *small.renderer.render([replace(request, negative_prompt="")])) > 1


@pytest.mark.parametrize("pixels", [90 * 90, 300 * 300, 2024 * 2024])
def test_references_may_be_scaled_to_another_area(small: Small, pixels: int) -> None:
    """As if the pictures had been scaled beforehand, by the same filter."""
    big = noise_picture(1200, 1000, seed=3)
    request = RenderRequest(PROMPT, (big,), 64, 64, steps=1, reference_pixels=pixels)
    scale = min(1.0, (pixels / (big.width * big.height)) ** 0.5)
    scaled = big.resize((int(big.width * scale), int(big.height * scale)), Image.Resampling.LANCZOS)
    beforehand = RenderRequest(PROMPT, (scaled,), 64, 64, steps=1, reference_pixels=2024 * 2024)
    assert levels(*small.fresh().render([request, beforehand])) == 0


def test_the_default_area_is_diffusers(small_of: Callable[[str], Small]) -> None:
    small = small_of("klein")
    request = RenderRequest(PROMPT, (noise_picture(1310, 1100, seed=3),), 64, 64, steps=1)
    (ours,) = small.renderer.render([request])
    assert np.abs(levels_of(ours) - small.judge(request)).max() <= 1


def test_a_picture_in_narrow_bands_equals_diffusers(
    small_of: Callable[[str], Small], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As four megapixels do in wide ones."""
    small = small_of("klein")
    monkeypatch.setattr(small.renderer.loaded.autoencoder, "whole_elements", 0)
    monkeypatch.setattr(bands, "PLAIN_ELEMENTS", 1 << 12)
    monkeypatch.setitem(bands.BAND_ELEMENTS, "cpu", 1 << 14)
    request = RenderRequest(PROMPT, pictures(1), 256, 320, seed=1, steps=1)
    (ours,) = small.renderer.render([request])
    assert np.abs(levels_of(ours) - small.judge(request)).max() <= 1


@pytest.mark.slow("model/inference", "model/network", "model/renderer.py")
@pytest.mark.parametrize(("width", "height"), [(2048, 2048), (720, 5760)])
def test_four_megapixels_equal_diffusers(
    small_of: Callable[[str], Small], monkeypatch: pytest.MonkeyPatch, width: int, height: int
) -> None:
    """In bands, which diffusers' picture is made without: this autoencoder is small enough."""
    small = small_of("klein")
    monkeypatch.setattr(small.renderer.loaded.autoencoder, "whole_elements", 0)
    monkeypatch.setattr(bands, "PLAIN_ELEMENTS", 1 << 20)
    request = RenderRequest(PROMPT, pictures(1), width, height, seed=1, steps=1)
    (ours,) = small.renderer.render([request])
    assert np.abs(levels_of(ours) - small.judge(request)).max() <= 1


def test_every_input_shows_in_the_picture(small: Small) -> None:
    """Or else equality would prove little."""
    first, second = pictures(2)
    base = RenderRequest(PROMPT, (first, second), 64, 64, seed=1, steps=2)
    others = [
        RenderRequest("snow falls", (first, second), 64, 64, seed=1, steps=2),
        RenderRequest(PROMPT, (second, first), 64, 64, seed=1, steps=2),
        RenderRequest(PROMPT, (first,), 64, 64, seed=1, steps=2),
        RenderRequest(PROMPT, (first, second), 64, 64, seed=2, steps=2),
        RenderRequest(PROMPT, (first, second), 64, 64, seed=1, steps=3),
    ]
    made = small.renderer.render([base, *others])
    for other in made[1:]:
        assert levels(made[0], other) > 1


def test_guidance_shows_where_the_model_is_not_distilled(small: Small) -> None:
    weak, strong = (RenderRequest(PROMPT, (), 64, 64, steps=2, guidance=g) for g in (2.0, 6.0))
    difference = levels(*small.renderer.render([weak, strong]))
    assert (difference > 1) == (small.kind in ("dev", "klein-base"))


def test_a_picture_does_not_depend_on_its_list(small: Small) -> None:
    requests = [
        RenderRequest(PROMPT, pictures(i % 3, first=i % 2), 64 + 16 * (i % 2), 64, seed=i, steps=2) for i in range(8)
    ]
    together = small.fresh().render(requests)
    backwards = small.fresh().render(requests[::-1])[::-1]
    for request, one, other in zip(requests, together, backwards, strict=True):
        alone = small.fresh().render([request])[0]
        assert levels(alone, one) <= 1
        assert levels(alone, other) <= 1


def test_reused_references_give_the_very_same_picture(small: Small) -> None:
    """Whatever prompt, seed and size they were first used with: to the bit."""
    wanted = RenderRequest(PROMPT, pictures(3), 80, 64, seed=3, steps=2)
    before = RenderRequest("snow falls on the green bottle", pictures(3), 64, 96, seed=4, steps=3)
    after, alone = small.fresh().render([before, wanted])[1], small.fresh().render([wanted])[0]
    assert levels(after, alone) == 0


def test_shared_work_is_done_once(small: Small) -> None:
    request = RenderRequest(PROMPT, pictures(2), 64, 64, steps=2)
    first, second = small.fresh().stream([request, request])
    kinds = {"text", "projection", "latents", "modulations", "rope"} | (
        {"reference_kv"} if small.kind == "klein-kv" else set()
    )
    assert first.cache == dict.fromkeys(kinds, 0)
    assert second.cache == dict.fromkeys(kinds, 1)
    assert set(second.timings) == {"text", "references", "denoise", "decode"}


def test_a_stream_renders_no_further_than_it_is_read(small: Small) -> None:
    renderer = small.fresh()
    stream = renderer.stream(RenderRequest(PROMPT, (), 64, 64, seed=seed, steps=1) for seed in range(10**9))
    assert [next(stream).picture.size for _ in range(2)] == [(64, 64)] * 2


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (RenderRequest(PROMPT, (), 100, 64), "size 100x64: width and height must be multiples of 16"),
        (RenderRequest(PROMPT, (), 64, 0), "size 64x0: width and height must be multiples of 16"),
        (RenderRequest(PROMPT, (), 4096, 1040), "size 4096x1040: at most 4,194,304 pixels"),
        (RenderRequest(PROMPT, pictures(1) * 11, 64, 64), "references: 11 given, at most 10 allowed"),
        (RenderRequest(PROMPT, (), 64, 64, steps=0), "steps 0: at least 1"),
        (RenderRequest(PROMPT, (), 64, 528), "size 64x528: the shape may be at most 8:1"),
        (
            RenderRequest(PROMPT, (), 64, 64, reference_pixels=4095),
            "reference_pixels 4,095: allowed are 4,096 (64x64) to",
        ),
        (RenderRequest(PROMPT, (), 64, 64, reference_pixels=2025 * 2024), "to 4,096,576 (2024x2024)"),
        (RenderRequest(PROMPT, (), 64, 64, guidance=1.0, negative_prompt="x"), "negative_prompt: "),
        (RenderRequest(PROMPT, (noise_picture(60, 90, 0),), 64, 64), "60x90; its sides must be at least 64 pixels"),
        (RenderRequest(PROMPT, (noise_picture(640, 79, 0),), 64, 64), "640x79; its aspect must be at most 8:1"),
    ],
)
def test_bad_requests_are_refused(small: Small, request_: RenderRequest, message: str) -> None:
    with pytest.raises(RequestError, match=re.escape(message)):
        small.renderer.render([request_])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dtype": "int8"}, "dtype 'int8': allowed are float32, bfloat16, float16"),
        ({"dtype": "float31"}, "dtype 'float31': allowed are float32, bfloat16, float16"),
        ({"device": "gpu"}, "device 'gpu': allowed are cpu, cuda"),
        ({"residency": "half"}, "residency 'half': allowed are resident, turns"),
    ],
)
def test_unknown_places_are_refused(small: Small, options: dict[str, str], message: str) -> None:
    with pytest.raises(RequestError, match=re.escape(message)):
        Renderer.load(str(small.folder), **options)


def test_other_dtypes_come_close(small: Small) -> None:
    request = RenderRequest(PROMPT, pictures(1), 64, 64, steps=2)
    (exact,) = small.renderer.render([request])
    (rounded,) = Renderer.load(str(small.folder), device="cpu", dtype="bfloat16").render([request])
    assert 0 < np.abs(levels_of(exact) - levels_of(rounded)).mean() < 12


def test_the_host_is_named(small: Small) -> None:
    host = {"device": "cpu", "torch": torch.__version__, "driver": "none", "pass_rows": "512"}
    assert small.renderer.host() == host


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("klein", "has no second pass; it needs a base model"),
        ("klein-base", "guidance is 1; it needs a base model and"),
    ],
)
def test_a_negative_prompt_needs_a_second_pass(small_of: Callable[[str], Small], kind: str, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        small_of(kind).renderer.render([RenderRequest(PROMPT, (), 64, 64, guidance=1.0, negative_prompt="snow")])


def test_a_model_that_cant_rewrite_prompts_says_so(small_of: Callable[[str], Small]) -> None:
    with pytest.raises(RequestError, match=r"upsample: .* has no language model that rewrites prompts; flux.2-dev has"):
        small_of("klein").renderer.render([RenderRequest(PROMPT, (), 64, 64, upsample=True)])


def test_memory_is_given_back_when_it_is_asked_for(small_of: Callable[[str], Small]) -> None:
    """After a failed attempt: no reference set is kept, and the next picture is the same."""
    renderer = small_of("klein-kv").fresh()
    request = RenderRequest(PROMPT, pictures(2), 64, 64, steps=1)
    before = renderer.render([request])
    (kv,) = renderer.reuse.reference_kv._values.values()
    assert kv.room
    renderer.release()
    assert not kv.room
    assert (len(renderer.reuse.reference_kv), renderer.reuse.reference_kv.nbytes) == (0, 0)
    assert levels(before[0], renderer.render([request])[0]) == 0


class TestTurns:
    """Text encoder and transformer in memory one after the other."""

    @pytest.fixture
    def turns(self, small: Small) -> Renderer:
        return Renderer.load(str(small.folder), device="cpu", dtype="float32", residency="turns")

    def test_pictures_are_the_same(self, small: Small, turns: Renderer) -> None:
        requests = [RenderRequest(f"{PROMPT} {i}", pictures(i), 64, 64, seed=i, steps=2) for i in range(3)]
        for one, other in zip(small.fresh().render(requests), turns.render(requests), strict=True):
            assert levels(one, other) == 0

    def test_a_group_takes_one_turn(self, small: Small, turns: Renderer) -> None:
        loads = [watch(turns.loaded.text_encoder), watch(turns.loaded.transformer)]
        turns.render([RenderRequest(f"{PROMPT} {i}", (), 64, 64, steps=1) for i in range(5)])
        assert [len(found) for found in loads] == [1, 1]
        turns.render([RenderRequest(f"{PROMPT} {i}", (), 64, 64, steps=1, seed=9) for i in range(5)])
        assert [len(found) for found in loads] == [1, 1], "known prompts need no encoder"

    def test_never_both(self, small: Small, turns: Renderer) -> None:
        both = []
        for part in (turns.loaded.text_encoder, turns.loaded.transformer):
            watch(part, lambda: both.append(turns.loaded.text_encoder.loaded and turns.loaded.transformer.loaded))
        list(turns.stream(RenderRequest(f"{PROMPT} {i}", (), 64, 64 + 16 * i, steps=1) for i in range(3)))
        assert len(both) == 6 and not any(both)


def watch(part: Any, then: Callable[[], None] = lambda: None) -> list[int]:
    """Note each time that a part is loaded."""
    loads: list[int] = []
    load = part._load

    def noted() -> Any:
        loads.append(1)
        then()
        return load()

    part._load = noted
    return loads


def test_what_fits_decides_the_residency(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    need = need_of(small.renderer.description, 4, module.USUAL)
    for memory, residency in ((need.resident * 2, "resident"), (int((need.turns + need.resident) / 2 / 0.9), "turns")):
        device = DeviceMemory("a test", memory, memory)
        monkeypatch.setattr(module, "settled_memory", lambda *asked, device=device: device)
        made = Renderer.load(str(small.folder), device="cpu", dtype="float32")
        assert made.residency == residency
        assert made.reuse.reference_kv.budget == need.spare(made.residency, device)
    device = DeviceMemory("a test", need.turns, need.turns)
    monkeypatch.setattr(module, "settled_memory", lambda *asked: device)
    with pytest.raises(CheckpointError, match="the model doesn't fit: text encoder and transformer in turns need"):
        Renderer.load(str(small.folder), device="cpu", dtype="float32")
