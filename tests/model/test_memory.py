"""How much memory a job needs, and who shares it with whom."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from model import CheckpointError, bands, memory
from model.checkpoint.describe import describe
from model.checkpoint.load import load_autoencoder, load_transformer
from model.checkpoint.locate import Parts
from model.checkpoint.text import load_text_encoder, table_config, trunk_model
from model.choice import ModelChoice
from model.family import FAMILIES
from model.memory import DeviceMemory, Largest, Need, choose, machine_memory, need_of
from tests.model.layout import real_layout, shapes_of
from tests.model.other_layouts import bfl_fp8, each, is_block_linear, nvfp4, to_bfl, write
from tests.model.small import LENGTH, Small
from tests.model.sparse import sparse, sparse_transformer

GB = 10**9
BLOCKS, WIDTH = 4, 64
"""Of the small checkpoints."""


def gpu(total: int, free: int | None = None, workers: int = 1) -> DeviceMemory:
    """Of so many GB."""
    return DeviceMemory("cuda:0 TEST", total * GB, (total if free is None else free) * GB, workers)


def bytes_of(module: nn.Module, dtype: torch.dtype) -> int:
    """What a module's weights and statistics take: its own report, apart from tables and scales that are computed.
    Statistics stay in float32."""
    total = 0
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        kept = torch.float32 if name.endswith(memory.STATISTICS) else dtype
        if tensor.is_floating_point() and tensor.numel() > 1 and tensor.dtype in (kept, torch.float8_e4m3fn):
            total += tensor.numel() * tensor.element_size()
    return total


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
    ("kind", "largest", "rows"),
    [
        ("klein", Largest(1024, 1024, 4096), 0),
        ("klein", Largest(1024, 1024, 0, approximate=True), 0),
        ("klein", Largest(1024, 1024, 4096, approximate=True), 4096 + 4096 + LENGTH),
        ("klein", Largest(64, 64, 16, approximate=True), memory.CPU_PACKED_ROWS),
        ("klein-base", Largest(1024, 1024, 4096, approximate=True), 2 * (4096 + 4096 + LENGTH)),
        ("klein-kv", Largest(1024, 1024), 0),
        ("klein-kv", Largest(1024, 1024, 4096), 4096 + 4096 + LENGTH),
        ("klein-kv", Largest(1024, 1024, 4096, approximate=True), 4096 + 4096 + LENGTH),
        ("klein-kv", Largest(64, 64, 16), 16 + 16 + LENGTH),
    ],
)
def test_keys_and_values_that_are_kept(
    small_of: Callable[[str], Small], tmp_path: Path, kind: str, largest: Largest, rows: int
) -> None:
    """In float32: keys and values of each row, in each block, beside what the pictures take without them."""
    model = describe(str(small_of(kind).folder), tmp_path)
    running = 0 if model.kv else largest.reference_tokens  # references of KV models don't run beside a picture
    plain = replace(largest, approximate=False, reference_tokens=running)
    without = need_of(replace(model, kv=False), 4, plain).work
    need = need_of(model, 4, largest)
    assert need.work - without == rows * 2 * BLOCKS * WIDTH * 4
    assert need.reference_set == (largest.reference_tokens * 2 * BLOCKS * WIDTH * 4 if model.kv else 0)


def test_small_pictures_are_packed_together(small_of: Callable[[str], Small], tmp_path: Path) -> None:
    """What goes through the transformer at once is never less than a whole pack of rows."""
    model = describe(str(small_of("klein").folder), tmp_path)
    works = {need_of(model, 2, Largest(side, side)).work for side in (16, 32)}
    assert works == {memory.ACTIVATIONS_PER_TOKEN * WIDTH * memory.CPU_PACKED_ROWS * 2}


def real_need(tmp_path: Path, family: str, layout: str, fp8: bool, largest: Largest) -> Need:
    """What a real checkpoint needs in bfloat16, by its tensors' real names and shapes."""
    size = FAMILIES[family].text_encoder
    assert size is not None
    trunk = trunk_model(table_config(size), size.depth, torch.device("meta"))
    text = {f"model.{name}": ("BF16", shape) for name, shape in shapes_of(trunk).items()}
    vae = {name: ("F32", shape) for name, shape in real_layout("bfl-vae")[1].items()}
    parts = Parts(
        root=None,
        transformer=sparse_transformer(tmp_path / "transformer.safetensors", layout, fp8),
        vae=sparse(tmp_path / "ae.safetensors", vae),
        text_encoder=sparse(tmp_path / "text.safetensors", text),
        text_config=None,
        tokenizer=tmp_path,
    )
    nano = describe("nano", tmp_path)
    model = replace(nano, family=family, parts=parts, kv="kv" in family, text_layers=None, text_length=512)
    return need_of(model, 2, largest)


