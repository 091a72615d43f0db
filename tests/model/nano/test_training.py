"""A few steps of each training on a few drawn compositions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from brandpress.model.nano import checkpoints, fit_autoencoder, fit_decoder, fit_transformer
from brandpress.model.nano.architecture import AUTOENCODER
from brandpress.model.nano.batches import Batch, Group, batch_of, groups_of, sample_batch
from brandpress.model.nano.checkpoints import DivergedError, Saved, save_state, saved_state
from brandpress.model.nano.dataset import Drawn, Latents
from brandpress.model.nano.encode import encode
from brandpress.model.nano.loop import Stage, train
from brandpress.model.nano.nano import Nano, attention_mask
from brandpress.model.nano.place import CPU, Place
from brandpress.model.nano.schedule import BudgetError, Clock, StepSchedule, TimeSchedule
from brandpress.model.nano.stages import some
from brandpress.model.nano.tokenizer import PAD_ID, tokenise
from brandpress.model.network.autoencoder import Autoencoder
from tests.model.layout import randomise

STEPS = 12
BF16 = Place(torch.device("cpu"), torch.bfloat16)


class TrainingStoppedError(Exception):
    """Stands for whatever ends a training."""


def stage(name: str, steps: int, folder: Path, warm_up: int = 0) -> Stage:
    """A stage at its full rate from the first step: a few steps must do."""
    path = folder / f"{name}.safetensors"
    return Stage(name, StepSchedule(steps), path, Clock(), warm_up, falls_from=0.99, decay=0.998)


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


@pytest.fixture(scope="module")
def pictures(drawn: Drawn) -> tuple[Tensor, Tensor]:
    return drawn.pictures, some(drawn.references)


@torch.no_grad()
def error(model: Autoencoder, pictures: Tensor) -> float:
    batch = pictures.float() / 127.5 - 1
    return float((model.decode(model.encode(batch)) - batch).abs().mean())


@pytest.fixture(scope="module")
def latents(drawn: Drawn) -> Latents:
    return encode(randomise(Autoencoder(AUTOENCODER), spread=0.5), drawn, BF16)


@pytest.fixture(scope="module")
def groups(latents: Latents) -> list[Group]:
    return groups_of([latents])


@pytest.mark.slow("model/nano", "model/network")
def test_the_autoencoder_learns(pictures: tuple[Tensor, Tensor], tmp_path: Path) -> None:
    start = fit_autoencoder.fit_autoencoder(*pictures, stage("start", 1, tmp_path, warm_up=100), BF16)
    made = fit_autoencoder.fit_autoencoder(*pictures, stage("end", STEPS, tmp_path), BF16)
    assert error(made, pictures[0]) < 0.93 * error(start, pictures[0])
    with torch.no_grad():
        latents = made.encode(pictures[0].float() / 127.5 - 1)
    assert latents.mean(dim=(0, 2, 3)).abs().max() < 0.05, "the statistics are those of these pictures"
    assert (latents.std(dim=(0, 2, 3)) - 1).abs().max() < 0.05


def test_the_autoencoders_training_is_taken_up_where_it_was_left(
    pictures: tuple[Tensor, Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(checkpoints, "REPORT_STEPS", 1)
    four = stage("autoencoder", 4, tmp_path)
    seen, stops = watch(monkeypatch, fit_autoencoder, "next_batch", 3)
    stops.append(2)
    with pytest.raises(TrainingStoppedError):
        fit_autoencoder.fit_autoencoder(*pictures, four, BF16)
    saved = saved_state(four.checkpoint)
    assert saved is not None and (saved.step, saved.share) == (2, 0.5)
    stops.clear()
    made = fit_autoencoder.fit_autoencoder(*pictures, four, BF16)
    assert seen == [0, 1, 2, 3]
    again = fit_autoencoder.fit_autoencoder(*pictures, four, BF16)
    assert seen == [0, 1, 2, 3], "what is finished isn't trained again"
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in made.state_dict().items())


class CountingClock(Clock):
    """A clock that a look at it moves on by a second."""

    seconds = 0.0

    def used(self) -> float:
        self.seconds += 1
        return self.seconds


def timed(name: str, ends: float, folder: Path) -> Stage:
    clock = CountingClock()
    return replace(stage(name, 1, folder), clock=clock, schedule=TimeSchedule(clock, 0.0, ends, 2 * ends))


def test_a_loss_that_is_nan_after_the_last_report_of_a_timed_stage_is_found(
    pictures: tuple[Tensor, Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = fit_autoencoder.reconstruction

    def broken(*arguments: Any) -> Any:
        loss, figures = original(*arguments)
        return loss * torch.nan, figures

    few = timed("autoencoder", 3.5, tmp_path)  # which ends after the report of its one step
    monkeypatch.setattr(fit_autoencoder, "reconstruction", broken)
    with pytest.raises(DivergedError, match="autoencoder"):
        fit_autoencoder.fit_autoencoder(*pictures, few, BF16)
    assert not few.checkpoint.exists()


def test_a_stage_without_time_for_a_step_leaves_no_checkpoint(pictures: tuple[Tensor, Tensor], tmp_path: Path) -> None:
    late = timed("autoencoder", 0.5, tmp_path)
    with pytest.raises(BudgetError, match="the autoencoder's first step"):
        fit_autoencoder.fit_autoencoder(*pictures, late, BF16)
    assert not late.checkpoint.exists()


def test_steps_without_a_budget_use_nothing_of_one(tmp_path: Path) -> None:
    steps = replace(stage("any", 4, tmp_path), clock=Clock(1000.0))
    assert steps.saved(2) == Saved(2, 0.0, 0.0, 0.5)
    model = torch.nn.Linear(1, 1)
    save_state(steps.checkpoint, Saved(1, 70.0, 10.0, 0.2), model, model.state_dict())
    assert steps.saved(4, finished=True) == Saved(4, 70.0, 10.0, 1.0), "what an earlier run used of one stays used"


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
        batch = fit_autoencoder.next_batch(*pictures, 2, step, CPU)
        assert torch.equal(batch, fit_autoencoder.next_batch(*pictures, 2, step, CPU))
        assert batch.min() >= -1 and batch.max() <= 1
        shapes.append(tuple(batch.shape))
    assert shapes == [(2, 3, 128, 128), (8, 3, 64, 64), (8, 3, 64, 64)] * 2


def test_references_are_sampled_without_empty_slots(drawn: Drawn) -> None:
    chosen = some(drawn.references)
    filled = int((drawn.references.flatten(2).amax(dim=2) > 0).sum())
    assert chosen.shape == (filled, 3, 64, 64)
    assert chosen.flatten(1).amax(dim=1).min() > 0


def test_rates_grow_slowly_with_the_batch() -> None:
    assert fit_transformer.learning_rates(32) == (fit_transformer.MUON_LR, fit_transformer.ADAM_LR)
    muon, adam = fit_transformer.learning_rates(512)
    assert muon == pytest.approx(2**0.5 * fit_transformer.MUON_LR)
    assert adam == pytest.approx(2**0.25 * fit_transformer.ADAM_LR)


@pytest.mark.slow("model/nano", "model/network")
def test_the_transformer_learns(groups: list[Group], tmp_path: Path) -> None:
    model = fit_transformer.fit_transformer(groups, stage("transformer", STEPS, tmp_path), BF16, batch=4)

    @torch.no_grad()
    def figures(nano: Nano) -> dict[str, float]:
        sums = {"velocity": 0.0, "source": 0.0}
        for step in range(10_000, 10_004):
            _, found = fit_transformer.batch_losses(nano, sample_batch(groups, 8, step, BF16), step, BF16)
            sums = {name: sums[name] + float(value) for name, value in found.items()}
        return sums

    learnt, at_first = figures(model), figures(Nano())
    assert all(learnt[name] < 0.9 * at_first[name] for name in at_first)


def test_the_transformers_training_is_taken_up_where_it_was_left(
    groups: list[Group], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(checkpoints, "REPORT_STEPS", 1)
    four = stage("transformer", 4, tmp_path)
    seen, stops = watch(monkeypatch, fit_transformer, "batch_losses", 2)
    stops.append(2)
    with pytest.raises(TrainingStoppedError):
        fit_transformer.fit_transformer(groups, four, BF16, batch=2)
    stops.clear()
    made = fit_transformer.fit_transformer(groups, four, BF16, batch=2)
    assert seen == [0, 1, 2, 3]
    again = fit_transformer.fit_transformer(groups, four, BF16, batch=2)
    assert seen == [0, 1, 2, 3], "what is finished isn't trained again"
    saved = saved_state(four.checkpoint)
    assert saved is not None and (saved.step, saved.share) == (4, 1)
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in made.state_dict().items())


def test_no_step_waits_for_the_device(
    groups: list[Group], latents: Latents, drawn: Drawn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Values are read for a report alone: here at the end of each stage, as many as it prints."""
    read: list[str] = []
    for name in ("item", "tolist", "__bool__", "__float__", "__int__", "cpu", "numpy"):
        original = getattr(Tensor, name)

        def spy(tensor: Tensor, *arguments: Any, name: str = name, original: Any = original) -> Any:
            read.append(name)
            return original(tensor, *arguments)

        monkeypatch.setattr(Tensor, name, spy)
    monkeypatch.setattr("brandpress.model.nano.fit_autoencoder.save_state", lambda *_: None)
    monkeypatch.setattr("brandpress.model.nano.fit_transformer.save_state", lambda *_: None)
    counts = []
    for steps in (1, 4):
        read.clear()
        fit_autoencoder.fit_autoencoder(
            drawn.pictures, some(drawn.references), stage(f"a{steps}", steps, tmp_path), BF16
        )
        fit_transformer.fit_transformer(groups, stage(f"t{steps}", steps, tmp_path), BF16, batch=2)
        counts.append(len(read))
    assert counts[0] == counts[1] == 7, "three figures and the loss of the one, two and the loss of the other"


