"""The renderer's pictures against diffusers', and its caches, errors and residency."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from brandpress.model import CheckpointError, Renderer, RenderRequest, RequestError
from brandpress.model import renderer as module
from brandpress.model.errors import UnusablePictureError
from brandpress.model.inference import components
from brandpress.model.memory.plan import DeviceMemory, need_of
from brandpress.model.network import tiled
from brandpress.model.request import Failed, Rendered
from tests.model.small import (
    DEPTH,
    KV_PER_ROW,
    LENGTH,
    Small,
    judged,
    levels_of,
    living_kv_rows,
    noise_picture,
    text_layers,
)

REFERENCES = [
    (64, 64, "RGB"), (200, 90, "RGB"), (75, 131, "RGB"), (512, 64, "RGB"), (97, 300, "RGBA"),
    (128, 128, "L"), (66, 66, "RGB"), (81, 640, "RGB"), (144, 112, "RGB"), (100, 101, "RGBA"),
]  # fmt: skip
TEXT_WIDTH = 96
"""Of the small checkpoints."""
PROMPT = "a red mug on the left and a fox on the right"


def pictures(count: int, first: int = 0) -> tuple[Image.Image, ...]:
    return tuple(noise_picture(w, h, seed=i, mode=m) for i, (w, h, m) in enumerate(REFERENCES[first : first + count]))


def levels(one: Image.Image, other: Image.Image) -> int:
    """Returns the largest difference between two pictures, in levels of 255."""
    return int(np.abs(levels_of(one) - levels_of(other)).max())


@pytest.mark.parametrize("count", [0, 1, 3, 10])
@pytest.mark.parametrize(("width", "height"), [(96, 64), (64, 176)])
def test_pictures_equal_diffusers(small: Small, count: int, width: int, height: int) -> None:
    request = RenderRequest(PROMPT, pictures(count), width, height, seed=count + 7, steps=3, guidance=3.5)
    (picture,) = small.renderer.render([request])
    expected = small.judge(request)
    assert picture.size == (width, height)
    assert np.std(expected) > 4, "diffusers' picture is flat, so nothing is compared"
    assert np.abs(levels_of(picture) - expected).max() <= 1


def test_steps_and_guidance_default_to_the_family(small: Small) -> None:
    (picture,) = small.renderer.render([RenderRequest(PROMPT, pictures(1), 64, 64)])
    steps = 20 if small.kind in ("dev", "klein-base") else 4
    assert np.abs(levels_of(picture) - small.judge(RenderRequest(PROMPT, pictures(1), 64, 64, steps=steps))).max() <= 1


def test_a_negative_prompt_is_the_second_pass(small_of: Callable[[str], Small]) -> None:
    """diffusers' pipeline uses "", but takes the embedding of another negative prompt."""
    small = small_of("klein-base")
    request = RenderRequest(PROMPT, pictures(1), 64, 64, seed=2, steps=2, guidance=3.0, negative_prompt="snow falls")
    (picture,) = small.renderer.render([request])
    embedding, _ = small.pipeline.encode_prompt(
        prompt="snow falls", max_sequence_length=LENGTH, text_encoder_out_layers=text_layers(DEPTH)
    )
    expected = judged(small.pipeline, request, LENGTH, text_layers(DEPTH), negative_prompt_embeds=embedding)
    assert np.abs(levels_of(picture) - expected).max() <= 1
    assert levels(picture, *small.renderer.render([replace(request, negative_prompt="")])) > 1


@pytest.mark.parametrize("pixels", [90 * 90, 300 * 300, pytest.param(2024 * 2024, marks=pytest.mark.slow)])
def test_references_are_scaled_down_to_the_requested_area(small: Small, pixels: int) -> None:
    """As if they had been scaled with the same filter before."""
    big = noise_picture(1200, 1000, seed=3)
    request = RenderRequest(PROMPT, (big,), 64, 64, steps=1, reference_pixels=pixels)
    scale = min(1.0, (pixels / (big.width * big.height)) ** 0.5)
    scaled = big.resize((int(big.width * scale), int(big.height * scale)), Image.Resampling.LANCZOS)
    scaled_before = RenderRequest(PROMPT, (scaled,), 64, 64, steps=1, reference_pixels=2024 * 2024)
    assert levels(*small.fresh().render([request, scaled_before])) == 0