@pytest.mark.parametrize(
    ("family", "layout", "fp8", "card", "residency"),
    [
        ("flux.2-dev", "dev", True, 80, "resident"),
        ("flux.2-dev", "dev", True, 48, "turns"),
        ("flux.2-dev", "dev", False, 80, "turns"),
        ("flux.2-dev", "dev", False, 48, None),
        ("flux.2-klein-9b", "klein-9b", True, 24, "turns"),
        ("flux.2-klein-9b", "klein-9b", False, 48, "resident"),
        ("flux.2-klein-4b", "klein-4b", True, 16, "resident"),
        ("flux.2-klein-4b", "klein-4b", False, 16, "turns"),
    ],
)
def test_real_models_on_real_cards(
    tmp_path: Path, family: str, layout: str, fp8: bool, card: int, residency: str | None
) -> None:
    """One megapixel and one reference of as much."""
    need = real_need(tmp_path, family, layout, fp8, Largest(1024, 1024, 4096))
    table = FAMILIES[family].size
    assert table is not None
    assert need.transformer == table.weight_bytes("fp8" if fp8 else "bf16")
    size = FAMILIES[family].text_encoder
    assert size is not None
    assert need.text_encoder == pytest.approx(2 * size.parameters, rel=1e-6)
    if residency is None:
        with pytest.raises(CheckpointError, match="the model doesn't fit"):
            choose(need, gpu(card))
    else:
        assert choose(need, gpu(card)) == residency


def test_what_is_spare_is_beyond_what_is_needed() -> None:
    need = Need(transformer=9 * GB, text_encoder=6 * GB, autoencoder=GB, work=2 * GB)
    assert (need.spare("resident", gpu(24)), need.spare("turns", gpu(24))) == (int(3.6 * GB), int(9.6 * GB))
    assert need.spare("resident", gpu(18)) == 0
    assert need.spare("resident", gpu(80, free=24)) == int(3.6 * GB)


@pytest.mark.parametrize(
    ("device", "room"),
    [
        (gpu(24), "21.6 GB can be used on cuda:0 TEST, which has 24.0 GB; take an fp8 file, `quantise: fp8`, a smaller "
         "model, smaller pictures, fewer references or another GPU"),
        (gpu(80, free=20), "18.0 GB can be used on cuda:0 TEST, which has 80.0 GB, of which 20.0 GB are free (other "
         "processes hold 60.0 GB); take"),
        (gpu(80, workers=2), "36.0 GB can be used by each of 2 workers on cuda:0 TEST, which has 80.0 GB; take an fp8 "
         "file, `quantise: fp8`, a smaller model, smaller pictures, fewer references, fewer workers on a GPU or "),
    ],
)  # fmt: skip
def test_a_refusal_has_the_numbers_and_the_next_step(device: DeviceMemory, room: str) -> None:
    need = Need(transformer=60 * GB, text_encoder=35 * GB, autoencoder=GB, work=3 * GB)
    with pytest.raises(CheckpointError, match="in turns need 64.0 GB .transformer 60.0 GB.*, and " + re.escape(room)):
        choose(need, device)


def test_memory_that_others_hold_is_not_planned_with() -> None:
    need = Need(transformer=30 * GB, text_encoder=20 * GB, autoencoder=GB, work=3 * GB)
    assert [choose(need, gpu(80, free=free)) for free in (80, 61, 59, 40)] == ["resident", "resident", "turns", "turns"]
    with pytest.raises(CheckpointError, match=r"other processes hold 43\.0 GB"):
        choose(need, gpu(80, free=37))


@pytest.mark.parametrize(
    ("total", "free", "workers", "budget", "spare"),
    [
        (80, 80, 1, 80, 62),
        (80, 80, 2, 40, 26),
        (80, 45, 2, 40, 10.25),
        (80, 30, 2, 30, 3.5),
        (80, 80, 16, 5, 0),
    ],
)
def test_workers_share_a_device(total: int, free: int, workers: int, budget: int, spare: float) -> None:
    """A worker whose neighbour holds its half already still has its own, but caches only in half of what is free."""
    device = gpu(total, free, workers)
    assert (device.budget, device.usable) == (budget * GB, int(budget * GB * memory.MARGIN))
    assert Need(8 * GB, GB, GB, 0).spare("resident", device) == int(spare * GB)


def test_this_machine_has_memory() -> None:
    assert 10**8 < machine_memory() < 10**15


def test_bands_begin_where_the_decoder_says() -> None:
    """Written twice, as plans take no torch."""
    assert memory.PLAIN_ELEMENTS == bands.PLAIN_ELEMENTS
