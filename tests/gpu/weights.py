"""Models with random weights at the real sizes, created on the device without a checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from brandpress.model.checkpoint.describe import ModelDescription
from brandpress.model.checkpoint.text import table_config, trunk_model
from brandpress.model.choice import ModelChoice
from brandpress.model.family import FAMILIES
from brandpress.model.inference.components import LoadedModel, Offloadable
from brandpress.model.memory.plan import DECODER_CHANNELS
from brandpress.model.nano.tokenizer import train_tokenizer
from brandpress.model.network.autoencoder import Autoencoder, AutoencoderConfig
from brandpress.model.network.fp8 import Fp8Linear, quantise
from brandpress.model.network.text_encoder import Qwen3TextEncoder, TextEncoder, Trunk
from brandpress.model.network.transformer import Transformer
from tests.gpu.case import Case
from tests.gpu.rig import Rig

Network = TypeVar("Network", bound=nn.Module)
WORDS = ["a green mug with a white star on the left and an orange fox on the right, in snowy mountains"] * 4
SMALL_AUTOENCODER = AutoencoderConfig(block_out_channels=(32, 32, 64, 64), layers_per_block=1, latent_channels=32)


@torch.no_grad()
def filled(module: Network, seed: int = 0) -> Network:
    """Draws a module's weights on its device: matrices that preserve magnitudes, norms of one, biases of zero."""
    device = next(module.parameters()).device
    if device.type == "meta":
        return module
    generator = torch.Generator(device).manual_seed(seed)
    for name, tensor in module.named_parameters():
        if tensor.ndim >= 2:
            tensor.normal_(0, 0.7 * tensor[0].numel() ** -0.5, generator=generator)
        else:
            tensor.fill_(0.0 if name.endswith("bias") else 1.0)
    for name, buffer in module.named_buffers():
        if name.endswith(("running_mean", "num_batches_tracked")):
            buffer.zero_()
        elif name.endswith("running_var"):
            buffer.fill_(1.0)
    return module.eval().requires_grad_(False)


def transformer_of(case: Case, rig: Rig, seed: int = 0) -> Transformer:
    with torch.device("meta"):
        module = Transformer(case.config).to(rig.dtype)
    return filled(module.to_empty(device=rig.device), seed)


def quantise_blocks(module: Transformer) -> Transformer:
    """Quantises the blocks' linear layers to fp8, in place."""
    for name, layer in list(module.named_modules()):
        if "blocks." in name and isinstance(layer, nn.Linear):
            module.set_submodule(name, Fp8Linear(*quantise(layer.weight)))
    return module


def autoencoder_of(rig: Rig, dtype: torch.dtype | None = None) -> Autoencoder:
    config = SMALL_AUTOENCODER if rig.tiny else AutoencoderConfig()
    with torch.device("meta"):
        module = Autoencoder(config).to(dtype or rig.dtype)
    module.bn.float()
    return filled(module.to_empty(device=rig.device))


class RandomText(nn.Module):
    """Replaces a text encoder when only the transformer is measured: random embeddings, seeded by the prompt."""

    def __init__(self, case: Case, rig: Rig) -> None:
        super().__init__()
        self.length, self._width, self._rig = case.text, case.size.text_width, rig

    def encode(self, prompt: str) -> Tensor:
        generator = torch.Generator(self._rig.device).manual_seed(sum(prompt.encode()))
        shape = (1, self.length, self._width)
        return torch.randn(shape, generator=generator, device=self._rig.device, dtype=self._rig.dtype)


def text_encoder_of(case: Case, rig: Rig) -> TextEncoder:
    """Qwen3 at its real size; random embeddings for [dev], whose Mistral wouldn't fit next to the transformer."""
    size = case.text_encoder
    if size.kind != "qwen3" or rig.tiny:
        return RandomText(case, rig)
    model: Any = trunk_model(table_config(size), max(size.layers), rig.device)
    tables = dict(model.named_buffers())
    model.to(rig.dtype)
    for name, parameter in list(model.named_parameters()):
        path, _, leaf = name.rpartition(".")
        drawn = torch.empty(parameter.shape, dtype=rig.dtype, device=rig.device)
        model.get_submodule(path)._parameters[leaf] = nn.Parameter(drawn, requires_grad=False)
    for name, buffer in tables.items():
        path, _, leaf = name.rpartition(".")
        model.get_submodule(path)._buffers[leaf] = buffer
    trunk = Trunk(filled(model), size.layers, final_norm=False)
    return Qwen3TextEncoder(trunk, train_tokenizer(WORDS), case.text)


def loaded_of(case: Case, rig: Rig, transformer: Transformer, text: TextEncoder | None = None) -> LoadedModel:
    """Returns a case's model for a renderer."""
    family = FAMILIES[case.model]
    description = ModelDescription(
        name=case.model,
        family=case.model,
        choice=ModelChoice(case.model),
        parts=None,
        licence=family.licence,
        commercial_use=family.commercial_use,
        weights_digest="random",
        steps={"standard": case.steps},
        guidance=family.guidance,
        max_references=family.max_references,
        kv=family.kv,
        distilled=family.distilled,
        text_length=case.text,
        reference_pixels=case.reference_side**2,
    )
    encoder = text or text_encoder_of(case, rig)
    autoencoder = autoencoder_of(rig)
    autoencoder.untiled_elements = DECODER_CHANNELS * case.side**2
    return LoadedModel(
        description,
        rig.device,
        rig.dtype,
        "resident",
        Offloadable(lambda: transformer),
        autoencoder,
        Offloadable(lambda: encoder),
    )


def folder_of(rig: Rig, name: str) -> Path:
    folder = rig.folder / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder
