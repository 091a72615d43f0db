"""The table of the FLUX.2 family."""

from __future__ import annotations

import pytest

from brandpress.model.family import DEV, FAMILIES, HOSTED, KLEIN, NANO, Family, recognise


@pytest.mark.parametrize("family", (DEV, *KLEIN), ids=lambda family: family.name)
def test_a_checkpoint_is_recognised_by_its_properties(family: Family) -> None:
    assert family.size is not None
    recognised = recognise(
        kv=family.kv,
        distilled=family.distilled,
        heads=family.size.heads,
        guidance_embeds=family.size.guidance_embeds,
    )
    assert recognised is family
    assert FAMILIES[recognised.name] is family


@pytest.mark.parametrize(
    ("kv", "distilled", "heads", "guided", "final", "guidance"),
    [
        (True, True, 24, False, 4, 1.0),
        (False, False, 2, False, 50, 4.0),
        (False, True, 2, True, 50, 4.0),
        (False, True, 24, True, 50, 4.0),
    ],
)
def test_an_unknown_checkpoint_is_custom_with_an_unknown_licence(
    kv: bool, distilled: bool, heads: int, guided: bool, final: int, guidance: float
) -> None:
    recognised = recognise(kv=kv, distilled=distilled, heads=heads, guidance_embeds=guided)
    assert (recognised.name, recognised.kv, recognised.distilled) == ("custom", kv, distilled)
    assert recognised.steps is not None
    assert (recognised.steps["final"], recognised.guidance) == (final, guidance)
    assert "unknown" in recognised.licence and not recognised.commercial_use


@pytest.mark.parametrize("family", (NANO, DEV, *KLEIN), ids=lambda family: family.name)
def test_weights_for_commercial_use_are_apache(family: Family) -> None:
    assert family.commercial_use == (family.licence == "Apache-2.0")
    assert family.commercial_use == ("4b" in family.name or family is NANO)
    assert family.steps is not None
    assert set(family.steps) == {"preview", "standard", "final"}


@pytest.mark.parametrize("family", (DEV, *KLEIN), ids=lambda family: family.name)
def test_text_encoders_match_the_transformers_text_width(family: Family) -> None:
    assert family.text_encoder is not None and family.size is not None
    assert family.text_encoder.width * len(family.text_encoder.layers) == family.size.text_width


@pytest.mark.parametrize("family", HOSTED, ids=lambda family: family.name)
def test_hosted_tiers_have_no_weights(family: Family) -> None:
    assert family.hosted and family.max_references == 8
    assert (family.hub, family.size, family.text_encoder) == (None, None, None)
    assert (family.steps is None) == (family.name != "flux.2-flex")
