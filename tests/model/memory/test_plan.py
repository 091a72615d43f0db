"""The memory that a model needs, which residency fits, and how workers share a device."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from brandpress.model import CheckpointError
from brandpress.model.checkpoint.describe import describe
from brandpress.model.checkpoint.load import load_autoencoder, load_transformer
from brandpress.model.checkpoint.locate import Parts
from brandpress.model.checkpoint.text import load_text_encoder, table_config, trunk_model
from brandpress.model.checkpoint.weights import STATISTICS
from brandpress.model.choice import LoraChoice, ModelChoice
from brandpress.model.family import FAMILIES
from brandpress.model.inference.prompt_upsampler import load_upsampler
from brandpress.model.memory import plan as memory
from brandpress.model.memory.plan import DeviceMemory, Largest, Need, choose, need_of, with_room
from tests.model.layout import real_layout, shapes_of
from tests.model.other_layouts import bfl_fp8, each, is_block_linear, lora_file, nvfp4, to_bfl, write
from tests.model.small import LENGTH, Small
from tests.model.sparse import sparse, sparse_transformer

GB = 10**9
BLOCKS, WIDTH = 4, 64
"""Of the small checkpoints."""


def gpu(total: int, free: int | None = None, workers: int = 1, before: int | None = None) -> DeviceMemory:
    """A GPU; all sizes in GB."""
    bytes_before = None if before is None else before * GB
    return DeviceMemory("cuda:0 TEST", total * GB, (total if free is None else free) * GB, workers, bytes_before)


def bytes_of(module: nn.Module, dtype: torch.dtype) -> int:
    """The bytes of a module's weights and statistics, without computed tables and scales. Statistics are in float32."""
    total = 0
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        expected = torch.float32 if name.endswith(STATISTICS) else dtype
        if tensor.is_floating_point() and tensor.numel() > 1 and tensor.dtype in (expected, torch.float8_e4m3fn):
            total += tensor.numel() * tensor.element_size()
    return total


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("form", ["plain", "fp8", "nvfp4", "quantise"])
@pytest.mark.parametrize("kind", ["klein", "dev"])
def test_bytes_of_weights_are_those_of_the_loaded_model(
    small_of: Callable[[str], Small], tmp_path: Path, kind: str, form: str, dtype: torch.dtype
) -> None:
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


@pytest.mark.parametrize("form", ["plain", "fp8", "quantise"])
def test_loras_beside_fp8_layers_are_counted(small_of: Callable[[str], Small], tmp_path: Path, form: str) -> None:
    folder = small_of("klein").folder
    plain = load_file(folder / "transformer" / "diffusion_pytorch_model.safetensors")
    lora = tmp_path / "lora.safetensors"
    added = lora_file(lora, plain, "diffusers")
    choice = ModelChoice(str(folder), quantise="fp8" if form == "quantise" else None)
    if form == "fp8":
        state = each(to_bfl(plain), is_block_linear, bfl_fp8)
        choice = replace(choice, transformer=str(write(tmp_path / "x.safetensors", state)))
    model = describe(replace(choice, loras=(LoraChoice(str(lora)),)), tmp_path)
    assert model.parts is not None
    dtype = torch.bfloat16
    loaded = load_transformer(model.parts, torch.device("cpu"), dtype, choice.quantise)
    rows, columns = added["norm_out.linear.weight"].shape  # outside the blocks: absorbed, though counted
    extra = 0 if form == "plain" else 4 * (rows + columns) * dtype.itemsize
    assert need_of(model, dtype.itemsize, Largest(64, 64)).transformer == bytes_of(loaded, dtype) + extra


def test_the_model_that_rewrites_prompts_is_counted(small_of: Callable[[str], Small], tmp_path: Path) -> None:
    """Text encoder and transformer are offloaded while it runs."""
    model = describe(str(small_of("dev").folder), tmp_path)
    plain, need = (need_of(model, 2, Largest(64, 64, upsample=upsample)) for upsample in (False, True))
    upsampler = load_upsampler(model, torch.device("cpu"), torch.bfloat16).module
    assert (plain.upsampler, need.upsampler) == (0, sum(p.numel() * 2 for p in upsampler.parameters()))
    assert replace(need, upsampler=0) == plain
    large = Need(transformer=20 * GB, text_encoder=10 * GB, autoencoder=GB, work=2 * GB, upsampler=48 * GB)
    assert (large.resident, large.offloaded) == (49 * GB, 49 * GB)
    assert choose(large, gpu(80)) == "resident"
    with pytest.raises(CheckpointError, match=r"rewrites prompts 48\.0 GB\), and .*; leave out `upsample`, use an fp8"):
        choose(large, gpu(48))


