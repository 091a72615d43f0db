"""Reading a config's fields."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from brandpress.model.errors import CheckpointError
from brandpress.model.network.config import read_fields


@dataclass(frozen=True)
class Sizes:
    width: int = 1
    axes: tuple[int, ...] = ()


@pytest.mark.parametrize(
    ("config", "wanted"),
    [
        ({}, {}),
        ({"width": 3}, {"width": 3}),
        ({"axes": [1, 2]}, {"axes": (1, 2)}),
        ({"_class_name": "Sizes", "_diffusers_version": "0.42.1", "sample_size": 64, "width": 2}, {"width": 2}),
    ],
)
def test_known_fields_are_taken(config: dict[str, object], wanted: dict[str, object]) -> None:
    assert read_fields(Sizes, config, "Sizes") == wanted


def test_another_class_is_refused() -> None:
    with pytest.raises(CheckpointError, match=r"_class_name is 'Other'; a FLUX.2 checkpoint has 'Sizes' here"):
        read_fields(Sizes, {"_class_name": "Other"}, "Sizes")
