"""The stages of a training: what is finished isn't done again."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from model.autoencoder import Autoencoder
from model.nano import train
from model.nano.architecture import AUTOENCODER
from model.nano.checkpoints import save_state


def test_a_finished_autoencoder_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finished = Autoencoder(AUTOENCODER)
    save_state(tmp_path / "autoencoder.safetensors", 9, finished, finished.state_dict())
    monkeypatch.setattr(train, "draw", lambda *_: pytest.fail("nothing has to be drawn"))
    made = train.train_autoencoder(tmp_path, tmp_path, 9, 1.0)
    assert all(torch.equal(value, made.state_dict()[name]) for name, value in finished.state_dict().items())
    assert not made.training
