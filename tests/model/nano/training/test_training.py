"""A few steps of each stage on a few compositions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from brandpress.model.nano.architecture import AUTOENCODER
from brandpress.model.nano.data.batches import Batch, Group, gather_batch, group_samples, sample_batch
from brandpress.model.nano.data.dataset import LatentShard, PixelShard
from brandpress.model.nano.data.encode import encode
from brandpress.model.nano.tokenizer import PAD_ID, tokenise
from brandpress.model.nano.training import checkpoints, fit_autoencoder, fit_decoder, fit_transformer
from brandpress.model.nano.training.checkpoints import DivergedError, StageState, read_stage_state, save_checkpoint
from brandpress.model.nano.training.loop import Recipe, Stage, train
from brandpress.model.nano.training.nano import Nano, attention_mask
from brandpress.model.nano.training.schedule import BudgetError, Clock, StepSchedule, TimeSchedule
from brandpress.model.nano.training.stages import sample_references
from brandpress.model.network.autoencoder import Autoencoder
from tests.model.layout import randomise
from tests.model.nano.cpu import CPU

pytestmark = pytest.mark.timeout(1_200)

STEPS = 12


class TrainingStoppedError(Exception):
    """Simulates an interruption."""


def stage(name: str, steps: int, folder: Path, warm_up: int = 0) -> Stage:
    """Returns a stage with the peak learning rate from the first step, because tests make only a few steps."""
    path = folder / f"{name}.safetensors"
    return Stage(name, StepSchedule(steps), path, Clock(), Recipe(warm_up, decay_from=0.99, ema_decay=0.998))


def watch(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, position: int) -> tuple[list[int], list[int]]:
    """Returns the steps that a training makes, and a list of steps before which it is interrupted.

    position: of the step among the arguments of the module's function `name`.
    """
    steps: list[int] = []
    stops: list[int] = []
    original = getattr(module, name)

    def spy(*arguments: Any) -> Any:
        step = arguments[position]
        if step in stops:
            raise TrainingStoppedError
        steps.append(step)
        return original(*arguments)

    monkeypatch.setattr(module, name, spy)
    return steps, stops


@pytest.fixture(scope="module")
def pictures(pixel_shard: PixelShard) -> tuple[Tensor, Tensor]:
    return pixel_shard.pictures, sample_references(pixel_shard.references)


@torch.no_grad()
def error(model: Autoencoder, pictures: Tensor) -> float:
    """Returns the mean absolute reconstruction error."""
    batch = pictures.float() / 127.5 - 1
    return float((model.decode(model.encode(batch)) - batch).abs().mean())


@pytest.fixture(scope="module")
def latents(pixel_shard: PixelShard) -> LatentShard:
    return encode(randomise(Autoencoder(AUTOENCODER), spread=0.5), pixel_shard, CPU)


@pytest.fixture(scope="module")
def groups(latents: LatentShard) -> list[Group]:
    return group_samples([latents])


@pytest.mark.slow
def test_the_autoencoder_learns(pictures: tuple[Tensor, Tensor], tmp_path: Path) -> None:
    start = fit_autoencoder.fit_autoencoder(*pictures, stage("start", 1, tmp_path, warm_up=100), CPU)
    trained = fit_autoencoder.fit_autoencoder(*pictures, stage("end", STEPS, tmp_path), CPU)
    assert error(trained, pictures[0]) < 0.93 * error(start, pictures[0])
    with torch.no_grad():
        latents = trained.encode(pictures[0].float() / 127.5 - 1)
    assert latents.mean(dim=(0, 2, 3)).abs().max() < 0.05, "the statistics are computed from these pictures"
    assert (latents.std(dim=(0, 2, 3)) - 1).abs().max() < 0.05


@pytest.mark.slow
def test_autoencoder_training_resumes(
    pictures: tuple[Tensor, Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(checkpoints, "REPORT_STEPS", 1)
    four = stage("autoencoder", 4, tmp_path)
    steps, stops = watch(monkeypatch, fit_autoencoder, "next_batch", 3)
    stops.append(2)
    with pytest.raises(TrainingStoppedError):
        fit_autoencoder.fit_autoencoder(*pictures, four, CPU)
    saved = read_stage_state(four.checkpoint)
    assert saved is not None and (saved.step, saved.share) == (2, 0.5)
    stops.clear()
    trained = fit_autoencoder.fit_autoencoder(*pictures, four, CPU)
    assert steps == [0, 1, 2, 3]
    again = fit_autoencoder.fit_autoencoder(*pictures, four, CPU)
    assert steps == [0, 1, 2, 3], "a finished stage is skipped"
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in trained.state_dict().items())


class CountingClock(Clock):
    """A clock that advances by a second with each reading."""

    seconds = 0.0

    def used(self) -> float:
        self.seconds += 1
        return self.seconds


def timed_stage(name: str, ends: float, folder: Path) -> Stage:
    clock = CountingClock()
    return replace(stage(name, 1, folder), clock=clock, schedule=TimeSchedule(clock, 0.0, ends, 2 * ends))


def test_a_nan_loss_after_the_last_report_of_a_timed_stage_is_detected(
    pictures: tuple[Tensor, Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = fit_autoencoder.reconstruction

    def broken(*arguments: Any) -> Any:
        loss, figures = original(*arguments)
        return loss * torch.nan, figures

    short = timed_stage("autoencoder", 3.5, tmp_path)  # ends after the report of its only step
    monkeypatch.setattr(fit_autoencoder, "reconstruction", broken)
    with pytest.raises(DivergedError, match="autoencoder"):
        fit_autoencoder.fit_autoencoder(*pictures, short, CPU)
    assert not short.checkpoint.exists()


def test_a_stage_without_time_for_a_step_leaves_no_checkpoint(pictures: tuple[Tensor, Tensor], tmp_path: Path) -> None:
    late = timed_stage("autoencoder", 0.5, tmp_path)
    with pytest.raises(BudgetError, match="the autoencoder's first step"):
        fit_autoencoder.fit_autoencoder(*pictures, late, CPU)
    assert not late.checkpoint.exists()


def test_steps_without_a_budget_use_no_budget(tmp_path: Path) -> None:
    steps = replace(stage("any", 4, tmp_path), clock=Clock(1000.0))
    assert steps.state(2) == StageState(2, 0.0, 0.0, 0.5)
    model = torch.nn.Linear(1, 1)
    save_checkpoint(steps.checkpoint, StageState(1, 70.0, 10.0, 0.2), model, model.state_dict())
    assert steps.state(4, finished=True) == StageState(4, 70.0, 10.0, 1.0), (
        "the seconds that an earlier run used are kept"
    )


def test_about_half_of_the_latents_get_noise() -> None:
    torch.manual_seed(0)
    latents = torch.randn(400, 4, 8, 8) * torch.tensor([1.0, 2.0, 4.0, 8.0]).view(1, 4, 1, 1)
    noise = (fit_autoencoder.add_latent_noise(latents) - latents).std(dim=(2, 3))
    untouched = noise.amax(dim=1) == 0
    assert 0.4 < untouched.float().mean() < 0.6
    ratios = noise[~untouched].mean(dim=0) / noise[~untouched, :1].mean()
    assert torch.allclose(ratios, torch.tensor([1.0, 2.0, 4.0, 8.0]), rtol=0.15), (
        "the noise is proportional to each channel's standard deviation"
    )


def test_batches_of_pictures_depend_on_the_step_only(pictures: tuple[Tensor, Tensor]) -> None:
    shapes = []
    for step in range(6):
        batch = fit_autoencoder.next_batch(*pictures, 2, step, CPU)
        assert torch.equal(batch, fit_autoencoder.next_batch(*pictures, 2, step, CPU))
        assert batch.min() >= -1 and batch.max() <= 1
        shapes.append(tuple(batch.shape))
    assert shapes == [(2, 3, 128, 128), (8, 3, 64, 64), (8, 3, 128, 128)] * 2


def test_sampled_references_have_no_empty_slots(pixel_shard: PixelShard) -> None:
    sampled = sample_references(pixel_shard.references)
    filled = int((pixel_shard.references.flatten(2).amax(dim=2) > 0).sum())
    assert sampled.shape == (filled, 3, 64, 64)
    assert sampled.flatten(1).amax(dim=1).min() > 0


def test_learning_rates_grow_slowly_with_the_batch() -> None:
    assert fit_transformer.learning_rates(32) == (fit_transformer.MUON_LR, fit_transformer.ADAM_LR)
    muon, adam = fit_transformer.learning_rates(512)
    assert muon == pytest.approx(2**0.5 * fit_transformer.MUON_LR)
    assert adam == pytest.approx(2**0.25 * fit_transformer.ADAM_LR)
    assert fit_transformer.learning_rates(512, rate=0.5) == pytest.approx((muon / 2, adam / 2))


@pytest.mark.slow
def test_the_transformer_learns(groups: list[Group], tmp_path: Path) -> None:
    model = fit_transformer.fit_transformer(groups, stage("transformer", STEPS, tmp_path), CPU, batch=4)

    @torch.no_grad()
    def figures(nano: Nano) -> dict[str, float]:
        sums = {"velocity": 0.0, "source": 0.0}
        for step in range(10_000, 10_004):
            _, losses = fit_transformer.batch_losses(nano, sample_batch(groups, 8, step, CPU), step, CPU)
            sums = {name: sums[name] + float(value) for name, value in losses.items()}
        return sums

    trained, untrained = figures(model), figures(Nano())
    assert all(trained[name] < 0.9 * untrained[name] for name in untrained)


@pytest.mark.slow
def test_transformer_training_resumes(groups: list[Group], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(checkpoints, "REPORT_STEPS", 1)
    four = stage("transformer", 4, tmp_path)
    steps, stops = watch(monkeypatch, fit_transformer, "batch_losses", 2)
    stops.append(2)
    with pytest.raises(TrainingStoppedError):
        fit_transformer.fit_transformer(groups, four, CPU, batch=2)
    stops.clear()
    trained = fit_transformer.fit_transformer(groups, four, CPU, batch=2)
    assert steps == [0, 1, 2, 3]
    again = fit_transformer.fit_transformer(groups, four, CPU, batch=2)
    assert steps == [0, 1, 2, 3], "a finished stage is skipped"
    saved = read_stage_state(four.checkpoint)
    assert saved is not None and (saved.step, saved.share) == (4, 1)
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in trained.state_dict().items())


@pytest.mark.slow
def test_steps_do_not_synchronise_with_the_device(
    groups: list[Group], latents: LatentShard, pixel_shard: PixelShard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Values are read only for reports: here at the end of each stage, one per printed figure."""
    reads: list[str] = []
    for name in ("item", "tolist", "__bool__", "__float__", "__int__", "cpu", "numpy"):
        original = getattr(Tensor, name)

        def spy(tensor: Tensor, *arguments: Any, name: str = name, original: Any = original) -> Any:
            reads.append(name)
            return original(tensor, *arguments)

        monkeypatch.setattr(Tensor, name, spy)
    monkeypatch.setattr("brandpress.model.nano.training.fit_autoencoder.save_checkpoint", lambda *_: None)
    monkeypatch.setattr("brandpress.model.nano.training.fit_transformer.save_checkpoint", lambda *_: None)
    counts = []
    for steps in (1, 4):
        reads.clear()
        fit_autoencoder.fit_autoencoder(
            pixel_shard.pictures, sample_references(pixel_shard.references), stage(f"a{steps}", steps, tmp_path), CPU
        )
        fit_transformer.fit_transformer(groups, stage(f"t{steps}", steps, tmp_path), CPU, batch=2)
        counts.append(len(reads))
    assert counts[0] == counts[1] == 7, "the autoencoder prints four figures, the transformer three"


