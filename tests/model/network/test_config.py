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
    ("config", "expected"),
    [
        ({}, {}),
        ({"width": 3}, {"width": 3}),
        ({"axes": [1, 2]}, {"axes": (1, 2)}),
        ({"_class_name": "Sizes", "_diffusers_version": "0.42.1", "sample_size": 64, "width": 2}, {"width": 2}),
    ],
)
def test_other_entries_are_ignored(config: dict[str, object], expected: dict[str, object]) -> None:
    assert read_fields(Sizes, config, "Sizes") == expected


def test_another_class_is_rejected() -> None:
    with pytest.raises(CheckpointError, match=r"_class_name is 'Other'; a FLUX.2 checkpoint has 'Sizes' here"):
        read_fields(Sizes, {"_class_name": "Other"}, "Sizes")
