"""Training that goes on from a finished nano: its weights become the checkpoints that the stages resume from."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch

from brandpress.model.checkpoint.bfl import Origin
from brandpress.model.checkpoint.fill import fill
from brandpress.model.checkpoint.formats import Formats
from brandpress.model.checkpoint.weights import open_weights
from brandpress.model.nano.architecture import AUTOENCODER
from brandpress.model.nano.checkpoints import Saved, save_state
from brandpress.model.nano.nano import Nano
from brandpress.model.network.autoencoder import Autoencoder


def adopt(folder: Path, out: Path) -> None:
    """Lay the model in `folder` into `out`: the tokenizer, and autoencoder and transformer at step 0 of their training.

    Does nothing where `out` has checkpoints already. Raises CheckpointError when the folder's weights don't fit.
    """
    if (out / "tokenizer").exists():
        return
    autoencoder, nano = Autoencoder(AUTOENCODER), Nano()
    place = torch.device("cpu"), torch.float32
    fill(autoencoder, Formats(open_weights(folder / "vae")), *place)
    fill(nano.transformer, Formats(open_weights(folder / "transformer")), *place)
    text = Formats(open_weights(folder / "text_encoder"))
    fill(nano.text_encoder, text, *place, lambda name: Origin(f"model.{name}"))
    save_state(out / "autoencoder.safetensors", Saved(), autoencoder, autoencoder.state_dict())
    save_state(out / "transformer.safetensors", Saved(), nano, nano.state_dict())
    shutil.copytree(folder / "tokenizer", out / "tokenizer")
