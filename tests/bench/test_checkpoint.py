"""Random checkpoints keep the real ones' proportions."""

from __future__ import annotations

from pathlib import Path

import pytest

from brandpress.model.checkpoint.describe import describe
from brandpress.model.family import MISTRAL, QWEN3_4B, QWEN3_8B, TextEncoderSize
from tests.bench import kv, memory, reuse, text
from tests.bench.checkpoint import Shape, TextShape, layer_weights, load_as, save, tokenizer_of
from tests.bench.prompts import TOKENS_PER_WORD, prompts

SHAPES = {
    "kv": kv.SHAPE,
    "memory": memory.SHAPE,
    **{name: model.shape for name, model in reuse.MODELS.items()},
}
TEXTS = {**text.SHAPES, **{name: shape.text for name, shape in SHAPES.items()}}


@pytest.mark.parametrize("name", TEXTS)
def test_text_encoders_use_the_same_part_of_their_layers(name: str) -> None:
    shape = TEXTS[name]
    assert [layer / shape.depth for layer in shape.layers] == [layer / shape.size.depth for layer in shape.size.layers]


@pytest.mark.parametrize("name", TEXTS)
def test_the_head_has_the_same_share_of_a_text_encoder(name: str) -> None:
    size, config = TEXTS[name].size, TEXTS[name].config()

    def share(size: TextEncoderSize | None) -> float:
        if size is not None:
            layer = layer_weights(size.width, size.inner, size.heads, size.kv_heads)
            return size.vocabulary * size.width / (size.depth * layer)
        heads = (config["num_attention_heads"], config["num_key_value_heads"])
        layer = layer_weights(config["hidden_size"], config["intermediate_size"], *heads)
        return float(config["vocab_size"] * config["hidden_size"] / (config["num_hidden_layers"] * layer))

    assert share(None) == pytest.approx(share(size), rel=0.01)
    assert config["vocab_size"] >= len(tokenizer_of(size))


@pytest.mark.parametrize(
    ("name", "double_to_single", "text_to_width"),
    [("kv", 8 / 24, 12_288 / 4096), ("klein", 8 / 24, 12_288 / 4096), ("dev", 8 / 48, 15_360 / 6144)],
)
def test_transformers_have_the_ratios_of_the_real_ones(
    name: str, double_to_single: float, text_to_width: float
) -> None:
    shape = SHAPES[name]
    assert shape.double / shape.single == pytest.approx(double_to_single)
    assert shape.text.width * len(shape.text.layers) / (shape.heads * 128) == text_to_width


@pytest.mark.parametrize("size", [QWEN3_4B, MISTRAL])
def test_a_word_of_a_prompt_is_a_token(size: TextEncoderSize) -> None:
    texts = prompts(4)
    assert len(set(texts)) == 4
    lengths = [len(tokenizer_of(size)(prompt, add_special_tokens=False).input_ids) for prompt in texts]
    expected = [words * TOKENS_PER_WORD for words in (20, 40, 60, 80)]
    assert lengths == pytest.approx(expected, rel=0.1)


def test_weights_of_klein_kv_are_distilled_in_the_full_pipeline(tmp_path: Path) -> None:
    """Else it would make a second, unconditional pass, and the benchmark would praise us for it."""
    folder = save(Shape("klein-kv", 1, 1, 1, TextShape(QWEN3_8B, 128, 4), (8, 16, 32, 32)), tmp_path)
    assert describe(str(folder), folder).kv
    assert load_as("Flux2KleinPipeline", folder).config.is_distilled
