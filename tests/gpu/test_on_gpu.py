"""What a GPU must do as well as a CPU: small checkpoints, a few seconds each."""

from __future__ import annotations

import gc
import warnings
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from brandpress.model import Renderer, RenderRequest
from brandpress.model import renderer as module
from brandpress.model.inference import denoise
from brandpress.model.memory.plan import DECODER_CHANNELS
from brandpress.model.network import tiled
from brandpress.model.network.autoencoder import Autoencoder, AutoencoderConfig
from brandpress.model.network.kernels import EAGER, kernels_for
from tests.gpu.checkpoints import KINDS
from tests.gpu.pairs import levels_apart, spreads_apart
from tests.gpu.weights import filled
from tests.model.tokenizers import WORDS

CHUNKS = [1 << shift for shift in (30, 28, 26, 24, 22)]
"""Bytes of the tensors that fill a card, the last of them smaller than what any picture here takes."""


def picture(seed: int, width: int = 96, height: int = 96) -> Image.Image:
    """A reference: smooth noise."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


FIRST, SECOND, THIRD = picture(1), picture(2, 64, 112), picture(3)
WANTED = RenderRequest(WORDS[0], (FIRST, SECOND), 64, 96, seed=7, steps=2)
COMPANY = [
    RenderRequest(WORDS[1], (FIRST, SECOND), 64, 96, seed=1, steps=2),
    RenderRequest(WORDS[1], (SECOND, FIRST), 64, 96, seed=2, steps=2),
    RenderRequest(WORDS[2], (), 64, 96, seed=3, steps=2),
    RenderRequest(WORDS[0], (THIRD,), 96, 64, seed=4, steps=3),
]


def load(folder: Path, device: torch.device, **options: object) -> Renderer:
    loaded = Renderer.load(folder, device=str(device), **options)  # type: ignore[arg-type]
    assert isinstance(loaded, Renderer)
    return loaded


def fresh(renderer: Renderer) -> Renderer:
    """The same with empty caches."""
    return Renderer(renderer.loaded, kernels=renderer._kernels)


@pytest.mark.parametrize("kind", KINDS)
def test_float32_equals_the_cpu(checkpoints: dict[str, Path], device: torch.device, kind: str) -> None:
    """To one level of 255; by our kernels, and by torch's own."""
    requests = [WANTED, *COMPANY[2:]]
    wanted = load(checkpoints[kind], torch.device("cpu"), dtype="float32").render(requests)
    for compile in (None, False):
        made = load(checkpoints[kind], device, dtype="float32", compile=compile).render(requests)
        assert max(levels_apart(one, other) for one, other in zip(made, wanted, strict=True)) <= 1


