"""Requirements on rendering on a GPU, tested on small checkpoints: a few seconds each."""

from __future__ import annotations

import gc
import warnings
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import torch

from brandpress.model import Renderer, RenderRequest
from brandpress.model import renderer as module
from brandpress.model.inference import denoise
from brandpress.model.memory.plan import DECODER_CHANNELS
from brandpress.model.network import tiled
from brandpress.model.network.autoencoder import Autoencoder, AutoencoderConfig
from brandpress.model.network.kernel_choice import kernels_for
from brandpress.model.network.kernels import EAGER
from tests.gpu.batch_invariance import FIRST, OTHERS, REQUEST, SECOND, assert_batch_invariant
from tests.gpu.checkpoints import KINDS
from tests.gpu.pairs import levels_apart, spreads_apart
from tests.gpu.weights import filled
from tests.model.tokenizers import WORDS

CHUNKS = [1 << shift for shift in (30, 28, 26, 24, 22)]
"""Bytes of the tensors that fill a GPU's memory. Any picture here needs more than the smallest."""


def load(folder: Path, device: torch.device, **options: object) -> Renderer:
    loaded = Renderer.load(folder, device=str(device), **options)  # type: ignore[arg-type]
    assert isinstance(loaded, Renderer)
    return loaded


def fresh(renderer: Renderer) -> Renderer:
    """The same renderer with empty caches."""
    return Renderer(renderer.loaded, kernels=renderer._kernels)


@pytest.mark.parametrize("kind", KINDS)
def test_float32_equals_the_cpu(checkpoints: dict[str, Path], device: torch.device, kind: str) -> None:
    """To one level of 255, with Triton's kernels and with torch's own."""
    requests = [REQUEST, *OTHERS[2:]]
    expected = load(checkpoints[kind], torch.device("cpu"), dtype="float32").render(requests)
    for compile in (None, False):
        pictures = load(checkpoints[kind], device, dtype="float32", compile=compile).render(requests)
        assert max(levels_apart(one, other) for one, other in zip(pictures, expected, strict=True)) <= 1


@pytest.mark.parametrize(
    ("kind", "quantise"),
    [
        ("klein-kv", None),
        ("dev", "fp8"),
        *(
            pytest.param(kind, quantise, marks=pytest.mark.slow)
            for kind, quantise in (("dev", None), ("klein", None), ("klein", "fp8"), ("klein-kv", "fp8"))
        ),
    ],
)
def test_pictures_are_batch_invariant(
    checkpoints: dict[str, Path],
    device: torch.device,
    kind: str,
    quantise: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In bfloat16, to the bit. On a CPU, too, each pass holds one picture: products may round differently with another
    number of rows.
    """
    for user in (module, denoise):
        monkeypatch.setattr(user, "packed_rows", lambda device: 1)
    renderer = load(checkpoints[kind], device, dtype="bfloat16", quantise=quantise)
    assert_batch_invariant(lambda requests: fresh(renderer).render(requests))


@pytest.mark.parametrize(
    "kind", ["klein-kv", pytest.param("dev", marks=pytest.mark.slow), pytest.param("klein", marks=pytest.mark.slow)]
)
def test_rendering_does_not_wait_for_the_gpu(checkpoints: dict[str, Path], device: torch.device, kind: str) -> None:
    """Except for the event before a picture is returned, which torch doesn't warn about."""
    renderer = load(checkpoints[kind], device, dtype="bfloat16")
    requests = [RenderRequest(f"{WORDS[0]} {seed}", (FIRST, SECOND), 64, 96, seed=seed, steps=2) for seed in range(4)]
    list(renderer.stream(requests[:1]))  # compile the kernels, allocate memory
    with warn_of_synchronisations(device), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert len(list(renderer.stream(requests))) == 4
    waits = [warning for warning in caught if "called a synchronizing" in str(warning.message)]
    assert not [f"{warning.filename}:{warning.lineno}" for warning in waits]


@contextmanager
def warn_of_synchronisations(device: torch.device) -> Iterator[None]:
    """Make torch warn about calls that wait for the GPU."""
    if device.type == "cuda":
        torch.cuda.set_sync_debug_mode("warn")
    try:
        yield
    finally:
        if device.type == "cuda":
            torch.cuda.set_sync_debug_mode("default")


@pytest.mark.slow
def test_running_out_of_memory_leaks_nothing(
    checkpoints: dict[str, Path], device: torch.device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the next picture is correct. On a CPU the decoder raises the error."""
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
    """Whether rendering runs out of memory. Drops the error here, and with it the tensors that it refers to."""
    with suppress(torch.OutOfMemoryError):
        renderer.render([request])
        return False
    return True


@contextmanager
def full(device: torch.device, patch: pytest.MonkeyPatch) -> Iterator[list[weakref.ref[torch.Tensor]]]:
    """Fills the device's memory. On a CPU, decoding fails instead. Yields the latents whose decoding failed."""
    latents: list[weakref.ref[torch.Tensor]] = []
    if device.type == "cuda":
        blocks = []
        for size in CHUNKS:
            with suppress(torch.OutOfMemoryError):
                while True:
                    blocks.append(torch.empty(size, dtype=torch.uint8, device=device))
        yield latents
        del blocks
        return

    def refuse(self: Autoencoder, z: torch.Tensor) -> torch.Tensor:
        latents.append(weakref.ref(z))
        raise torch.OutOfMemoryError(f"no memory for a picture of {z.shape}")

    with patch.context() as patched:
        patched.setattr(Autoencoder, "decode_moments", refuse)
        yield latents
        assert latents


def bytes_held(device: torch.device) -> int:
    """Bytes of GPU memory that tensors hold; 0 on a CPU."""
    gc.collect()
    if device.type != "cuda":
        return 0
    torch.cuda.synchronize(device)
    return torch.cuda.memory_allocated(device)


@torch.inference_mode()
def test_four_megapixels_in_one_piece_equal_those_in_tiles(
    device: torch.device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Group norms at 2048² need more programs than a GPU's second and third grid axes allow.

    On a CPU both the picture and the bound are small.
    """
    side = 2048 if device.type == "cuda" else 128
    config = AutoencoderConfig(
        block_out_channels=(64, 64, 64, 64), layers_per_block=1, latent_channels=8, norm_num_groups=8
    )
    decoder = filled(Autoencoder(config).to(device))
    latents = torch.randn(1, 32, side // 16, side // 16, generator=torch.Generator().manual_seed(0)).to(device)
    monkeypatch.setattr(tiled, "MAX_UNTILED_ELEMENTS", 1 << 18)
    decoder.use(EAGER)
    in_tiles = decoder.decode(latents)
    decoder.use(kernels_for(device))
    decoder.untiled_elements = DECODER_CHANNELS * side**2
    in_one_piece = decoder.decode(latents)
    assert in_tiles.shape == in_one_piece.shape == (1, 3, side, side)
    assert in_tiles.std() > 0.1
    assert spreads_apart(in_one_piece, in_tiles) < 1e-3
