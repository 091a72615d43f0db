"""The FLUX.2 family as a table: each model's licence, steps, guidance, and kind of pipeline. No torch here.

Sources: the model cards and `model_index.json` of black-forest-labs' repositories.
"""

from __future__ import annotations

from dataclasses import dataclass

DISTILLED_STEPS = {"preview": 4, "standard": 4, "final": 4}
FULL_STEPS = {"preview": 6, "standard": 20, "final": 50}
NON_COMMERCIAL = "FLUX Non-Commercial License"
UNKNOWN_LICENCE = "unknown: see the checkpoint's model card"


@dataclass(frozen=True, slots=True)
class Family:
    """One model of the family.

    steps: sampling steps of each quality preset. guidance: the default scale. hub: the repository that holds the
    weights in diffusers' layout, None for what ships with this package. kv: references attend to references only.
    distilled: guidance is built in; an undistilled model runs a second, unconditional pass. heads: attention heads of
    the transformer, which tell the sizes apart.
    """

    name: str
    licence: str
    commercial_use: bool
    hub: str | None
    heads: int
    steps: dict[str, int]
    guidance: float = 1.0
    kv: bool = False
    distilled: bool = True
    max_references: int = 10


KLEIN = (
    Family("flux.2-klein-4b", "Apache-2.0", True, "black-forest-labs/FLUX.2-klein-4B", 24, DISTILLED_STEPS),
    Family("flux.2-klein-9b", NON_COMMERCIAL, False, "black-forest-labs/FLUX.2-klein-9B", 32, DISTILLED_STEPS),
    Family(
        "flux.2-klein-9b-kv",
        NON_COMMERCIAL,
        False,
        "black-forest-labs/FLUX.2-klein-9b-kv",
        32,
        DISTILLED_STEPS,
        kv=True,
    ),
    Family(
        "flux.2-klein-base-4b",
        "Apache-2.0",
        True,
        "black-forest-labs/FLUX.2-klein-base-4B",
        24,
        FULL_STEPS,
        guidance=4.0,
        distilled=False,
    ),
    Family(
        "flux.2-klein-base-9b",
        NON_COMMERCIAL,
        False,
        "black-forest-labs/FLUX.2-klein-base-9B",
        32,
        FULL_STEPS,
        guidance=4.0,
        distilled=False,
    ),
)
NANO = Family("nano", "Apache-2.0", True, None, 8, {"preview": 4, "standard": 4, "final": 8}, kv=True)
FAMILIES = {family.name: family for family in (NANO, *KLEIN)}


def recognise(kv: bool, distilled: bool, heads: int) -> Family:
    """The family of a klein checkpoint by what its files say; one of no known size is `custom`, its licence unknown."""
    for family in KLEIN:
        if (family.kv, family.distilled, family.heads) == (kv, distilled, heads):
            return family
    steps, guidance = (DISTILLED_STEPS, 1.0) if distilled else (FULL_STEPS, 4.0)
    return Family("custom", UNKNOWN_LICENCE, False, None, heads, steps, guidance, kv, distilled)