@torch.no_grad()
def test_samples_of_a_batch_do_not_see_each_other(groups: list[Group]) -> None:
    """The velocity of a batch is that of its samples alone."""
    model = Nano().eval()
    torch.nn.init.normal_(model.transformer.proj_out.weight, std=0.1)
    group = next(group for group in groups if group.count == 2 and len(group.pairs) > 1)
    batch, time = batch_of(group, group.pairs[:2]), torch.tensor([0.9, 0.4])
    together = model.velocity(batch.targets, time, model.embed(batch.tokens), batch)
    for row in range(2):
        one = batch_of(group, group.pairs[row : row + 1])
        alone = model.velocity(one.targets, time[row : row + 1], model.embed(one.tokens), one)
        for found, expected in zip(alone, together, strict=True):
            assert (found[0] - expected[row]).abs().mean() < 0.01 * expected[row].std()


@torch.no_grad()
def test_the_text_is_embedded_as_transformers_masks_it(tokenizer: Any) -> None:
    model = Nano().eval()
    inputs = tokenise(tokenizer, ["a red mug on the left and a fox", ""])
    assert tokenizer.pad_token_id == PAD_ID
    hidden = model.text_encoder(
        inputs["input_ids"], attention_mask=inputs["attention_mask"], output_hidden_states=True
    ).hidden_states
    wanted = torch.cat([hidden[layer] for layer in (1, 2, 3)], dim=-1)
    torch.testing.assert_close(model.embed(inputs["input_ids"]), wanted, atol=1e-5, rtol=1e-4)
    assert attention_mask(torch.tensor([[5, 6, PAD_ID]])).int().tolist() == [[[[1, 0, 0], [1, 1, 0], [1, 1, 0]]]]


