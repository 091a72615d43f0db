"""State of a training that may be interrupted."""

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
    Saved,
    load_state,
    save_state,
    saved_state,
)
from brandpress.model.nano.schedule import StepSchedule


def model_of(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))


def test_state_comes_back(tmp_path: Path) -> None:
    one, other = model_of(0), model_of(1)
    average = {name: torch.rand(value.shape) for name, value in one.state_dict().items()}
    path = tmp_path / "new" / "model.safetensors"
    saved = Saved(17, seconds=63.5, began=12.25, share=0.75)
    save_state(path, saved, one, average)
    found = dict(other.state_dict())
    assert saved_state(path) == saved
    assert load_state(path, other, found) == 17
    assert all(torch.equal(value, other.state_dict()[name]) for name, value in one.state_dict().items())
    assert all(torch.equal(found[name], value) for name, value in average.items())
    assert [file.name for file in path.parent.iterdir()] == ["model.safetensors"], "no half-written file stays"


def test_no_state_means_the_first_step(tmp_path: Path) -> None:
    model = model_of(0)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    assert saved_state(tmp_path / "none.safetensors") is None
    assert load_state(tmp_path / "none.safetensors", model, {}) == 0
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_the_average_follows_quickly_at_first() -> None:
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    average = MovingAverage(model, most=0.9)
    nn.init.ones_(model.weight)
    average.update(0)
    assert average.values["weight"].item() == pytest.approx(0.9)
    average.update(1000)
    assert average.values["weight"].item() == pytest.approx(0.91)


def test_averages_are_printed_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress("autoencoder", StepSchedule(4), start=2)
    progress.report(3, loss=torch.tensor(1.0))
    assert capsys.readouterr().out == ""
    progress.report(4, loss=torch.tensor(2.0))
    assert capsys.readouterr().out.startswith("autoencoder 4/4  loss 1.5000  ")


def test_figures_that_are_left_are_read_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    """A stage of time may end between two reports."""
    progress = Progress("autoencoder", StepSchedule(1000), start=0)
    progress.report(1, loss=torch.tensor(1.0))
    progress.end(1)
    progress.end(1)
    assert capsys.readouterr().out.count("loss 1.0000") == 1
    progress.report(2, loss=torch.tensor(float("nan")))
    with pytest.raises(DivergedError, match="between steps 2 and 2"):
        progress.end(2)


def test_checkpoints_are_due_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    progress = Progress("autoencoder", StepSchedule(10), start=0)
    assert not progress.due_checkpoint()
    monkeypatch.setattr(checkpoints, "CHECKPOINT_SECONDS", 0.0)
    assert progress.due_checkpoint()


def test_a_loss_that_is_not_finite_ends_a_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """And it's in no checkpoint: none is written between two readings of the loss."""
    monkeypatch.setattr(checkpoints, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(checkpoints, "REPORT_STEPS", 3)
    progress = Progress("transformer", StepSchedule(10), start=0)
    progress.report(1, loss=torch.tensor(1.0))
    assert not progress.due_checkpoint()
    progress.report(2, loss=torch.tensor(float("nan")))
    assert not progress.due_checkpoint()
    with pytest.raises(DivergedError, match="transformer: the loss stopped being finite between steps 1 and 3"):
        progress.report(3, loss=torch.tensor(1.0))