def test_larger_pictures_and_references_need_more(small_of: Callable[[str], Small], tmp_path: Path) -> None:
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
def test_cached_keys_and_values_are_counted(
    small_of: Callable[[str], Small], tmp_path: Path, kind: str, largest: Largest, rows: int
) -> None:
    """In float32: keys and values of each row in each block, in addition to a picture without references."""
    model = describe(str(small_of(kind).folder), tmp_path)
    running = 0 if model.kv else largest.reference_tokens  # KV models run the references in a separate pass
    plain = replace(largest, approximate=False, reference_tokens=running)
    without = need_of(replace(model, kv=False), 4, plain).work
    need = need_of(model, 4, largest)
    assert need.work - without == rows * 2 * BLOCKS * WIDTH * 4
    assert need.reference_set == (largest.reference_tokens * 2 * BLOCKS * WIDTH * 4 if model.kv else 0)


def test_a_small_picture_needs_a_full_pass(small_of: Callable[[str], Small], tmp_path: Path) -> None:
    """Small pictures are packed into passes of CPU_PACKED_ROWS rows, so the need doesn't shrink with the picture."""
    model = describe(str(small_of("klein").folder), tmp_path)
    works = {need_of(model, 2, Largest(side, side)).work for side in (16, 32)}
    assert works == {memory.ACTIVATIONS_PER_TOKEN * WIDTH * memory.CPU_PACKED_ROWS * 2}


def real_need(tmp_path: Path, family: str, layout: str, fp8: bool, largest: Largest) -> Need:
    """The need of a real checkpoint in bfloat16, from its tensors' real names and shapes."""
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
        ("flux.2-dev", "dev", True, 48, "offload"),
        ("flux.2-dev", "dev", False, 80, "offload"),
        ("flux.2-dev", "dev", False, 48, None),
        ("flux.2-klein-9b", "klein-9b", True, 24, "offload"),
        ("flux.2-klein-9b", "klein-9b", False, 48, "resident"),
        ("flux.2-klein-4b", "klein-4b", True, 16, "resident"),
        ("flux.2-klein-4b", "klein-4b", False, 16, "offload"),
    ],
)
def test_real_models_on_real_cards(
    tmp_path: Path, family: str, layout: str, fp8: bool, card: int, residency: str | None
) -> None:
    """A picture and a reference of one megapixel each."""
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


def test_spare_memory_is_what_the_need_leaves() -> None:
    need = Need(transformer=9 * GB, text_encoder=6 * GB, autoencoder=GB, work=2 * GB)
    assert (need.spare("resident", gpu(24)), need.spare("offload", gpu(24))) == (int(3.6 * GB), int(9.6 * GB))
    assert need.spare("resident", gpu(18)) == 0
    assert need.spare("resident", gpu(80, free=24)) == int(3.6 * GB)


@pytest.mark.parametrize(
    ("device", "room"),
    [
        (gpu(24), "21.6 GB can be used on cuda:0 TEST, which has 24.0 GB; use an fp8 file, `quantise: fp8`, a smaller "
         "model, smaller pictures, fewer references or another GPU"),
        (gpu(80, free=20), "18.0 GB can be used on cuda:0 TEST, which has 80.0 GB, of which 20.0 GB are free (other "
         "processes hold 60.0 GB); use"),
        (gpu(80, workers=2), "36.0 GB can be used by each of 2 workers on cuda:0 TEST, which has 80.0 GB; use an fp8 "
         "file, `quantise: fp8`, a smaller model, smaller pictures, fewer references, fewer workers on a GPU or "),
    ],
)  # fmt: skip
def test_the_error_has_the_numbers_and_the_next_step(device: DeviceMemory, room: str) -> None:
    need = Need(transformer=60 * GB, text_encoder=35 * GB, autoencoder=GB, work=3 * GB)
    with pytest.raises(
        CheckpointError, match="with offloading it needs 64.0 GB .transformer 60.0 GB.*, and " + re.escape(room)
    ):
        choose(need, device)


