"""A few steps of each training on a few drawn compositions."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from model.autoencoder import Autoencoder
from model.nano import checkpoints, fit_autoencoder, fit_decoder, fit_transformer
from model.nano.architecture import AUTOENCODER
from model.nano.checkpoints import saved_step
from model.nano.dataset import Batch, Drawn, Latents, encode, sample_batch
from model.nano.train import some
from tests.model.layout import randomise

STEPS = 12


class TrainingStoppedError(Exception):
    """Stands for whatever ends a training."""


def watch(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, place: int) -> tuple[list[int], list[int]]:
    """The steps that a training goes through; it is interrupted before a step of the second list."""
    seen: list[int] = []
    stops: list[int] = []
    original = getattr(module, name)

    def spy(*arguments: Any) -> Any:
        step = arguments[place]
        if step in stops:
            raise TrainingStoppedError
        seen.append(step)
        return original(*arguments)

    monkeypatch.setattr(module, name, spy)
    return seen, stops


def full_rate(*_: Any, **__: Any) -> float:
    """No warm-up: a few steps must do."""
    return 1.0


@pytest.fixture(scope="module")
def pictures(drawn: Drawn) -> tuple[Tensor, Tensor]:
    return drawn.pictures, some(drawn.references)


@torch.no_grad()
def error(model: Autoencoder, pictures: Tensor) -> float:
    batch = pictures.float() / 127.5 - 1
    return float((model.decode(model.encode(batch)) - batch).abs().mean())


@pytest.fixture(scope="module")
def shards(drawn: Drawn) -> list[Latents]:
    return [encode(randomise(Autoencoder(AUTOENCODER), spread=0.5), drawn)]


def test_the_autoencoder_learns(
    pictures: tuple[Tensor, Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = fit_autoencoder.fit_autoencoder(*pictures, 1, tmp_path / "start.safetensors")
    monkeypatch.setattr(fit_autoencoder, "rate", full_rate)
    made = fit_autoencoder.fit_autoencoder(*pictures, STEPS, tmp_path / "end.safetensors")
    assert error(made, pictures[0]) < 0.93 * error(start, pictures[0])
    with torch.no_grad():
        latents = made.encode(pictures[0].float() / 127.5 - 1)
    assert latents.mean(dim=(0, 2, 3)).abs().max() < 0.05, "the statistics are those of these pictures"
    assert (latents.std(dim=(0, 2, 3)) - 1).abs().max() < 0.05


def test_the_autoencoders_training_is_taken_up_where_it_was_left(
    pictures: tuple[Tensor, Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "CHECKPOINT_SECONDS", 0.0)
    checkpoint = tmp_path / "autoencoder.safetensors"
    seen, stops = watch(monkeypatch, fit_autoencoder, "next_batch", 2)
    stops.append(2)
    with pytest.raises(TrainingStoppedError):
        fit_autoencoder.fit_autoencoder(*pictures, 4, checkpoint)
    assert saved_step(checkpoint) == 2
    stops.clear()
    made = fit_autoencoder.fit_autoencoder(*pictures, 4, checkpoint)
    assert seen == [0, 1, 2, 3]
    again = fit_autoencoder.fit_autoencoder(*pictures, 4, checkpoint)
    assert seen == [0, 1, 2, 3], "what is finished isn't trained again"
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in made.state_dict().items())


def test_half_of_the_latents_are_disturbed() -> None:
    torch.manual_seed(0)
    latents = torch.randn(400, 4, 8, 8) * torch.tensor([1.0, 2.0, 4.0, 8.0]).view(1, 4, 1, 1)
    noise = (fit_autoencoder.disturbed(latents) - latents).std(dim=(2, 3))
    untouched = noise.amax(dim=1) == 0
    assert 0.4 < untouched.float().mean() < 0.6
    ratios = noise[~untouched].mean(dim=0) / noise[~untouched, :1].mean()
    assert torch.allclose(ratios, torch.tensor([1.0, 2.0, 4.0, 8.0]), rtol=0.15), "as large as each channel's spread"


def test_batches_of_pictures_depend_on_the_step_alone(pictures: tuple[Tensor, Tensor]) -> None:
    shapes = []
    for step in range(6):
        batch = fit_autoencoder.next_batch(*pictures, step)
        assert torch.equal(batch, fit_autoencoder.next_batch(*pictures, step))
        assert batch.min() >= -1 and batch.max() <= 1
        shapes.append(tuple(batch.shape))
    assert shapes == [(2, 3, 128, 128), (8, 3, 64, 64), (8, 3, 64, 64)] * 2


def test_the_rate_warms_up_stays_and_falls() -> None:
    rates = [fit_autoencoder.rate(step, 1000, warm_up=100, falls_from=0.5) for step in range(1000)]
    assert rates[0] == pytest.approx(0.01) and rates[99:500] == [1.0] * 401
    assert all(one > other for one, other in pairwise(rates[500:970]))
    assert rates[750] == pytest.approx(0.5) and rates[-1] == 0.05


def test_references_are_sampled_without_empty_slots(drawn: Drawn) -> None:
    chosen = some(drawn.references)
    filled = int((drawn.references.flatten(2).amax(dim=2) > 0).sum())
    assert chosen.shape == (filled, 3, 64, 64)
    assert chosen.flatten(1).amax(dim=1).min() > 0


def test_the_transformer_learns(
    shards: list[Latents], tokenizer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit_transformer, "BATCH", 4)
    monkeypatch.setattr(fit_transformer, "rate", full_rate)
    model = fit_transformer.fit_transformer(shards, tokenizer, STEPS, tmp_path / "transformer.safetensors")
    held_back = range(10_000, 10_004)
    with torch.no_grad():
        after = [fit_transformer.losses(model, sample_batch(shards, 8, i), tokenizer, i) for i in held_back]
        fresh = fit_transformer.Nano()
        before = [fit_transformer.losses(fresh, sample_batch(shards, 8, i), tokenizer, i) for i in held_back]
    for learnt, at_first in zip(zip(*after, strict=True), zip(*before, strict=True), strict=True):
        assert sum(learnt) < 0.9 * sum(at_first), "the velocity, and the sources of the tokens"


def test_the_transformers_training_is_taken_up_where_it_was_left(
    shards: list[Latents], tokenizer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit_transformer, "BATCH", 2)
    monkeypatch.setattr(checkpoints, "CHECKPOINT_SECONDS", 0.0)
    checkpoint = tmp_path / "transformer.safetensors"
    seen, stops = watch(monkeypatch, fit_transformer, "losses", 3)
    stops.append(2)
    with pytest.raises(TrainingStoppedError):
        fit_transformer.fit_transformer(shards, tokenizer, 4, checkpoint)
    stops.clear()
    made = fit_transformer.fit_transformer(shards, tokenizer, 4, checkpoint)
    assert seen == [0, 1, 2, 3]
    again = fit_transformer.fit_transformer(shards, tokenizer, 4, checkpoint)
    assert seen == [0, 1, 2, 3], "what is finished isn't trained again"
    assert saved_step(checkpoint) == 4
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in made.state_dict().items())


@torch.no_grad()
def test_samples_of_a_batch_do_not_see_each_other(shards: list[Latents], tokenizer: Any) -> None:
    """The velocity of a batch is that of its samples alone."""
    model = fit_transformer.Nano().eval()
    torch.nn.init.normal_(model.transformer.proj_out.weight, std=0.1)
    batch = next(batch for batch in (sample_batch(shards, 2, step) for step in range(99)) if batch.count == 2)
    inputs = fit_transformer.tokenise(tokenizer, batch.captions)
    text, time = model.embed(inputs["input_ids"], inputs["attention_mask"]), torch.tensor([0.9, 0.4])
    together = model.velocity(batch.targets, time, text, batch)
    for row in range(2):
        one = Batch(
            batch.targets[row : row + 1], batch.references[row : row + 1], batch.captions[row : row + 1],
            batch.grid, batch.reference_grid, batch.count, batch.sources[row : row + 1],
            batch.rows[row : row + 1],
        )  # fmt: skip
        alone = model.velocity(one.targets, time[row : row + 1], text[row : row + 1], one)
        for found, expected in zip(alone, together, strict=True):
            assert (found[0] - expected[row]).abs().mean() < 0.01 * expected[row].std()


def test_the_decoder_learns_what_the_transformer_leaves_and_nothing_else_changes(
    drawn: Drawn, tokenizer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit_decoder, "BATCH", 2)
    monkeypatch.setattr(fit_decoder, "rate", full_rate)
    torch.manual_seed(3)
    autoencoder, nano = Autoencoder(AUTOENCODER).eval(), fit_transformer.Nano().eval()
    before = {name: value.clone() for name, value in autoencoder.state_dict().items()}

    @torch.no_grad()
    def error() -> float:
        batches = [sample_batch([encode(autoencoder, drawn)], 2, step) for step in range(100, 104)]
        pairs = [(fit_decoder.as_drawn(nano, b, tokenizer, i), drawn.pictures[b.rows]) for i, b in enumerate(batches)]
        grid = batches[0].grid
        made = [autoencoder.decode(latents.transpose(1, 2).unflatten(2, grid)) for latents, _ in pairs]
        return sum(float((m - p.float() / 127.5 + 1).abs().mean()) for m, (_, p) in zip(made, pairs, strict=True))

    start = error()
    made = fit_decoder.fit_decoder(autoencoder, nano, drawn, tokenizer, STEPS, tmp_path / "decoder.safetensors")
    assert error() < 0.97 * start
    for name, value in made.state_dict().items():
        assert torch.equal(value, before[name]) != name.startswith(("decoder.", "post_quant_conv.")), name
    assert saved_step(tmp_path / "decoder.safetensors") == STEPS


@torch.no_grad()
def test_latents_that_the_transformer_takes_back_stay_near(shards: list[Latents], tokenizer: Any) -> None:
    """A transformer that knows the way (towards the target) brings them back to the target."""
    batch = sample_batch(shards, 2, 0)
    nano = fit_transformer.Nano()

    def knowing(latents: Tensor, time: Tensor, text: Tensor, batch: Batch) -> tuple[Tensor, None]:
        return (latents - batch.targets) / time[:, None, None], None

    nano.velocity = knowing  # type: ignore[assignment]
    for step in range(4):
        torch.testing.assert_close(
            fit_decoder.as_drawn(nano, batch, tokenizer, step), batch.targets, atol=1e-4, rtol=1e-4
        )
