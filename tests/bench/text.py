"""The text encoders: embeddings of eight prompts, as a campaign needs them once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from brandpress.model.checkpoint.describe import describe
from brandpress.model.checkpoint.text import load_text_encoder
from brandpress.model.family import MISTRAL, QWEN3_4B
from tests.bench.alternate import Contest, duel
from tests.bench.bench import Bench
from tests.bench.checkpoint import Shape, TextShape, load_as, save
from tests.bench.prompts import prompts
from tests.bench.row import Difference, Goal, Row

LENGTH = 512
COUNT, QUICK_COUNT = 8, 2
SHAPES = {"text-klein": TextShape(QWEN3_4B, 640, 12), "text-dev": TextShape(MISTRAL, 640, 8)}
QUICK_WIDTH, QUICK_DEPTH = 128, 4
PIPELINES = {"text-klein": ("klein", "Flux2KleinPipeline"), "text-dev": ("dev", "Flux2Pipeline")}
GOALS = {"text-klein": Goal(1.25), "text-dev": Goal(3)}
ALLOWED = 1e-3
"""The largest difference, in standard deviations of the embeddings."""


def text(bench: Bench) -> Iterator[Row]:
    for key in SHAPES:
        if key in bench.selected:
            yield encoder(key, bench)


def encoder(key: str, bench: Bench) -> Row:
    """Ours one prompt after the other, diffusers' own encoding of the whole list at once."""
    shape = SHAPES[key]
    if bench.quick:
        shape = TextShape(shape.size, QUICK_WIDTH, QUICK_DEPTH)
    kind, pipeline = PIPELINES[key]
    folder = save(Shape(kind, 1, 1, 1, shape, (8, 16, 32, 32)), bench.folder / key)
    words = prompts(QUICK_COUNT if bench.quick else COUNT)
    result = duel(
        contest(folder, pipeline, words, shape.layers), bench.rounds, lambda line: bench.log(f"{key}: {line}")
    )
    about = (
        f"{len(words)} prompts of 20 to 80 words through a {shape}; in the proportion of {shape.size.name}. "
        f"diffusers encodes them as one batch, its language model whole, all {LENGTH} positions of each."
    )
    return Row(
        key,
        f"text encoder, {len(words)} prompts, {kind}",
        about,
        result.ours,
        result.theirs,
        goal=GOALS[key],
        difference=Difference(result.difference, "std", result.allowed),
    )


def contest(folder: Path, pipeline: str, words: list[str], layers: tuple[int, ...]) -> Contest[Tensor]:
    cpu = torch.device("cpu")
    ours = load_text_encoder(describe(str(folder), folder), cpu, torch.float32)
    theirs: Any = load_as(pipeline, folder)

    @torch.inference_mode()
    def encode() -> Tensor:
        return torch.cat([ours.encode(prompt) for prompt in words])

    @torch.inference_mode()
    def judge() -> Tensor:
        options = {"max_sequence_length": LENGTH, "hidden_states_layers": layers}
        arguments = (theirs.text_encoder, theirs.tokenizer, words)
        if pipeline == "Flux2Pipeline":
            embeddings: Tensor = theirs._get_mistral_3_small_prompt_embeds(*arguments, **options)
        else:
            embeddings = theirs._get_qwen3_prompt_embeds(*arguments, **options)
        return embeddings

    def difference(one: Tensor, other: Tensor) -> float:
        return float((one - other).abs().max() / other.std())

    return Contest(pipeline, encode, judge, difference, ALLOWED)