def test_memory_of_other_processes_is_not_used() -> None:
    need = Need(transformer=30 * GB, text_encoder=20 * GB, autoencoder=GB, work=3 * GB)
    assert [choose(need, gpu(80, free=free)) for free in (80, 61, 59, 40)] == [
        "resident",
        "resident",
        "offload",
        "offload",
    ]
    with pytest.raises(CheckpointError, match=r"other processes hold 43\.0 GB"):
        choose(need, gpu(80, free=37))


@pytest.mark.parametrize(
    ("free", "workers", "before", "budget", "spare"),
    [
        (80, 1, None, 80, 62),
        (80, 2, None, 40, 26),
        (80, 16, None, 5, 0),
        (60, 2, None, 30, 17),  # other processes hold 20; both workers measure at the same time
        (60, 2, 60, 30, 17),
        (45, 2, 80, 40, 10.25),  # the other worker holds 35 of its 40
        (30, 2, 80, 30, 3.5),
        (28, 2, 60, 28, 2.6),  # other processes hold 20, the other worker slightly more than its part
        (80, 2, 60, 40, 26),  # other processes have ended
    ],
)
def test_workers_share_a_device(free: int, workers: int, before: int | None, budget: int, spare: float) -> None:
    """On 80 GB. If the other worker has loaded already, a worker still has its own part, but its caches get only half
    of what is free. Workers that measure at the same time never plan with more than is free together."""
    device = gpu(80, free, workers, before)
    assert (device.budget, device.usable) == (budget * GB, int(budget * GB * memory.MARGIN))
    assert Need(8 * GB, GB, GB, 0).spare("resident", device) == int(spare * GB)


def test_the_decoder_runs_in_one_piece_if_there_is_room() -> None:
    """The planned work in GB per card in GB. The residency is the same as with tiles."""
    need = Need(transformer=9 * GB, text_encoder=8 * GB, autoencoder=GB, work=3 * GB, in_one_piece=7 * GB)
    planned = {card: with_room(need, gpu(card)) for card in (40, 28, 27, 24, 20, 19, 15)}
    assert {card: plan.work // GB for card, plan in planned.items()} == {
        40: 7,  # all of it fits
        28: 7,  # 25.2 can be used, 25 are needed
        27: 3,  # 24.3: only offloading would make room
        24: 3,  # 21.6, 21 are needed with tiles
        20: 7,  # 18: parts are offloaded, 17 are needed in one piece
        19: 7,
        15: 3,  # 13.5, 13 are needed with tiles
    }
    for card, plan in planned.items():
        assert choose(plan, gpu(card)) == choose(need, gpu(card))
        assert plan == replace(need, work=plan.work)


@pytest.mark.parametrize("in_one_piece", [0, 2])
def test_a_need_that_one_piece_does_not_raise_is_unchanged(in_one_piece: int) -> None:
    """For example nano's decoder, which always runs in one piece, or if denoising takes more than decoding."""
    need = Need(transformer=9 * GB, text_encoder=8 * GB, autoencoder=GB, work=3 * GB, in_one_piece=in_one_piece * GB)
    assert {with_room(need, gpu(card)) for card in (10, 24, 80)} == {need}


@pytest.mark.parametrize("side", [256, 1024, 2048])
@pytest.mark.parametrize("card", [16, 24, 32, 48, 80, 141])
@pytest.mark.parametrize(("family", "layout"), [("flux.2-klein-4b", "klein-4b"), ("flux.2-klein-9b", "klein-9b")])
def test_room_for_the_decoder_never_changes_the_residency(
    tmp_path: Path, family: str, layout: str, card: int, side: int
) -> None:
    """And a model that fits with tiles isn't rejected."""
    need = real_need(tmp_path, family, layout, False, Largest(side, side, 4096))
    for workers in (1, 2):
        device = gpu(card, workers=workers)
        plan = with_room(need, device)
        assert outcome(plan, device) == outcome(need, device)
        assert plan.work >= need.work


def outcome(need: Need, device: DeviceMemory) -> str:
    try:
        return choose(need, device)
    except CheckpointError:
        return "refused"
