"""The renderer against diffusers, which is the judge of its numbers."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from PIL import Image

from model import Renderer, RenderRequest, RequestError
from tests.model.small import Small, levels_of, noise_picture

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
    kinds = {"text", "latents"} | ({"reference_kv"} if small.kind == "klein-kv" else set())
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
    assert small.renderer.host() == {"device": "cpu", "torch": torch.__version__, "driver": "none"}
