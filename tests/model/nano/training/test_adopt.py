"""Starting a training from a finished nano."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from brandpress.model.checkpoint.known_words import FILE, known_words
from brandpress.model.errors import RequestError
from brandpress.model.nano.architecture import AUTOENCODER
from brandpress.model.nano.tokenizer import train_tokenizer
from brandpress.model.nano.training.adopt import adopt
from brandpress.model.nano.training.checkpoints import load_checkpoint
from brandpress.model.nano.training.export import export
from brandpress.model.nano.training.nano import Nano
from brandpress.model.network.autoencoder import Autoencoder


def test_training_starts_with_the_weights_of_the_folder(tmp_path: Path) -> None:
    torch.manual_seed(1)
    finished, autoencoder = Nano(), Autoencoder(AUTOENCODER)
    export(finished, autoencoder, train_tokenizer(["a red mug"]), tmp_path / "finished")
    (tmp_path / "finished" / FILE).write_text("mug\n")
    adopt(tmp_path / "finished", tmp_path / "run")
    assert known_words(tmp_path / "run") == {"mug"}
    for name, source in (("autoencoder", autoencoder), ("transformer", finished)):
        torch.manual_seed(2)
        fresh = Autoencoder(AUTOENCODER) if name == "autoencoder" else Nano()
        ema = {key: value.clone() for key, value in fresh.state_dict().items()}
        assert load_checkpoint(tmp_path / "run" / f"{name}.safetensors", fresh, ema) == 0
        weights = {key: value for key, value in source.state_dict().items() if not key.startswith("source_head")}
        assert len(weights) > 50
        for key, value in weights.items():
            assert torch.equal(fresh.state_dict()[key], value.bfloat16().to(value.dtype))
            assert torch.equal(ema[key], fresh.state_dict()[key])
    assert (tmp_path / "run" / "tokenizer" / "tokenizer.json").is_file()


def test_a_training_that_has_only_its_data_gets_the_weights(tmp_path: Path) -> None:
    """For example after a run whose transformer was deleted to train it anew."""
    export(Nano(), Autoencoder(AUTOENCODER), train_tokenizer(["a red mug"]), tmp_path / "finished")
    adopt(tmp_path / "finished", tmp_path / "run")
    (tmp_path / "run" / "transformer.safetensors").unlink()
    adopt(tmp_path / "finished", tmp_path / "run")
    assert (tmp_path / "run" / "transformer.safetensors").is_file()
    (tmp_path / "run" / "transformer.safetensors").unlink()
    train_tokenizer(["a blue lamp"]).save_pretrained(tmp_path / "run" / "tokenizer")
    with pytest.raises(RequestError, match="has data of another tokenizer"):
        adopt(tmp_path / "finished", tmp_path / "run")


def test_an_existing_training_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "transformer.safetensors").write_bytes(b"under way")
    adopt(tmp_path / "nothing", tmp_path)
    assert (tmp_path / "transformer.safetensors").read_bytes() == b"under way"
