"""Starts a training from the weights of a finished nano."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch

from brandpress.model.checkpoint import known_words
from brandpress.model.checkpoint.bfl import Origin
from brandpress.model.checkpoint.fill import fill
from brandpress.model.checkpoint.formats import Formats
from brandpress.model.checkpoint.prompt_length import TOKENIZER
from brandpress.model.checkpoint.weights import open_weights
from brandpress.model.errors import RequestError
from brandpress.model.nano.architecture import AUTOENCODER
from brandpress.model.nano.training.checkpoints import StageState, save_checkpoint
from brandpress.model.nano.training.nano import Nano
from brandpress.model.network.autoencoder import Autoencoder


def adopt(folder: Path, out: Path) -> None:
    """Write the tokenizer, the known words, and step-0 checkpoints of autoencoder and transformer from the model in
    `folder` to `out`.

    Does nothing if `out` already has a transformer. Raises CheckpointError if the weights don't fit, and RequestError
    if `out` has another tokenizer, with which its captions were encoded.
    """
    if (out / "transformer.safetensors").exists():
        return
    tokenizer = out / "tokenizer" / TOKENIZER
    if tokenizer.exists() and tokenizer.read_bytes() != (folder / "tokenizer" / TOKENIZER).read_bytes():
        raise RequestError(f"--init-from {folder}: {out} has data of another tokenizer; use another folder")
    adopt_autoencoder(folder, out)
    nano = load_nano(folder)
    save_checkpoint(out / "transformer.safetensors", StageState(), nano, nano.state_dict())
    if (folder / known_words.FILE).exists():
        shutil.copy(folder / known_words.FILE, out)
    shutil.copytree(folder / "tokenizer", out / "tokenizer", dirs_exist_ok=True)


def load_nano(folder: Path) -> Nano:
    """Returns the transformer and text encoder of the model in `folder`. Raises CheckpointError if they don't fit."""
    nano, place = Nano(), (torch.device("cpu"), torch.float32)
    fill(nano.transformer, Formats(open_weights(folder / "transformer")), *place)
    text = Formats(open_weights(folder / "text_encoder"))
    fill(nano.text_encoder, text, *place, lambda name: Origin(f"model.{name}"))
    return nano


def adopt_autoencoder(folder: Path, out: Path) -> None:
    """Write a step-0 checkpoint of the autoencoder of the model in `folder` to `out`.

    Does nothing if `out` already has one. Raises CheckpointError if the weights don't fit.
    """
    checkpoint = out / "autoencoder.safetensors"
    if checkpoint.exists():
        return
    autoencoder = Autoencoder(AUTOENCODER)
    fill(autoencoder, Formats(open_weights(folder / "vae")), torch.device("cpu"), torch.float32)
    save_checkpoint(checkpoint, StageState(), autoencoder, autoencoder.state_dict())
