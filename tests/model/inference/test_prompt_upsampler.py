"""Prompts rewritten by [dev]'s language model, against diffusers' pipeline."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import Flux2Pipeline
from diffusers.pipelines.flux2.image_processor import Flux2ImageProcessor
from diffusers.pipelines.flux2.system_messages import (
    SYSTEM_MESSAGE,
    SYSTEM_MESSAGE_UPSAMPLING_I2I,
    SYSTEM_MESSAGE_UPSAMPLING_T2I,
)
from PIL import Image

from brandpress.model import CheckpointError, RenderRequest
from brandpress.model.checkpoint.describe import describe
from brandpress.model.inference import prompt_upsampler as module
from brandpress.model.inference.prompt_upsampler import (
    FROM_PICTURES,
    FROM_TEXT,
    SEED,
    TEMPERATURE,
    Upsampler,
    load_upsampler,
    side_by_side,
)
from brandpress.model.network.chat import SYSTEM_MESSAGE as OUR_SYSTEM_MESSAGE
from tests.model.small import Small, noise_picture

CPU = torch.device("cpu")
PROMPT = "a red mug on the left"


@pytest.fixture(scope="module")
def dev(small_of: Callable[[str], Small]) -> Small:
    return small_of("dev")


@pytest.fixture
def upsampler(dev: Small, monkeypatch: pytest.MonkeyPatch) -> Upsampler:
    monkeypatch.setattr(module, "NEW_TOKENS", 12)
    loaded = load_upsampler(dev.renderer.description, CPU, torch.float32)
    with torch.no_grad():  # otherwise the random model gives all tokens nearly the same probability
        for parameter in loaded.module.parameters():
            if parameter.ndim == 2:
                parameter.mul_(8)
    return loaded


def test_system_messages_equal_diffusers() -> None:
    assert (OUR_SYSTEM_MESSAGE, FROM_TEXT, FROM_PICTURES) == (
        SYSTEM_MESSAGE,
        SYSTEM_MESSAGE_UPSAMPLING_T2I,
        SYSTEM_MESSAGE_UPSAMPLING_I2I,
    )


def test_a_rewritten_prompt_equals_diffusers(dev: Small, upsampler: Upsampler) -> None:
    """Without pictures: diffusers needs torchvision for them, which has no build for this project's torch."""
    tokenizer, generate = dev.pipeline.tokenizer, upsampler.module.generate
    pipeline = SimpleNamespace(
        tokenizer=SimpleNamespace(apply_chat_template=tokenizer.apply_chat_template, tokenizer=tokenizer),
        text_encoder=SimpleNamespace(generate=lambda **options: generate(**(options | {"max_new_tokens": 12}))),
    )
    torch.manual_seed(SEED)
    (text,) = Flux2Pipeline.upsample_prompt(pipeline, PROMPT, temperature=TEMPERATURE, device=CPU)
    assert upsampler.rewrite(PROMPT) == text.strip()
    assert text.strip() not in ("", PROMPT)


def test_rewriting_is_deterministic_and_leaves_the_global_rng_unchanged(upsampler: Upsampler) -> None:
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    first = upsampler.rewrite(PROMPT)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(2)
    assert upsampler.rewrite(PROMPT) == first
    assert upsampler.rewrite("snow falls") != first


def test_pictures_affect_the_output(upsampler: Upsampler) -> None:
    one, other = noise_picture(64, 64, 1), noise_picture(64, 64, 2)
    inputs = upsampler.inputs(PROMPT, (one, other))
    blank_inputs = upsampler.inputs(PROMPT, (one, Image.new("RGB", (64, 64))))
    assert torch.equal(inputs["input_ids"], blank_inputs["input_ids"])
    logits = [upsampler.module(**each).logits[0, -1] for each in (inputs, blank_inputs)]
    assert (logits[0] - logits[1]).abs().max() > 1e-4
    assert upsampler.rewrite(PROMPT, (one, other))


def test_a_picture_has_one_token_per_patch(dev: Small, upsampler: Upsampler) -> None:
    """In rows, as Mistral-3 expects: rows end with one token, the picture with another. Here a patch is 8x8 pixels."""
    ids = upsampler.inputs(PROMPT, (noise_picture(64, 40, 1),))["input_ids"][0].tolist()
    place, row_end, end = dev.pipeline.tokenizer.convert_tokens_to_ids(["[IMG]", "[IMG_BREAK]", "[IMG_END]"])
    start = ids.index(place)
    row = [place] * 8
    assert ids[start : start + 45] == [*([*row, row_end] * 4), *row, end]
    assert place not in ids[start + 45 :]


def test_a_placeholder_in_the_prompt_is_removed(dev: Small, upsampler: Upsampler) -> None:
    place = dev.pipeline.tokenizer.convert_tokens_to_ids("[IMG]")
    assert place not in upsampler.inputs("a fox [IMG]", ())["input_ids"][0].tolist()


@pytest.mark.parametrize("modes", [["RGB"], ["RGB", "RGB"], ["RGB", "RGBA", "L"]], ids=str)
def test_pictures_side_by_side_equal_diffusers(modes: list[str]) -> None:
    pictures = [noise_picture(64 + 10 * i, 80 - 7 * i, i, mode) for i, mode in enumerate(modes)]
    expected = Flux2ImageProcessor.concatenate_images(pictures)
    assert np.array_equal(np.asarray(side_by_side(pictures)), np.asarray(expected))


def test_the_rewritten_prompt_is_rendered_and_returned(dev: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NEW_TOKENS", 12)
    renderer = dev.fresh()
    request = RenderRequest(PROMPT, (), 64, 64, steps=1, upsample=True)
    first, again = renderer.stream([request, request])
    assert first.prompt == again.prompt not in (None, PROMPT)
    assert (first.cache["upsample"], again.cache["upsample"]) == (0, 1)
    (plain,) = renderer.stream([RenderRequest(first.prompt, (), 64, 64, steps=1)])
    assert np.array_equal(np.asarray(first.picture), np.asarray(plain.picture))
    assert plain.prompt is None and "upsample" not in plain.cache


def test_a_prompt_is_rewritten_once_per_reference_set(dev: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NEW_TOKENS", 4)
    calls: list[Any] = []
    rewrite = Upsampler.rewrite
    monkeypatch.setattr(Upsampler, "rewrite", lambda self, *inputs: calls.append(inputs) or rewrite(self, *inputs))
    one, other = noise_picture(64, 64, 1), noise_picture(64, 64, 2)
    requests = [
        RenderRequest(PROMPT, p, 64, 64, seed=s, steps=1, upsample=True) for s in (0, 1) for p in ((), (one,), (other,))
    ]
    renderer = dev.fresh()
    renderer.prepare(requests)
    assert len(calls) == 3
    list(renderer.stream(requests))
    assert len(calls) == 3


def test_a_model_without_a_vision_tower_has_no_upsampler(small_of: Callable[[str], Small]) -> None:
    folder = small_of("klein").folder
    with pytest.raises(CheckpointError, match=r"can't rewrite prompts; use flux\.2-dev"):
        load_upsampler(describe(str(folder), folder), CPU, torch.float32)