@pytest.mark.slow("model/nano", "model/network")
def test_the_decoder_learns_what_the_transformer_leaves_and_nothing_else_changes(
    drawn: Drawn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit_decoder, "BATCH", 2)
    torch.manual_seed(3)
    autoencoder, nano = Autoencoder(AUTOENCODER).eval(), Nano().eval()
    before = {name: value.clone() for name, value in autoencoder.state_dict().items()}
    latents = encode(autoencoder, drawn, BF16)

    @torch.no_grad()
    def error() -> float:
        batches = [sample_batch(groups_of([latents]), 2, step, BF16) for step in range(100, 104)]
        pairs = [(fit_decoder.as_drawn(nano, b, i, BF16), drawn.pictures[b.rows]) for i, b in enumerate(batches)]
        grid = batches[0].grid
        made = [autoencoder.decode(latents.transpose(1, 2).unflatten(2, grid)) for latents, _ in pairs]
        return sum(float((m - p.float() / 127.5 + 1).abs().mean()) for m, (_, p) in zip(made, pairs, strict=True))

    start = error()
    made = fit_decoder.fit_decoder(autoencoder, nano, drawn.pictures, latents, stage("d", STEPS, tmp_path), BF16)
    assert error() < 0.97 * start
    for name, value in made.state_dict().items():
        assert torch.equal(value, before[name]) != name.startswith(("decoder.", "post_quant_conv.")), name
    saved = saved_state(tmp_path / "d.safetensors")
    assert saved is not None and saved.step == STEPS


@torch.no_grad()
def test_latents_that_the_transformer_takes_back_stay_near(groups: list[Group]) -> None:
    """A transformer that knows the way (towards the target) brings them back to the target."""
    batch = sample_batch(groups, 2, 0, CPU)
    nano = Nano()

    def knowing(latents: Tensor, time: Tensor, text: Tensor, batch: Batch) -> tuple[Tensor, None]:
        return (latents - batch.targets) / time[:, None, None], None

    nano.velocity = knowing  # type: ignore[assignment]
    for step in range(4):
        torch.testing.assert_close(fit_decoder.as_drawn(nano, batch, step, CPU), batch.targets, atol=1e-4, rtol=1e-4)


def test_cudnn_attention_is_off_while_training(tmp_path: Path) -> None:
    """Its gradients were NaN on a GPU, which only a GPU would show."""
    model = torch.nn.Linear(1, 1)
    seen: list[bool] = []

    def losses(step: int) -> tuple[Tensor, dict[str, Tensor]]:
        seen.append(torch.backends.cuda.cudnn_sdp_enabled())
        return model(torch.ones(1, 1)).sum(), {}

    before = torch.backends.cuda.cudnn_sdp_enabled()
    train(stage("any", 2, tmp_path), model, [torch.optim.SGD(model.parameters(), lr=0.1)], [], losses)
    assert seen == [False, False]
    assert torch.backends.cuda.cudnn_sdp_enabled() == before
