"""A picture is the same to the bit whatever is rendered with it, in every weight format.

Products run in fp8 as on a GPU with fp8 units; torch can compute them on a CPU. Each pass has one picture, as on a GPU,
because products in bfloat16 can be rounded differently if a pass has another number of rows. The tests cover what
pictures share: caches, the workspace, the room after reference sets, and scales. The last test compares rows of a
packed pass with every product in fp8, next to rows with far larger activations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from brandpress.model import Renderer
from brandpress.model import renderer as module
from brandpress.model.inference import denoise
from brandpress.model.inference.packed import PackedPass
from brandpress.model.inference.segments import Segment
from brandpress.model.inference.workspace import Workspace
from brandpress.model.network.fp8 import Fp8Linear, quantise
from brandpress.model.network.positions import image_ids, text_ids
from brandpress.model.network.transformer import Transformer, TransformerConfig
from tests.gpu.batch_invariance import assert_batch_invariant
from tests.gpu.checkpoints import CONFIG, save_checkpoint
from tests.model.layout import randomise
from tests.model.other_layouts import State, bfl_fp8, each, is_block_linear, nvfp4, row_fp8, to_bfl, write

WriteLayer = Callable[[str, Tensor], State]


def without_static(layer: str, weight: Tensor) -> State:
    return {name: tensor for name, tensor in bfl_fp8(layer, weight).items() if not name.endswith("input_scale")}


def rows_with_static(layer: str, weight: Tensor) -> State:
    return row_fp8(layer, weight) | {f"{layer}.input_scale": torch.tensor(0.02)}


FORMATS: dict[str, WriteLayer | None] = {
    "a scale per tensor": without_static,
    "a static scale": bfl_fp8,
    "a scale per row": row_fp8,
    "a scale per row, static activations": rows_with_static,
    "quantise: fp8": None,
    "NVFP4": nvfp4,
}

KINDS = ("klein-base", "klein-kv")
ALWAYS_TESTED = (("klein-base", "a scale per row"), ("klein-kv", "quantise: fp8"))


@pytest.fixture(autouse=True)
def in_fp8(monkeypatch: pytest.MonkeyPatch) -> None:
    """Products run as on a GPU with fp8 units."""
    monkeypatch.setattr(Fp8Linear, "runs_in_fp8", lambda self, device: self.fp8_product)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("batch_invariance")
    return {kind: save_checkpoint(kind, folder / kind) for kind in KINDS}


def load(folder: Path, written: WriteLayer | None, file: Path) -> Renderer:
    """Load in bfloat16, with the blocks' weights in a format, or quantised while loading if `written` is None."""
    transformer = None
    if written is not None:
        state = to_bfl(load_file(folder / "transformer" / "diffusion_pytorch_model.safetensors"))
        transformer = write(file, each(state, is_block_linear, written))
    options = {"transformer": transformer, "quantise": None if written else "fp8"}
    loaded = Renderer.load(folder, device="cpu", dtype="bfloat16", **options)  # type: ignore[arg-type]
    assert isinstance(loaded, Renderer)
    layers = [layer for layer in loaded.loaded.transformer.get().modules() if isinstance(layer, Fp8Linear)]
    assert bool(layers) == (written is not nvfp4), "NVFP4 is made dense"
    return loaded


@pytest.mark.parametrize(
    ("kind", "form"),
    [
        pytest.param(kind, form, marks=() if (kind, form) in ALWAYS_TESTED else pytest.mark.slow)
        for kind, form in product(KINDS, FORMATS)
    ],
)
def test_pictures_are_batch_invariant(
    folders: dict[str, Path], kind: str, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for user in (module, denoise):
        monkeypatch.setattr(user, "packed_rows", lambda device: 1)
    loaded = load(folders[kind], FORMATS[form], tmp_path / "transformer.safetensors").loaded
    assert_batch_invariant(lambda requests: Renderer(loaded).render(requests))


def all_in_fp8(static: float | None, by_row: bool) -> Transformer:
    """A model with every linear layer in fp8."""
    config = TransformerConfig(**{**CONFIG, "joint_attention_dim": 64})
    model = randomise(Transformer(config)).bfloat16()
    scale = None if static is None else torch.tensor(static)
    for name, layer in list(model.named_modules()):
        if isinstance(layer, nn.Linear):
            weight, weight_scale = quantise(layer.weight)
            scales = weight_scale.expand(len(weight), 1).contiguous() if by_row else weight_scale
            model.set_submodule(name, Fp8Linear(weight, scales, scale))
    return model


@torch.inference_mode()
@pytest.mark.parametrize("by_row", [False, True])
@pytest.mark.parametrize("static", [None, 0.02])
def test_rows_of_a_pass_do_not_depend_on_others(static: float | None, by_row: bool) -> None:
    """Packed with pictures of other sizes, with latents and texts a thousand times as large."""
    model = all_in_fp8(static, by_row)
    mods = model.modulations(torch.tensor([700.0]).bfloat16()).as_vectors()

    def velocity(pictures: Sequence[tuple[int, int, float]]) -> Tensor:
        """The velocity of the first picture. pictures: seed, height in tokens (4 wide), magnitude."""
        segments, images, texts = [], [], []
        for seed, height, magnitude in pictures:
            generator = torch.Generator().manual_seed(seed)
            images.append(magnitude * torch.randn(4 * height, 32, generator=generator).bfloat16())
            texts.append(magnitude * torch.randn(5, 64, generator=generator).bfloat16())
            freqs_cis = model.rope(torch.cat((image_ids(height, 4), text_ids(5)))).freqs_cis()
            segments.append(Segment(0, 4 * height, 5, freqs_cis))
        run = PackedPass(model, segments, mods, Workspace())
        return run.velocity(torch.cat(images), model.context_embedder(torch.cat(texts)))[: 4 * pictures[0][1]]

    alone = velocity([(0, 4, 1.0)])
    assert alone.float().std() > 0.1
    for others in ([(1, 4, 1000.0)], [(2, 7, 1000.0), (3, 1, 0.001)]):
        assert torch.equal(velocity([(0, 4, 1.0), *others]), alone)