@torch.no_grad()
def test_samples_of_a_batch_are_independent(groups: list[Group]) -> None:
    """The velocity of a batch equals the velocities of its samples on their own."""
    model = Nano().eval()
    torch.nn.init.normal_(model.transformer.proj_out.weight, std=0.1)
    group = next(group for group in groups if group.count == 2 and len(group.pairs) > 1)
    batch, time = gather_batch(group, group.pairs[:2]), torch.tensor([0.9, 0.4])
    together = model.velocity(batch.targets, time, model.embed(batch.tokens), batch)
    for row in range(2):
        one = gather_batch(group, group.pairs[row : row + 1])
        alone = model.velocity(one.targets, time[row : row + 1], model.embed(one.tokens), one)
        for actual, expected in zip(alone, together, strict=True):
            assert (actual[0] - expected[row]).abs().mean() < 0.01 * expected[row].std()


@torch.no_grad()
def test_the_text_embedding_equals_transformers_with_its_own_mask(tokenizer: Any) -> None:
    model = Nano().eval()
    inputs = tokenise(tokenizer, ["a red mug on the left and a fox", ""])
    assert tokenizer.pad_token_id == PAD_ID
    hidden = model.text_encoder(
        inputs["input_ids"], attention_mask=inputs["attention_mask"], output_hidden_states=True
    ).hidden_states
    expected = torch.cat([hidden[layer] for layer in (1, 2, 3)], dim=-1)
    torch.testing.assert_close(model.embed(inputs["input_ids"]), expected, atol=1e-5, rtol=1e-4)
    assert attention_mask(torch.tensor([[5, 6, PAD_ID]])).int().tolist() == [[[[1, 0, 0], [1, 1, 0], [1, 1, 0]]]]


