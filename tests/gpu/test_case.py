"""The operations of the cases, against counts by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from brandpress.model.network.transformer import Transformer
from tests.gpu.case import DEV, KLEIN_4B, KLEIN_9B_KV, Case


@pytest.mark.parametrize(
    ("case", "products", "attention"),
    [(KLEIN_4B, 28, 7), (KLEIN_9B_KV, 236, 295), (DEV, 929, 393)],
    ids=str,
)
def test_operations_of_a_step(case: Case, products: int, attention: int) -> None:
    """In units of 10^12."""
    multiply, attend = case.operations()
    assert (round(multiply / 1e12), round(attend / 1e12)) == (products, attention)


@pytest.mark.parametrize(("case", "seconds"), [(KLEIN_4B, 0.18), (KLEIN_9B_KV, 2.7), (DEV, 33.5)], ids=str)
def test_the_floor_of_a_picture(case: Case, seconds: float) -> None:
    """At 790 * 10^12 operations per second."""
    assert case.floor(790e12) == pytest.approx(seconds, rel=0.03)


def test_products_in_fp8_take_half_the_time() -> None:
    multiply, attend = DEV.operations()
    assert DEV.floor(1e12, fp8=True) == pytest.approx(20 * (multiply / 2 + attend) / 1e12)
    assert DEV.floor(790e12, fp8=True) == pytest.approx(21.7, rel=0.03)


@pytest.mark.parametrize("case", [KLEIN_4B, KLEIN_9B_KV, DEV], ids=str)
def test_products_match_the_blocks_weights(case: Case) -> None:
    """Two operations per weight and row. In double blocks, image and text have separate weights."""
    with torch.device("meta"):
        model = Transformer(case.config)
    double = sum(p.numel() for p in model.transformer_blocks.parameters() if p.ndim == 2) / 2
    single = sum(p.numel() for p in model.single_transformer_blocks.parameters() if p.ndim == 2)
    rows = case.target_tokens + case.text + (0 if case.kv else case.reference_tokens)
    assert case.operations()[0] == pytest.approx(2 * rows * (double + single))


def test_references_of_kv_models_only_count_for_attention() -> None:
    alone = replace(KLEIN_9B_KV, references=0)
    assert KLEIN_9B_KV.operations()[0] == alone.operations()[0]
    assert KLEIN_9B_KV.operations()[1] == pytest.approx(alone.operations()[1] * (16_896 + 4 * 4096) / 16_896)


def test_tiny_cases_have_the_same_properties() -> None:
    for case in (KLEIN_4B, KLEIN_9B_KV, DEV):
        tiny = case.tiny()
        assert (tiny.model, tiny.references, tiny.kv) == (case.model, case.references, case.kv)
        assert tiny.size.guidance_embeds == case.size.guidance_embeds
        assert sum(tiny.operations()) < 1e-4 * sum(case.operations())
    assert str(KLEIN_9B_KV) == "klein-9b-kv 2048², 4 references of 1024², 4 steps"
    assert str(KLEIN_4B) == "klein-4b 1024², 4 steps"
