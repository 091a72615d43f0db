"""How much memory a job needs, and who shares it with whom."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from model import CheckpointError
from model.checkpoint.describe import describe
from model.checkpoint.load import load_autoencoder, load_transformer
from model.checkpoint.text import load_text_encoder
from model.choice import ModelChoice
from model.memory import Largest, Need, choose, machine_memory, need_of
from tests.model.other_layouts import bfl_fp8, each, is_block_linear, nvfp4, to_bfl, write
from tests.model.small import Small

GB = 10**9


def bytes_of(module: nn.Module, dtype: torch.dtype) -> int:
    """What a module's weights and statistics take: its own report, apart from tables that are computed."""
    floats = [t for t in (*module.parameters(), *module.buffers()) if t.is_floating_point() and t.numel() > 1]
    stored = [t for t in floats if t.dtype in (dtype, torch.float8_e4m3fn)]
    return sum(t.numel() * t.element_size() for t in stored)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("form", ["plain", "fp8", "nvfp4", "quantise"])
@pytest.mark.parametrize("kind", ["klein", "dev"])
def test_it_tells_what_is_loaded(
    small_of: Callable[[str], Small], tmp_path: Path, kind: str, form: str, dtype: torch.dtype
) -> None:
    from safetensors.torch import load_file

    folder = small_of(kind).folder
    choice = ModelChoice(str(folder), quantise="fp8" if form == "quantise" else None)
    if form in ("fp8", "nvfp4"):
        state = to_bfl(load_file(folder / "transformer" / "diffusion_pytorch_model.safetensors"))
        state = each(state, is_block_linear, bfl_fp8 if form == "fp8" else nvfp4)
        choice = replace(choice, transformer=str(write(tmp_path / "x.safetensors", state)))
    model = describe(choice, tmp_path)
    assert model.parts is not None
    model = replace(model, text_layers=(1, 2, 3))
    need = need_of(model, dtype.itemsize, Largest(64, 64))
    cpu = torch.device("cpu")
    assert need.transformer == bytes_of(load_transformer(model.parts, cpu, dtype, choice.quantise), dtype)
    assert need.autoencoder == bytes_of(load_autoencoder(model.parts, cpu, dtype), dtype)
    text_encoder = load_text_encoder(model, cpu, dtype)
    assert need.text_encoder == bytes_of(text_encoder.trunk, dtype)


def test_pictures_and_references_count(small_of: Callable[[str], Small], tmp_path: Path) -> None:
    model = describe(str(small_of("klein-kv").folder), tmp_path)
    small, large, referenced = (
        need_of(model, 2, largest).work for largest in (Largest(64, 64), Largest(1024, 1024), Largest(1024, 1024, 4096))
    )
    assert small < large < referenced


@pytest.mark.parametrize(
    ("card", "residency"), [(80, "resident"), (61, "resident"), (48, "turns"), (40, None), (24, None)]
)
def test_dev_in_fp8_on_cards(card: int, residency: str | None) -> None:
    """33 GB of transformer and 17.7 of an fp8 text encoder: all of it on 61 GB, in turns on 48."""
    need = Need(transformer=33 * GB, text_encoder=int(17.7 * GB), autoencoder=GB // 6, work=int(3.2 * GB))
    if residency is None:
        with pytest.raises(CheckpointError, match=r"doesn't fit: .* need 36\.4 GB \(transformer 33\.0 GB, text enc"):
            choose(need, card * GB)
    else:
        assert choose(need, card * GB) == residency


def test_what_is_spare_is_beyond_what_is_needed() -> None:
    need = Need(transformer=9 * GB, text_encoder=6 * GB, autoencoder=GB, work=2 * GB)
    assert (need.spare("resident", 24 * GB), need.spare("turns", 24 * GB)) == (int(3.6 * GB), int(9.6 * GB))
    assert need.spare("resident", 18 * GB) == 0


def test_a_refusal_has_the_numbers_and_the_next_step() -> None:
    need = Need(transformer=60 * GB, text_encoder=35 * GB, autoencoder=GB, work=3 * GB)
    message = "and 21.6 GB of 24.0 GB can be used; take an fp8 file, `quantise: fp8`, a smaller model or smaller pict"
    with pytest.raises(CheckpointError, match=re.escape(message)):
        choose(need, 24 * GB)


def test_this_machine_has_memory() -> None:
    assert 10**8 < machine_memory() < 10**15