@pytest.mark.parametrize("quantise", [None, "fp8"])
@pytest.mark.parametrize("kind", ["dev", "klein", "klein-kv"])
def test_a_picture_does_not_depend_on_its_company(
    checkpoints: dict[str, Path],
    device: torch.device,
    kind: str,
    quantise: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In bfloat16, to the bit: before and behind others of its prompt, its references, its size, and of none of them.

    On a CPU one picture goes in a pass here, too: its products may be rounded otherwise with other numbers of rows.
    """
    for user in (module, denoise):
        monkeypatch.setattr(user, "packed_rows", lambda device: 1)
    renderer = load(checkpoints[kind], device, dtype="bfloat16", quantise=quantise)
    [alone] = fresh(renderer).render([WANTED])
    first, *others, last = fresh(renderer).render([WANTED, *COMPANY, WANTED])
    [behind] = fresh(renderer).render([*COMPANY[::-1], WANTED])[-1:]
    assert [levels_apart(one, alone) for one in (first, last, behind)] == [0, 0, 0]
    assert all(one.size != alone.size or levels_apart(one, alone) > 1 for one in others)


@pytest.mark.parametrize("kind", ["dev", "klein", "klein-kv"])
def test_nothing_waits_for_the_gpu(checkpoints: dict[str, Path], device: torch.device, kind: str) -> None:
    """But for the event behind which a picture is handed out, which torch doesn't warn of."""
    renderer = load(checkpoints[kind], device, dtype="bfloat16")
    requests = [RenderRequest(f"{WORDS[0]} {seed}", (FIRST, SECOND), 64, 96, seed=seed, steps=2) for seed in range(4)]
    list(renderer.stream(requests[:1]))  # kernels are compiled, memory is taken
    with synchronisations_told(device), warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        assert len(list(renderer.stream(requests))) == 4
    waits = [warning for warning in told if "called a synchronizing" in str(warning.message)]
    assert not [f"{warning.filename}:{warning.lineno}" for warning in waits]


@contextmanager
def synchronisations_told(device: torch.device) -> Iterator[None]:
    """Have torch warn of calls that wait for a GPU."""
    if device.type == "cuda":
        torch.cuda.set_sync_debug_mode("warn")
    try:
        yield
    finally:
        if device.type == "cuda":
            torch.cuda.set_sync_debug_mode("default")


def test_a_picture_that_finds_no_memory_leaves_nothing_behind(
    checkpoints: dict[str, Path], device: torch.device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the next one is right. On a CPU the decoder says that memory is out."""
    renderer = load(checkpoints["klein-kv"], device, dtype="bfloat16")
    request = RenderRequest(WORDS[0], (FIRST,), 512, 512, seed=1, steps=1)
    [before] = renderer.render([request])
    renderer.release()
    held = bytes_held(device)
    with full(device, monkeypatch) as latents:
        assert fails(renderer, request)
    renderer.release()
    assert bytes_held(device) <= held
    assert not any(reference() is not None for reference in latents)
    [after] = renderer.render([request])
    assert levels_apart(after, before) == 0


def fails(renderer: Renderer, request: RenderRequest) -> bool:
    """Whether there is no memory for a picture. The error is let go of here, and with it what it refers to."""
    with suppress(torch.OutOfMemoryError):
        renderer.render([request])
        return False
    return True


@contextmanager
def full(device: torch.device, patch: pytest.MonkeyPatch) -> Iterator[list[weakref.ref[torch.Tensor]]]:
    """Something else has taken all memory of a device. Gives the latents for which there was none, on a CPU."""
    latents: list[weakref.ref[torch.Tensor]] = []
    if device.type == "cuda":
        taken = []
        for size in CHUNKS:
            with suppress(torch.OutOfMemoryError):
                while True:
                    taken.append(torch.empty(size, dtype=torch.uint8, device=device))
        yield latents
        del taken
        return

    def refuse(self: Autoencoder, z: torch.Tensor) -> torch.Tensor:
        latents.append(weakref.ref(z))
        raise torch.OutOfMemoryError(f"no memory for a picture of {z.shape}")

    with patch.context() as patched:
        patched.setattr(Autoencoder, "decode_moments", refuse)
        yield latents
        assert latents


def bytes_held(device: torch.device) -> int:
    """What tensors take of a GPU's memory; 0 on a CPU."""
    gc.collect()
    if device.type != "cuda":
        return 0
    torch.cuda.synchronize(device)
    return torch.cuda.memory_allocated(device)


@torch.inference_mode()
def test_four_megapixels_in_one_piece_equal_those_in_bands(
    device: torch.device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Group norms of 2048² take more programs than a GPU's second and third axes have, and both ways are right.

    On a CPU it is a small picture, past a bound that is small, too.
    """
    side = 2048 if device.type == "cuda" else 128
    config = AutoencoderConfig(
        block_out_channels=(64, 64, 64, 64), layers_per_block=1, latent_channels=8, norm_num_groups=8
    )
    decoder = filled(Autoencoder(config).to(device))
    latents = torch.randn(1, 32, side // 16, side // 16, generator=torch.Generator().manual_seed(0)).to(device)
    monkeypatch.setattr(tiled, "MAX_UNTILED_ELEMENTS", 1 << 18)
    decoder.use(EAGER)
    in_bands = decoder.decode(latents)
    decoder.use(kernels_for(device))
    decoder.untiled_elements = DECODER_CHANNELS * side**2
    in_one_piece = decoder.decode(latents)
    assert in_bands.shape == in_one_piece.shape == (1, 3, side, side)
    assert in_bands.std() > 0.1
    assert spreads_apart(in_one_piece, in_bands) < 1e-3
