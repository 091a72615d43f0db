"""Prices: what ships, a user's own file, and what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from brandpress.model.family import HOSTED
from brandpress.pipeline.plan.cost.device import PEAKS
from brandpress.pipeline.plan.cost.prices import SHIPPED, read_prices
from brandpress.pipeline.plan.cost.shape import PictureShape
from brandpress.pipeline.plan.cost.spread import Spread
from brandpress.pipeline.spec.problem import SpecError
from brandpress.pipeline.spec.yaml_file import read_yaml


def hosted(width: int, height: int, *tokens: int) -> PictureShape:
    return PictureShape(width, height, width * height, 0, 1, tokens)


def test_shipped_prices_are_dated_and_have_sources() -> None:
    prices, data = read_prices(), read_yaml(SHIPPED).data
    assert (prices.currency, prices.credit, prices.as_of.year) == ("USD", 0.01, 2026)
    assert set(prices.hosted) == {family.name for family in HOSTED}
    assert set(prices.gpu_hours) <= set(PEAKS)
    assert all(entry["sources"] and entry["as_of"] for entry in data["gpu_hours"].values())
    assert all(price.sources for price in prices.hosted.values())


@pytest.mark.parametrize(
    ("tier", "shape", "price"),
    [
        ("flux.2-pro", hosted(1024, 1024), Spread(0.03, 0.03, 0.03)),
        ("flux.2-pro", hosted(1024, 1024, 4096), Spread(0.045, 0.045, 0.045)),
        ("flux.2-pro", hosted(2048, 2048), Spread(0.075, 0.075, 0.075)),
        ("flux.2-pro", hosted(1920, 1088), Spread(0.0449, 0.045, 0.045)),
        ("flux.2-pro", hosted(512, 512, 2048, 2048), Spread(0.045, 0.045, 0.06)),
        ("flux.2-pro", hosted(512, 512, 2048, 6144), Spread(0.06, 0.06, 0.075)),
        ("flux.2-max", hosted(1024, 1024, 4096), Spread(0.10, 0.10, 0.10)),
        ("flux.2-flex", hosted(2048, 1024), Spread(0.10, 0.12, 0.12)),
    ],
)
def test_a_hosted_picture_costs_its_megapixels_and_those_of_its_references(
    tier: str, shape: PictureShape, price: Spread
) -> None:
    amount = read_prices().hosted[tier].of(shape)
    assert (amount.low, amount.expected, amount.high) == pytest.approx(
        (price.low, price.expected, price.high), rel=1e-2
    )


def test_hours_are_found_by_the_name_of_the_card() -> None:
    prices = read_prices()
    assert prices.gpu_hour("NVIDIA H100 80GB HBM3") == prices.gpu_hours["H100"]
    assert prices.gpu_hour("NVIDIA GeForce GTX 1080") is None
    assert prices.gpu_hour("cpu") is None
    assert prices.dearest_hour == max(prices.gpu_hours.values(), key=lambda price: price.expected)


def own(folder: Path, text: str) -> Path:
    file = folder / "prices.yaml"
    file.write_text(text)
    return file


def test_own_prices_replace_shipped_ones_one_by_one(tmp_path: Path) -> None:
    file = own(tmp_path, "as_of: 2026-12-01\ngpu_hours: {H100: 1.8, cpu: 0.2, MI300X: {low: 1, typical: 2, high: 3}}\n")
    prices = read_prices(file)
    assert prices.gpu_hour("NVIDIA H100 80GB HBM3") == Spread(1.8, 1.8, 1.8)
    assert prices.gpu_hour("cpu") == Spread(0.2, 0.2, 0.2)
    assert prices.gpu_hour("AMD Instinct MI300X") == Spread(1, 2, 3)
    assert prices.gpu_hour("NVIDIA H200") == read_prices().gpu_hour("NVIDIA H200")
    assert (prices.as_of.isoformat(), prices.credit) == ("2026-12-01", 0.01)


def test_prices_in_another_currency_are_not_mixed_with_shipped_ones(tmp_path: Path) -> None:
    prices = read_prices(own(tmp_path, "as_of: 2026-12-01\ncurrency: EUR\ngpu_hours: {H100: 2}\n"))
    assert (prices.currency, dict(prices.gpu_hours), dict(prices.hosted)) == ("EUR", {"H100": Spread(2, 2, 2)}, {})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("currency: USD\n", ":1:1: the field 'as_of' is missing; write as_of: 2026-11-27"),
        ("as_of: 2026-12-01\ngpu_hours: {H100: -1}\n", ":2:19: gpu_hours.H100: '-1' is out of range; allowed: 0 to"),
        ("as_of: 2026-12-01\ngpu_hours: {H100: dear}\n", ":2:19: gpu_hours.H100 must be a price, not the text 'dear'"),
        ("as_of: 2026-12-01\ngpu_hours: {H100: .nan}\n", "gpu_hours.H100"),
        ("as_of: 2026-12-01\ngpu_hours: {H100: {low: 1}}\n", "gpu_hours.H100: lacks 'typical', 'high'"),
        ("as_of: 2026-12-01\ngpu_hours: {H100: {low: 3, typical: 2, high: 4}}\n", "allowed: low <= typical <= high"),
        ("as_of: 2026-12-01\ngpu_hours: {H100: {low: 1, typicl: 2}}\n", "has an unknown field 'typicl'"),
        ("as_of: 2026-12-01\ngpu_hour: {}\n", "unknown field 'gpu_hour'"),
        ("as_of: 2026-12-01\nhosted: {flux.2-pro: {first_megapixel: 1}}\n", "hosted.flux.2-pro"),
        (
            "as_of: 2026-12-01\nhosted: {flux.2-por: {}}\n",
            "no hosted tier 'flux.2-por'; allowed: 'flux.2-pro', 'flux.2",
        ),
        ("as_of: soon\n", "as_of"),
        ("as_of: [\n", "this isn't valid YAML"),
    ],
)
def test_mistakes_are_reported_with_their_places(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SpecError) as caught:
        read_prices(own(tmp_path, text))
    assert words in str(caught.value)
    assert str(caught.value).startswith(f"{tmp_path}/prices.yaml:")


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="there is no such file"):
        read_prices(tmp_path / "none.yaml")
