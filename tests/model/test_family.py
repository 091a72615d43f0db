"""The family's table."""

from __future__ import annotations

import pytest

from brandpress.model.family import DEV, FAMILIES, HOSTED, KLEIN, NANO, Family, recognise


@pytest.mark.parametrize("family", (DEV, *KLEIN), ids=lambda family: family.name)
def test_a_checkpoint_is_recognised_by_what_its_files_say(family: Family) -> None:
    assert family.size is not None
    found = recognise(family.kv, family.distilled, family.size.heads, family.size.guidance_embeds)
    assert found is family
    assert FAMILIES[found.name] is family


@pytest.mark.parametrize(
    ("kv", "distilled", "heads", "guided", "final", "guidance"),
    [
        (True, True, 24, False, 4, 1.0),
        (False, False, 2, False, 50, 4.0),
        (False, True, 2, True, 50, 4.0),
        (False, True, 24, True, 50, 4.0),
    ],
)
def test_another_size_is_custom_and_its_licence_unknown(
    kv: bool, distilled: bool, heads: int, guided: bool, final: int, guidance: float
) -> None:
    found = recognise(kv, distilled, heads, guided)
    assert (found.name, found.kv, found.distilled) == ("custom", kv, distilled)
    assert found.steps is not None
    assert (found.steps["final"], found.guidance) == (final, guidance)
    assert "unknown" in found.licence and not found.commercial_use


@pytest.mark.parametrize("family", (NANO, DEV, *KLEIN), ids=lambda family: family.name)
def test_weights_that_may_be_used_commercially_are_apache(family: Family) -> None:
    assert family.commercial_use == (family.licence == "Apache-2.0")
    assert family.commercial_use == ("4b" in family.name or family is NANO)
    assert family.steps is not None
    assert set(family.steps) == {"preview", "standard", "final"}


@pytest.mark.parametrize("family", (DEV, *KLEIN), ids=lambda family: family.name)
def test_text_encoders_give_what_transformers_take(family: Family) -> None:
    assert family.text_encoder is not None and family.size is not None
    assert family.text_encoder.width * len(family.text_encoder.layers) == family.size.text_width


@pytest.mark.parametrize("family", HOSTED, ids=lambda family: family.name)
def test_hosted_tiers_have_no_weights(family: Family) -> None:
    assert family.hosted and family.max_references == 8
    assert (family.hub, family.size, family.text_encoder) == (None, None, None)
    assert (family.steps is None) == (family.name != "flux.2-flex")