@pytest.mark.slow
def test_the_decoder_learns_and_nothing_else_changes(
    pixel_shard: PixelShard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit_decoder, "BATCH", 2)
    torch.manual_seed(3)
    autoencoder, nano = Autoencoder(AUTOENCODER).eval(), Nano().eval()
    before = {name: value.clone() for name, value in autoencoder.state_dict().items()}
    latents = encode(autoencoder, pixel_shard, CPU)

    @torch.no_grad()
    def error() -> float:
        batches = [sample_batch(group_samples([latents]), 2, step, CPU) for step in range(100, 104)]
        pairs = [
            (fit_decoder.noise_and_denoise(nano, b, i, CPU), pixel_shard.pictures[b.rows])
            for i, b in enumerate(batches)
        ]
        grid = batches[0].grid
        decoded = [autoencoder.decode(latents.transpose(1, 2).unflatten(2, grid)) for latents, _ in pairs]
        return sum(float((m - p.float() / 127.5 + 1).abs().mean()) for m, (_, p) in zip(decoded, pairs, strict=True))

    start = error()
    tuned = fit_decoder.fit_decoder(autoencoder, nano, pixel_shard.pictures, latents, stage("d", STEPS, tmp_path), CPU)
    assert error() < 0.97 * start
    for name, value in tuned.state_dict().items():
        assert torch.equal(value, before[name]) != name.startswith(("decoder.", "post_quant_conv.")), name
    saved = read_stage_state(tmp_path / "d.safetensors")
    assert saved is not None and saved.step == STEPS


@torch.no_grad()
def test_an_ideal_transformer_denoises_to_the_target(groups: list[Group]) -> None:
    """With the exact velocity towards the target, noising and denoising returns the target."""
    batch = sample_batch(groups, 2, 0, CPU)
    nano = Nano()

    def exact_velocity(latents: Tensor, time: Tensor, text: Tensor, batch: Batch) -> tuple[Tensor, None]:
        return (latents - batch.targets) / time[:, None, None], None

    nano.velocity = exact_velocity  # type: ignore[assignment]
    for step in range(4):
        torch.testing.assert_close(
            fit_decoder.noise_and_denoise(nano, batch, step, CPU), batch.targets, atol=1e-4, rtol=1e-4
        )


def test_cudnn_attention_is_disabled_during_training(tmp_path: Path) -> None:
    """Its gradients were NaN on a GPU. This test runs on the CPU, so it checks only the setting."""
    model = torch.nn.Linear(1, 1)
    settings: list[bool] = []

    def losses(step: int) -> tuple[Tensor, dict[str, Tensor]]:
        settings.append(torch.backends.cuda.cudnn_sdp_enabled())
        return model(torch.ones(1, 1)).sum(), {}

    before = torch.backends.cuda.cudnn_sdp_enabled()
    train(stage("any", 2, tmp_path), model, [torch.optim.SGD(model.parameters(), lr=0.1)], [], losses)
    assert settings == [False, False]
    assert torch.backends.cuda.cudnn_sdp_enabled() == before
