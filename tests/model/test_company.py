"""A picture doesn't depend on what it's rendered with, in any format of its weights: to the bit.

Products run in fp8 as on a GPU with such units; torch computes them on a CPU, too. Other products in bfloat16 may be
rounded otherwise where a pass has another number of rows, on a CPU as on a GPU: a pass is one picture here, as it is on
a GPU. What is left in common is what could go wrong: caches, a workspace, rooms behind reference sets, and scales.
Then rows of a whole pass are compared where every product is in fp8, with company of far larger activations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from brandpress.model import Renderer, RenderRequest
from brandpress.model import renderer as module
from brandpress.model.inference import denoise
from brandpress.model.inference.packed import PackedPass
from brandpress.model.inference.segments import Segment
from brandpress.model.inference.workspace import Workspace
from brandpress.model.network.fp8 import Fp8Linear, quantise
from brandpress.model.network.positions import image_ids, text_ids
from brandpress.model.network.transformer import Transformer, TransformerConfig
from tests.gpu.checkpoints import CONFIG, save_checkpoint
from tests.gpu.pairs import levels_apart
from tests.model.layout import randomise
from tests.model.other_layouts import State, bfl_fp8, each, is_block_linear, nvfp4, row_fp8, to_bfl, write
from tests.model.small import noise_picture
from tests.model.tokenizers import WORDS

Written = Callable[[str, Tensor], State]


def without_static(layer: str, weight: Tensor) -> State:
    return {name: tensor for name, tensor in bfl_fp8(layer, weight).items() if not name.endswith("input_scale")}


def rows_with_static(layer: str, weight: Tensor) -> State:
    return row_fp8(layer, weight) | {f"{layer}.input_scale": torch.tensor(0.02)}


FORMATS: dict[str, Written | None] = {
    "a scale a tensor": without_static,
    "a static scale": bfl_fp8,
    "a scale a row": row_fp8,
    "a scale a row, static activations": rows_with_static,
    "quantise: fp8": None,
    "NVFP4": nvfp4,
}
FIRST, SECOND, THIRD = (noise_picture(96, 96, 1), noise_picture(64, 112, 2), noise_picture(80, 80, 3))
WANTED = RenderRequest(WORDS[0], (FIRST, SECOND), 64, 80, seed=7, steps=2)
COMPANY = [
    RenderRequest(WORDS[1], (FIRST, SECOND), 64, 80, seed=1, steps=2),
    RenderRequest(WORDS[0], (SECOND, FIRST), 64, 80, seed=7, steps=2),
    RenderRequest(WORDS[2], (), 64, 80, seed=3, steps=2),
    RenderRequest(WORDS[0], (THIRD,), 80, 64, seed=7, steps=1),
]


@pytest.fixture(autouse=True)
def in_fp8(monkeypatch: pytest.MonkeyPatch) -> None:
    """Products run as on a GPU with fp8 units."""
    monkeypatch.setattr(Fp8Linear, "runs_in_fp8", lambda self, device: self.fp8_product)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("company")
    return {kind: save_checkpoint(kind, folder / kind) for kind in ("klein-base", "klein-kv")}


def load(folder: Path, written: Written | None, file: Path) -> Renderer:
    """In bfloat16, the blocks' weights in a format; without one they are quantised when they're loaded."""
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


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("kind", ["klein-base", "klein-kv"])
def test_a_picture_alone_is_the_picture_among_others(
    folders: dict[str, Path], kind: str, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for user in (module, denoise):
        monkeypatch.setattr(user, "packed_rows", lambda device: 1)
    loaded = load(folders[kind], FORMATS[form], tmp_path / "transformer.safetensors").loaded
    [alone] = Renderer(loaded).render([WANTED])
    first, *others, last = Renderer(loaded).render([WANTED, *COMPANY, WANTED])
    *_, behind = Renderer(loaded).render([*COMPANY[::-1], WANTED])
    assert [levels_apart(one, alone) for one in (first, last, behind)] == [0, 0, 0]
    assert all(one.size != alone.size or levels_apart(one, alone) > 1 for one in others)


def all_in_fp8(static: float | None, by_row: bool) -> Transformer:
    """A model whose every linear layer is in fp8."""
    config = TransformerConfig(**{**CONFIG, "joint_attention_dim": 64})
    model = randomise(Transformer(config)).bfloat16()
    scale = None if static is None else torch.tensor(static)
    for name, layer in list(model.named_modules()):
        if isinstance(layer, nn.Linear):
            small, whole = quantise(layer.weight)
            scales = whole.expand(len(small), 1).contiguous() if by_row else whole
            model.set_submodule(name, Fp8Linear(small, scales, scale))
    return model


@torch.inference_mode()
@pytest.mark.parametrize("by_row", [False, True])
@pytest.mark.parametrize("static", [None, 0.02])
def test_rows_of_a_pass_do_not_depend_on_others(static: float | None, by_row: bool) -> None:
    """Packed with pictures of other sizes, whose latents and texts are a thousand times as large."""
    model = all_in_fp8(static, by_row)
    mods = model.modulations(torch.tensor([700.0]).bfloat16()).as_vectors()

    def velocity(pictures: Sequence[tuple[int, int, float]]) -> Tensor:
        """Of the first. pictures: seed, height in tokens (4 wide), how large."""
        segments, images, texts = [], [], []
        for seed, height, large in pictures:
            generator = torch.Generator().manual_seed(seed)
            images.append(large * torch.randn(4 * height, 32, generator=generator).bfloat16())
            texts.append(large * torch.randn(5, 64, generator=generator).bfloat16())
            freqs_cis = model.rope(torch.cat((image_ids(height, 4), text_ids(5)))).freqs_cis()
            segments.append(Segment(0, 4 * height, 5, freqs_cis))
        run = PackedPass(model, segments, mods, Workspace())
        return run.velocity(torch.cat(images), model.context_embedder(torch.cat(texts)))[: 4 * pictures[0][1]]

    alone = velocity([(0, 4, 1.0)])
    assert alone.float().std() > 0.1
    for company in ([(1, 4, 1000.0)], [(2, 7, 1000.0), (3, 1, 0.001)]):
        assert torch.equal(velocity([(0, 4, 1.0), *company]), alone)
