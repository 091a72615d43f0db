"""A folder in diffusers' layout -> modules with their weights, streamed from safetensors straight to their place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from model.autoencoder import Autoencoder, AutoencoderConfig
from model.checkpoint.describe import ModelDescription, read_json
from model.errors import CheckpointError
from model.text_encoder import Qwen3TextEncoder
from model.transformer import Transformer, TransformerConfig

OPTIONAL = ("bn.num_batches_tracked",)
SHOWN = 5
KLEIN_LAYERS = (9, 18, 27)


def load_transformer(folder: Path, device: torch.device, dtype: torch.dtype) -> Transformer:
    config = TransformerConfig.from_dict(read_json(folder / "transformer" / "config.json"))
    with torch.device("meta"):
        module = Transformer(config)
    fill(module, folder / "transformer", device, dtype)
    return module.eval()


def load_autoencoder(folder: Path, device: torch.device, dtype: torch.dtype) -> Autoencoder:
    config = AutoencoderConfig.from_dict(read_json(folder / "vae" / "config.json"))
    with torch.device("meta"):
        module = Autoencoder(config)
    fill(module, folder / "vae", device, dtype)
    return module.eval()


def load_text_encoder(description: ModelDescription, device: torch.device, dtype: torch.dtype) -> Qwen3TextEncoder:
    """klein's Qwen3, cut above the last layer that is used; neither that part nor the head is read from disk."""
    from transformers import AutoTokenizer, Qwen3Config, Qwen3Model
    from transformers.models.qwen3.modeling_qwen3 import Qwen3RotaryEmbedding

    folder = description.folder / "text_encoder"
    raw = read_json(folder / "config.json")
    if raw.get("model_type") != "qwen3":
        raise CheckpointError(f"{folder}: model_type is {raw.get('model_type')!r}; FLUX.2 [klein] has 'qwen3' here")
    config = Qwen3Config.from_dict(raw)
    depth: int = config.num_hidden_layers
    layers = description.text_layers or default_layers(depth)
    if min(layers) < 1 or max(layers) > depth:
        raise CheckpointError(f"text_encoder_out_layers {list(layers)}: the text encoder has layers 1 to {depth}")
    config.num_hidden_layers = max(layers)
    config.layer_types = config.layer_types[: max(layers)]
    with torch.device("meta"):
        trunk: Any = Qwen3Model(config)
    trunk.rotary_emb = Qwen3RotaryEmbedding(config).to(device)  # its table is computed, not stored
    fill(trunk, folder, device, dtype, prefix="model.", partial=True)
    tokenizer = AutoTokenizer.from_pretrained(description.folder / "tokenizer", local_files_only=True)
    final_norm = max(layers) == depth
    return Qwen3TextEncoder(trunk.eval(), tokenizer, layers, description.text_length, final_norm)


def default_layers(depth: int) -> tuple[int, ...]:
    """klein's 9, 18 and 27, as diffusers' pipelines have them; of a shallower encoder the same points of its depth."""
    return KLEIN_LAYERS if depth >= max(KLEIN_LAYERS) else tuple(depth * quarter // 4 for quarter in (1, 2, 3))


def fill(
    module: nn.Module, folder: Path, device: torch.device, dtype: torch.dtype, prefix: str = "", partial: bool = False
) -> None:
    """Give every parameter and stored buffer of a module on the meta device its tensor from the folder's files.

    A name in a file may carry `prefix`. Floating-point tensors become `dtype`. With `partial`, tensors of the file that
    the module lacks are passed over unread; else they are an error, as missing ones and wrong shapes always are.
    """
    wanted = module.state_dict()
    seen, unknown = set(), []
    for file in weight_files(folder):
        for stored, read in tensors(file):
            name = stored.removeprefix(prefix)
            if name not in wanted:
                unknown.append(stored)
                continue
            tensor = read()
            if tensor.shape != wanted[name].shape:
                raise CheckpointError(
                    f"{file}: {stored} is {tuple(tensor.shape)}; its config asks for {tuple(wanted[name].shape)}"
                )
            place(module, name, tensor.to(device, dtype if tensor.is_floating_point() else None))
            seen.add(name)
    for name in OPTIONAL:
        if name in wanted and name not in seen:
            place(module, name, torch.zeros(wanted[name].shape, dtype=wanted[name].dtype, device=device))
            seen.add(name)
    missing = sorted(set(wanted) - seen)
    if missing:
        raise CheckpointError(f"{folder}: {len(missing)} tensors are missing: {listing(missing)}")
    if unknown and not partial:
        raise CheckpointError(f"{folder}: {len(unknown)} tensors belong to another model: {listing(sorted(unknown))}")


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a part: those that its index names, else the only one. Raises CheckpointError."""
    indexes = sorted(folder.glob("*.safetensors.index.json"))
    if indexes:
        mapping = read_json(indexes[0]).get("weight_map")
        if not isinstance(mapping, dict):
            raise CheckpointError(f"{indexes[0]} has no weight_map, which says where each tensor is")
        names = sorted({str(name) for name in mapping.values()})
        for name in names:
            if (folder / name).parent.resolve() != folder.resolve() or not (folder / name).is_file():
                raise CheckpointError(f"{indexes[0]} names {name!r}, which is not a file in its folder")
        return [folder / name for name in names]
    files = sorted(folder.glob("*.safetensors"))
    if len(files) != 1:
        raise CheckpointError(f"{folder}: {len(files)} safetensors files without an index; one is needed")
    return files


def tensors(file: Path) -> Iterator[tuple[str, Any]]:
    """Each tensor's name with a function that reads it."""
    try:
        with safe_open(file, framework="pt") as opened:
            for name in opened.keys():  # noqa: SIM118 (not a dict)
                yield name, lambda name=name: opened.get_tensor(name)
    except SafetensorError as error:
        raise CheckpointError(f"{file} is not a valid safetensors file: {error}") from error


def place(module: nn.Module, name: str, tensor: Tensor) -> None:
    """Set a parameter or buffer by its dotted name."""
    *path, leaf = name.split(".")
    owner = module.get_submodule(".".join(path))
    if leaf in owner._buffers:
        owner._buffers[leaf] = tensor
    else:
        owner._parameters[leaf] = nn.Parameter(tensor, requires_grad=False)


def listing(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")
