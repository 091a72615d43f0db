"""Checkpoints, the EMA and progress reports."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from brandpress.model.nano import checkpoints
from brandpress.model.nano.checkpoints import (
    DivergedError,
    MovingAverage,
    Progress,
    StageState,
    load_checkpoint,
    read_stage_state,
    save_checkpoint,
)
from brandpress.model.nano.schedule import StepSchedule


def model_of(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))


def test_a_checkpoint_is_restored(tmp_path: Path) -> None:
    one, other = model_of(0), model_of(1)
    average = {name: torch.rand(value.shape) for name, value in one.state_dict().items()}
    path = tmp_path / "new" / "model.safetensors"
    state = StageState(17, seconds=63.5, began=12.25, share=0.75)
    save_checkpoint(path, state, one, average)
    loaded_ema = dict(other.state_dict())
    assert read_stage_state(path) == state
    assert load_checkpoint(path, other, loaded_ema) == 17
    assert all(torch.equal(value, other.state_dict()[name]) for name, value in one.state_dict().items())
    assert all(torch.equal(loaded_ema[name], value) for name, value in average.items())
    assert [file.name for file in path.parent.iterdir()] == ["model.safetensors"], "no partial file remains"


def test_without_a_checkpoint_training_starts_at_step_0(tmp_path: Path) -> None:
    model = model_of(0)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    assert read_stage_state(tmp_path / "none.safetensors") is None
    assert load_checkpoint(tmp_path / "none.safetensors", model, {}) == 0
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_the_ema_decay_starts_low() -> None:
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    average = MovingAverage(model, max_decay=0.9)
    nn.init.ones_(model.weight)
    average.update(0)
    assert average.values["weight"].item() == pytest.approx(0.9)
    average.update(1000)
    assert average.values["weight"].item() == pytest.approx(0.91)


def test_averages_are_printed_at_the_end_of_a_stage(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress("autoencoder", StepSchedule(4), start=2)
    progress.report(3, loss=torch.tensor(1.0))
    assert capsys.readouterr().out == ""
    progress.report(4, loss=torch.tensor(2.0))
    assert capsys.readouterr().out.startswith("autoencoder 4/4  loss 1.5000  ")


def test_flush_prints_the_remaining_figures(capsys: pytest.CaptureFixture[str]) -> None:
    """A timed stage may end between two reports."""
    progress = Progress("autoencoder", StepSchedule(1000), start=0)
    progress.report(1, loss=torch.tensor(1.0))
    progress.flush(1)
    progress.flush(1)
    assert capsys.readouterr().out.count("loss 1.0000") == 1
    progress.report(2, loss=torch.tensor(float("nan")))
    with pytest.raises(DivergedError, match="between steps 2 and 2"):
        progress.flush(2)


def test_checkpoints_are_due_after_an_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    progress = Progress("autoencoder", StepSchedule(10), start=0)
    assert not progress.checkpoint_due()
    monkeypatch.setattr(checkpoints, "CHECKPOINT_SECONDS", 0.0)
    assert progress.checkpoint_due()


def test_a_loss_that_is_not_finite_stops_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """No checkpoint contains it, because none is written between two reports."""
    monkeypatch.setattr(checkpoints, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(checkpoints, "REPORT_STEPS", 3)
    progress = Progress("transformer", StepSchedule(10), start=0)
    progress.report(1, loss=torch.tensor(1.0))
    assert not progress.checkpoint_due()
    progress.report(2, loss=torch.tensor(float("nan")))
    assert not progress.checkpoint_due()
    with pytest.raises(DivergedError, match="transformer: the loss became NaN or infinite between steps 1 and 3"):
        progress.report(3, loss=torch.tensor(1.0))
