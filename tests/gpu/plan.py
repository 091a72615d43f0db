"""The planned memory of a case, from files with the headers of real checkpoints."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from brandpress.model.checkpoint.describe import describe
from brandpress.model.checkpoint.locate import Parts
from brandpress.model.memory.plan import DeviceMemory, Largest, Need, need_of, with_room
from brandpress.model.network.transformer import Transformer
from tests.gpu.case import Case
from tests.gpu.rig import Rig
from tests.gpu.weights import autoencoder_of
from tests.model.sparse import Head, sparse


def need(case: Case, rig: Rig, folder: Path) -> Need:
    """Bytes of each part. The text encoder counts as nothing: it isn't loaded from a file here."""
    with torch.device("meta"):
        transformer = Transformer(case.config)
    meta = Rig(torch.device("meta"), rig.tiny, rig.folder, rig.say)
    parts = Parts(
        root=None,
        transformer=sparse(folder / "transformer.safetensors", head(transformer)),
        vae=sparse(folder / "vae.safetensors", head(autoencoder_of(meta))),
        text_encoder=sparse(folder / "text.safetensors", {"model.layers.0.norm.weight": ("BF16", (1,))}),
        text_config=None,
        tokenizer=folder,
    )
    model = replace(
        describe("nano", folder), parts=parts, kv=case.kv, text_layers=(1,), text_length=case.text, family=case.model
    )
    planned = need_of(model, rig.dtype.itemsize, Largest(case.side, case.side, case.reference_tokens))
    roomy = DeviceMemory("a GPU with room for all of it", 1 << 40, 1 << 40)
    return with_room(planned, roomy)


def head(module: nn.Module) -> Head:
    return {name: ("BF16", tuple(tensor.shape)) for name, tensor in module.state_dict().items()}