def test_the_default_area_equals_diffusers(small_of: Callable[[str], Small]) -> None:
    small = small_of("klein")
    request = RenderRequest(PROMPT, (noise_picture(1310, 1100, seed=3),), 64, 64, steps=1)
    (picture,) = small.renderer.render([request])
    assert np.abs(levels_of(picture) - small.judge(request)).max() <= 1


def test_a_picture_in_narrow_tiles_equals_diffusers(
    small_of: Callable[[str], Small], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fast, unlike the test with four megapixels."""
    small = small_of("klein")
    monkeypatch.setattr(small.renderer.loaded.autoencoder, "untiled_elements", 0)
    monkeypatch.setattr(tiled, "MAX_UNTILED_ELEMENTS", 1 << 12)
    monkeypatch.setitem(tiled.TILE_ELEMENTS, "cpu", 1 << 14)
    request = RenderRequest(PROMPT, pictures(1), 256, 320, seed=1, steps=1)
    (picture,) = small.renderer.render([request])
    assert np.abs(levels_of(picture) - small.judge(request)).max() <= 1


@pytest.mark.slow
@pytest.mark.parametrize(("width", "height"), [(2048, 2048), (720, 5760)])
def test_four_megapixels_equal_diffusers(
    small_of: Callable[[str], Small], monkeypatch: pytest.MonkeyPatch, width: int, height: int
) -> None:
    """In tiles. diffusers' picture is decoded in one piece, which is possible with this small autoencoder."""
    small = small_of("klein")
    monkeypatch.setattr(small.renderer.loaded.autoencoder, "untiled_elements", 0)
    monkeypatch.setattr(tiled, "MAX_UNTILED_ELEMENTS", 1 << 20)
    request = RenderRequest(PROMPT, pictures(1), width, height, seed=1, steps=1)
    (picture,) = small.renderer.render([request])
    assert np.abs(levels_of(picture) - small.judge(request)).max() <= 1


def test_a_picture_above_the_base_area_is_diffusers_smaller_one_enlarged(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = small.renderer.loaded
    monkeypatch.setattr(loaded, "description", replace(loaded.description, base_pixels=64 * 64))
    sizes = [(160, 128), (128, 128), (128, 144)]
    requests = [RenderRequest(PROMPT, pictures(1), width, height, seed=1, steps=2) for width, height in sizes]
    results = [result for result in small.renderer.stream(requests) if isinstance(result, Rendered)]
    assert [result.enlarged_from for result in results] == [(80, 64), None, (64, 80)]
    rendered = [result.picture for result in results]
    assert [picture.size for picture in rendered] == sizes
    assert np.abs(levels_of(rendered[1]) - small.judge(requests[1])).max() <= 1, "four times the area isn't enlarged"
    for request, result in zip(requests, results, strict=True):
        if result.enlarged_from is not None:
            base = small.judge(replace(request, width=result.enlarged_from[0], height=result.enlarged_from[1]))
            size = request.width, request.height
            expected = ImageOps.fit(Image.fromarray(base.astype(np.uint8)), size, Image.Resampling.LANCZOS)
            assert levels(result.picture, expected) <= 3


def test_every_input_changes_the_picture(small: Small) -> None:
    """Otherwise equal pictures would prove little."""
    first, second = pictures(2)
    base = RenderRequest(PROMPT, (first, second), 64, 64, seed=1, steps=2)
    others = [
        RenderRequest("snow falls", (first, second), 64, 64, seed=1, steps=2),
        RenderRequest(PROMPT, (second, first), 64, 64, seed=1, steps=2),
        RenderRequest(PROMPT, (first,), 64, 64, seed=1, steps=2),
        RenderRequest(PROMPT, (first, second), 64, 64, seed=2, steps=2),
        RenderRequest(PROMPT, (first, second), 64, 64, seed=1, steps=3),
    ]
    first_picture, *other_pictures = small.renderer.render([base, *others])
    for other in other_pictures:
        assert levels(first_picture, other) > 1


def test_guidance_changes_pictures_unless_the_model_is_distilled(small: Small) -> None:
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


def test_cached_references_give_an_identical_picture(small: Small) -> None:
    """For any prompt, seed and size that they were first used with."""
    request = RenderRequest(PROMPT, pictures(3), 80, 64, seed=3, steps=2)
    before = RenderRequest("snow falls on the green bottle", pictures(3), 64, 96, seed=4, steps=3)
    after, alone = small.fresh().render([before, request])[1], small.fresh().render([request])[0]
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


def test_a_stream_is_lazy(small: Small) -> None:
    renderer = small.fresh()
    stream = renderer.stream(RenderRequest(PROMPT, (), 64, 64, seed=seed, steps=1) for seed in range(10**9))
    assert [next(stream).picture.size for _ in range(2)] == [(64, 64)] * 2


def test_an_error_does_not_lose_the_picture_before(
    small_of: Callable[[str], Small], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a GPU, a picture is yielded while the next one is computed. Here a CPU renders them as if it were one."""
    renderer = small_of("klein").fresh()
    first, second = (RenderRequest(PROMPT, width=64, height=64, seed=seed, steps=1) for seed in (1, 2))
    [expected] = renderer.render([first])
    denoise = Renderer._denoise

    def refuse_the_second(self: Renderer, requests: Sequence[RenderRequest]) -> object:
        if second in requests:
            raise torch.OutOfMemoryError("CUDA out of memory")
        with monkeypatch.context() as patch:
            patch.setattr(self, "device", torch.device("cpu"))
            return denoise(self, requests)

    monkeypatch.setattr(Renderer, "_denoise", refuse_the_second)
    monkeypatch.setattr("brandpress.model.renderer.current", lambda device: nullcontext())
    monkeypatch.setattr(renderer, "device", torch.device("cuda"))
    stream = renderer.stream([first, second])
    rendered = next(stream)
    assert isinstance(rendered, Rendered) and levels(rendered.picture, expected) == 0
    with pytest.raises(torch.OutOfMemoryError):
        next(stream)


def test_requests_can_come_from_an_iterator(small: Small) -> None:
    requests = [RenderRequest(PROMPT, (), 64, 64, seed=seed, steps=1) for seed in range(2)]
    assert levels(*small.renderer.render(iter(requests[1:])), *small.renderer.render(requests[1:])) == 0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"prompt": 5}, "prompt: must be text, not int"),
        ({"width": 64.0}, "width 64.0: must be a whole number"),
        ({"seed": 1.5}, "seed 1.5: must be a whole number"),
        ({"seed": 1 << 64}, f"seed {1 << 64}: allowed are -9223372036854775808 to 18446744073709551615"),
        ({"steps": 1.5}, "steps 1.5: must be a whole number"),
        ({"guidance": float("nan")}, "guidance nan: must be a finite number"),
        ({"references": (noise_picture(60, 90, 0),)}, "reference of 60x90: both sides must be at least 64 pixels"),
    ],
)
def test_a_wrong_request_is_found_before_the_first_is_rendered(
    small: Small, wrong: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    renderer = small.fresh()
    monkeypatch.setattr(renderer, "_denoise", None)
    request = RenderRequest(PROMPT, (), 64, 64, steps=1)
    with pytest.raises(RequestError, match=re.escape(message)):
        renderer.render([request, replace(request, **wrong)])


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (RenderRequest(PROMPT, (), 100, 64), "size 100x64: width and height must be multiples of 16"),
        (RenderRequest(PROMPT, (), 64, 0), "size 64x0: width and height must be multiples of 16"),
        (RenderRequest(PROMPT, (), 4096, 1040), "size 4096x1040: at most 4,194,304 pixels are allowed"),
        (RenderRequest(PROMPT, pictures(1) * 11, 64, 64), "references: got 11, at most 10 are allowed"),
        (RenderRequest(PROMPT, (), 64, 64, steps=0), "steps 0: must be at least 1"),
        (RenderRequest(PROMPT, (), 64, 528), "size 64x528: the aspect ratio must be at most 8:1"),
        (
            RenderRequest(PROMPT, (), 64, 64, reference_pixels=4095),
            "reference_pixels 4,095: allowed are 4,096 (64x64) to",
        ),
        (RenderRequest(PROMPT, (), 64, 64, reference_pixels=2025 * 2024), "to 4,096,576 (2024x2024)"),
        (RenderRequest(PROMPT, (), 64, 64, guidance=1.0, negative_prompt="x"), "negative_prompt: "),
        (
            RenderRequest(PROMPT, (noise_picture(60, 90, 0),), 64, 64),
            "reference of 60x90: both sides must be at least 64 pixels",
        ),
        (
            RenderRequest(PROMPT, (noise_picture(640, 79, 0),), 64, 64),
            "reference of 640x79: the aspect ratio must be at most 8:1",
        ),
    ],
)
def test_invalid_requests_are_rejected(small: Small, request_: RenderRequest, message: str) -> None:
    with pytest.raises(RequestError, match=re.escape(message)):
        small.renderer.render([request_])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dtype": "int8"}, "dtype 'int8': allowed are float32, bfloat16, float16"),
        ({"dtype": "float31"}, "dtype 'float31': allowed are float32, bfloat16, float16"),
        ({"device": "gpu"}, "device 'gpu': allowed are cpu, cuda"),
        ({"residency": "half"}, "residency 'half': allowed are resident, offload"),
    ],
)
def test_unknown_options_are_rejected(small: Small, options: dict[str, str], message: str) -> None:
    with pytest.raises(RequestError, match=re.escape(message)):
        Renderer.load(str(small.folder), **options)


def test_other_dtypes_come_close(small: Small) -> None:
    request = RenderRequest(PROMPT, pictures(1), 64, 64, steps=2)
    (exact,) = small.renderer.render([request])
    (rounded,) = Renderer.load(str(small.folder), device="cpu", dtype="bfloat16").render([request])
    assert 0 < np.abs(levels_of(exact) - levels_of(rounded)).mean() < 12


def test_host_describes_the_machine(small: Small) -> None:
    host = {"device": "cpu", "torch": torch.__version__, "driver": "none", "pass_rows": "512"}
    assert small.renderer.host() == host


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("klein", "is distilled; use a base model and guidance above 1"),
        ("klein-base", "guidance is 1; use a base model and guidance above 1"),
    ],
)
def test_a_negative_prompt_needs_a_second_pass(small_of: Callable[[str], Small], kind: str, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        small_of(kind).renderer.render([RenderRequest(PROMPT, (), 64, 64, guidance=1.0, negative_prompt="snow")])


def test_a_model_that_cant_rewrite_prompts_says_so(small_of: Callable[[str], Small]) -> None:
    with pytest.raises(RequestError, match=r"upsample: .* can't rewrite prompts; use flux.2-dev"):
        small_of("klein").renderer.render([RenderRequest(PROMPT, (), 64, 64, upsample=True)])


def test_release_frees_reference_sets_and_their_room(small_of: Callable[[str], Small]) -> None:
    """The next picture is the same."""
    renderer = small_of("klein-kv").fresh()
    request = RenderRequest(PROMPT, pictures(2), 64, 64, steps=1)
    rows_before = living_kv_rows()
    (first,) = renderer.stream([request])
    cached = renderer.caches.reference_kv.nbytes // (2 * 32 * 4)
    room = KV_PER_ROW * (16 + renderer.description.text_length)
    assert living_kv_rows() - rows_before == cached + room
    renderer.release()
    assert living_kv_rows() == rows_before
    assert (len(renderer.caches.reference_kv), renderer.caches.reference_kv.nbytes) == (0, 0)
    (second,) = renderer.stream([request])
    assert second.cache["reference_kv"] == 0
    assert levels(first.picture, second.picture) == 0


class TestOffload:
    """Either the text encoder or the transformer is on the device."""

    @pytest.fixture
    def offloading(self, small: Small) -> Renderer:
        return Renderer.load(str(small.folder), device="cpu", dtype="float32", residency="offload")

    def test_pictures_are_the_same(self, small: Small, offloading: Renderer) -> None:
        requests = [RenderRequest(f"{PROMPT} {i}", pictures(i), 64, 64, seed=i, steps=2) for i in range(3)]
        for one, other in zip(small.fresh().render(requests), offloading.render(requests), strict=True):
            assert levels(one, other) == 0

    def test_a_group_loads_each_part_once(self, offloading: Renderer, monkeypatch: pytest.MonkeyPatch) -> None:
        loads = record_loads(monkeypatch, lambda part: part)
        offloading.render([RenderRequest(f"{PROMPT} {i}", (), 64, 64, steps=1) for i in range(5)])
        assert loads == ["text encoder", "transformer"]
        offloading.render([RenderRequest(f"{PROMPT} {i}", (), 64, 64, steps=1, seed=9) for i in range(5)])
        assert loads == ["text encoder", "transformer"], "cached prompts need no text encoder"

    def test_more_prompts_than_their_cache_holds_are_rendered_in_chunks(
        self, offloading: Renderer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Two prompts and the negative prompt fit."""
        offloading.caches.texts.budget = 3 * offloading.description.text_length * TEXT_WIDTH * 4
        loads = record_loads(monkeypatch, lambda part: part)
        pictures = offloading.render([RenderRequest(f"{PROMPT} {i}", (), 64, 64, steps=1) for i in range(5)])
        assert len(pictures) == 5
        assert loads == ["text encoder", "transformer"] * 3

    def test_both_are_never_loaded_together(self, offloading: Renderer, monkeypatch: pytest.MonkeyPatch) -> None:
        text_encoder, transformer = offloading.loaded.text_encoder, offloading.loaded.transformer
        both = record_loads(monkeypatch, lambda part: text_encoder.loaded or transformer.loaded)
        list(offloading.stream(RenderRequest(f"{PROMPT} {i}", (), 64, 64 + 16 * i, steps=1) for i in range(3)))
        assert len(both) == 6 and not any(both)


def record_loads(monkeypatch: pytest.MonkeyPatch, entry: Callable[[str], object]) -> list[object]:
    """Returns a list that gets an entry each time the text encoder or the transformer is about to be loaded."""
    entries: list[object] = []
    for part, function in (("text encoder", "load_text_encoder"), ("transformer", "load_transformer")):
        load = getattr(components, function)

        def recording(*arguments: object, load: Callable[..., object] = load, part: str = part) -> object:
            entries.append(entry(part))
            return load(*arguments)

        monkeypatch.setattr(components, function, recording)
    return entries


def test_the_residency_is_chosen_by_the_memory(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    need = need_of(small.renderer.description, 4, module.DEFAULT_LARGEST)
    for memory, residency in (
        (need.resident * 2, "resident"),
        (int((need.offloaded + need.resident) / 2 / 0.9), "offload"),
    ):
        device = DeviceMemory("a test", memory, memory)
        monkeypatch.setattr(module, "settled_memory", lambda *arguments, device=device: device)
        renderer = Renderer.load(str(small.folder), device="cpu", dtype="float32")
        assert renderer.residency == residency
        assert renderer.caches.reference_kv.budget == need.spare(renderer.residency, device)
    device = DeviceMemory("a test", need.offloaded, need.offloaded)
    monkeypatch.setattr(module, "settled_memory", lambda *arguments: device)
    with pytest.raises(CheckpointError, match="the model doesn't fit: with offloading it needs"):
        Renderer.load(str(small.folder), device="cpu", dtype="float32")


@pytest.mark.parametrize("part", ["transformer", "autoencoder"])
def test_pictures_that_are_not_finite_are_failures(small: Small, part: str, request: pytest.FixtureRequest) -> None:
    wanted = RenderRequest(PROMPT, pictures(1), 64, 64, steps=1)
    broken = small.fresh()
    loaded = broken.loaded
    module_of_part = loaded.use(loaded.transformer) if part == "transformer" else loaded.autoencoder
    weight = list(module_of_part.parameters())[-1]
    kept = weight.data.clone()
    request.addfinalizer(lambda: weight.data.copy_(kept))  # all renderers of a session share the weights
    assert isinstance(next(iter(broken.stream([wanted]))), Rendered)
    weight.data.fill_(math.nan)
    broken = small.fresh()
    results = list(broken.stream([wanted, wanted]))
    assert [str(result.cause) for result in results if isinstance(result, Failed)] == [
        "the model returned NaN instead of a picture"
    ] * 2
    with pytest.raises(UnusablePictureError, match="NaN"):
        broken.render([wanted])
