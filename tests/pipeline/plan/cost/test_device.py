from __future__ import annotations

import pytest

from brandpress.pipeline.plan.cost.device import DEFAULT_GPU, device_named, find, same_device


@pytest.mark.parametrize(
    ("name", "known_as"),
    [
        ("NVIDIA H100 80GB HBM3", "H100"),
        ("NVIDIA H100 PCIe", "H100 PCIe"),
        ("NVIDIA H200", "H200"),
        ("NVIDIA A100-SXM4-80GB", "A100"),
        ("NVIDIA L40S", "L40S"),
        ("NVIDIA L4", "L4"),
        ("NVIDIA GeForce RTX 4090", "RTX 4090"),
        ("h100", "H100"),
    ],
)
def test_cards_are_known_by_the_words_of_their_names(name: str, known_as: str) -> None:
    device = device_named(name)
    assert (device.kind, device.known_as, device.unknown) == ("gpu", known_as, False)


def test_an_unknown_card_has_the_rates_of_another_one() -> None:
    device = device_named("NVIDIA GeForce GTX 1080")
    assert (device.known_as, device.unknown) == (DEFAULT_GPU, True)
    assert device.products == device_named("H100").products


def test_a_cpu_computes_with_all_its_cores() -> None:
    device = device_named("CPU")
    assert (device.name, device.kind, device.unknown, device.block_seconds) == ("cpu", "cpu", False, 0)
    assert device.products == device.cores * 50e9


def test_fp8_is_faster_where_cards_have_it() -> None:
    assert device_named("H100").fp8_products > device_named("H100").products
    assert device_named("A100").fp8_products == device_named("A100").products


@pytest.mark.parametrize(
    ("name", "recorded", "same"),
    [
        ("H100", "NVIDIA H100 80GB HBM3", True),
        ("H100", "NVIDIA H100 PCIe", False),
        ("NVIDIA GeForce GTX 1080", "NVIDIA GeForce GTX 1080", True),
        ("NVIDIA GeForce GTX 1080", "NVIDIA GeForce GTX 1070", False),
        ("cpu", "cpu", True),
        ("cpu", "NVIDIA H100 80GB HBM3", False),
    ],
)
def test_records_of_the_same_type_of_card_are_measurements(name: str, recorded: str, same: bool) -> None:
    assert same_device(device_named(name), recorded) is same


def test_the_most_precise_name_wins() -> None:
    assert find({"H100": 1.0, "H100 PCIe": 2.0}, "NVIDIA H100 PCIe") == "H100 PCIe"
    assert find({"H100": 1.0}, "NVIDIA H1000") is None
