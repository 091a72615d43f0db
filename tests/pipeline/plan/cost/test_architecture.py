"""Sizes of networks, read from files."""

from __future__ import annotations

from pathlib import Path

import pytest

from brandpress.model.checkpoint.describe import describe
from brandpress.model.choice import ModelChoice
from brandpress.pipeline.plan.cost.architecture import architecture_of
from tests.model.sparse import sparse_checkpoint, sparse_transformer
from tests.pipeline.plan.cost.sizes import architecture
from tests.pipeline.plan.keys import model


def test_nano_is_read_from_its_files() -> None:
    sizes = architecture_of(describe("nano", Path.cwd()))
    assert sizes is not None
    assert (sizes.transformer.width, sizes.transformer.blocks, sizes.transformer.mlp_ratio) == (288, 8, 2.0)
    assert (sizes.text_encoder.width, sizes.text_encoder.layers, sizes.text_length) == (160, 3, 64)
    assert (sizes.kv, sizes.fp8, sizes.decoder.attention, sizes.decoder.scale) == (True, False, 0, 8)


@pytest.mark.slow
@pytest.mark.parametrize("fp8", [False, True])
def test_a_real_transformer_in_one_file_has_the_sizes_of_its_family(tmp_path: Path, fp8: bool) -> None:
    file = sparse_transformer(tmp_path / "flux-2-klein-4b.safetensors", "klein-4b", fp8)
    base = sparse_checkpoint(tmp_path / "base", _class_name="Flux2KleinPipeline", is_distilled=True)
    sizes = architecture_of(describe(ModelChoice(str(base), transformer=str(file)), tmp_path))
    assert sizes is not None
    assert sizes.transformer == architecture("flux.2-klein-4b").transformer
    assert sizes.fp8 is fp8


def test_a_model_without_files_has_none() -> None:
    assert architecture_of(model(parts=None)) is None
    assert architecture_of(describe("flux.2-pro", Path.cwd())) is None


def test_broken_files_are_left_to_others(tmp_path: Path) -> None:
    folder = sparse_checkpoint(tmp_path / "base", _class_name="Flux2KleinPipeline", is_distilled=True)
    description = describe(str(folder), tmp_path)
    (folder / "text_encoder" / "config.json").write_text('{"model_type": "qwen3", "hidden_size": "wide"}')
    assert architecture_of(description) is None
    (folder / "transformer" / "model.safetensors").write_bytes(b"")
    assert architecture_of(description) is None


def test_the_decoder_of_a_family_has_attention_in_its_middle() -> None:
    decoder = architecture("flux.2-dev").decoder
    assert (decoder.attention, decoder.scale, [scale for scale, _ in decoder.weights]) == (512, 8, [1, 2, 4, 8])
