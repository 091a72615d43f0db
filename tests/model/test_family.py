"""The family's table."""

from __future__ import annotations

import pytest

from model.family import FAMILIES, KLEIN, NANO, Family, recognise
from tests.model.layout import real_layout


@pytest.mark.parametrize("family", KLEIN, ids=lambda family: family.name)
def test_a_checkpoint_is_recognised_by_what_its_files_say(family: Family) -> None:
    found = recognise(family.kv, family.distilled, family.heads)
    assert found is family
    assert FAMILIES[found.name] is family


@pytest.mark.parametrize(("name", "layout"), [("flux.2-klein-4b", "klein-4b"), ("flux.2-klein-9b", "klein-9b")])
def test_heads_are_those_of_the_real_checkpoints(name: str, layout: str) -> None:
    assert FAMILIES[name].heads == real_layout(layout)[0]["num_attention_heads"]


@pytest.mark.parametrize(
    ("kv", "distilled", "heads", "final", "guidance"), [(True, True, 24, 4, 1.0), (False, False, 2, 50, 4.0)]
)
def test_another_size_is_custom_and_its_licence_unknown(
    kv: bool, distilled: bool, heads: int, final: int, guidance: float
) -> None:
    found = recognise(kv, distilled, heads)
    assert (found.name, found.kv, found.distilled) == ("custom", kv, distilled)
    assert (found.steps["final"], found.guidance) == (final, guidance)
    assert "unknown" in found.licence and not found.commercial_use


@pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda family: family.name)
def test_what_may_be_used_commercially_is_apache(family: Family) -> None:
    assert family.commercial_use == (family.licence == "Apache-2.0")
    assert family.commercial_use == ("4b" in family.name or family is NANO)
    assert set(family.steps) == {"preview", "standard", "final"}
