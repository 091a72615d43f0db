"""What is refused before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest
from PIL import Image

from brandpress.model.errors import RequestError
from brandpress.model.family import FAMILIES
from brandpress.model.hosted.limits import check
from brandpress.model.request import RenderRequest

MEGAPIXEL = Image.new("RGB", (1024, 1024))
LARGE = Image.new("RGB", (2000, 2000))


@pytest.mark.parametrize(
    ("tier", "fields", "told"),
    [
        ("pro", {"steps": 20}, r"steps 20: flux\.2-pro chooses its own steps"),
        ("max", {"steps": 20}, r"steps 20: flux\.2-max chooses its own steps"),
        ("pro", {"guidance": 3.5}, r"guidance 3\.5: flux\.2-pro chooses its own guidance"),
        ("max", {"upsample": True}, r"upsample: flux\.2-max takes the prompt as it is"),
        ("flex", {"steps": 0}, "steps 0: allowed are 1 to 50"),
        ("flex", {"steps": 51}, "steps 51: allowed are 1 to 50"),
        ("flex", {"guidance": 1.4}, r"guidance 1\.4: allowed are 1\.5 to 10"),
        ("flex", {"guidance": 10.1}, r"guidance 10\.1: allowed are 1\.5 to 10"),
        ("flex", {"guidance": float("nan")}, r"guidance nan: allowed are 1\.5 to 10"),
        ("flex", {"negative_prompt": "rain"}, r"negative_prompt: flux\.2-flex takes none"),
        ("pro", {"width": 1000}, "size 1000x1024: width and height must be multiples of 16"),
        ("pro", {"width": 48, "height": 64}, "size 48x64: at least 64 pixels a side"),
        ("pro", {"width": 2048, "height": 2064}, "size 2048x2064: at most 4,194,304 pixels"),
        ("pro", {"references": (MEGAPIXEL,) * 9}, "references: got 9, at most 8 are allowed"),
        (
            "pro",
            {"references": (Image.new("RGB", (63, 100)),)},
            "reference of 63x100: both sides must be at least 64 pixels",
        ),
        (
            "pro",
            {"references": (Image.new("RGB", (64, 513)),)},
            "reference of 64x513: the aspect ratio must be at most 8:1",
        ),
        ("pro", {"reference_pixels": 4095}, "reference_pixels 4,095: allowed are"),
        ("pro", {"references": (LARGE,) * 8, "width": 1040}, r"9\.0 megapixels, flux\.2-pro takes at most 9;"),
        ("pro", {"references": (LARGE,) * 3, "reference_pixels": 4_000_000}, r"12\.4 megapixels"),
    ],
)
def test_a_request_that_cant_be_served_is_refused(tier: str, fields: dict[str, Any], told: str) -> None:
    with pytest.raises(RequestError, match=told):
        check(RenderRequest("a fox", **fields), FAMILIES[f"flux.2-{tier}"])


@pytest.mark.parametrize(
    ("tier", "fields"),
    [
        ("pro", {}),
        ("pro", {"width": 64, "height": 64}),
        ("pro", {"width": 2048, "height": 2048}),
        ("pro", {"references": (LARGE,) * 8}),
        ("max", {"references": (LARGE,) * 8, "width": 2048, "height": 2048}),
        ("flex", {"steps": 1, "guidance": 1.5, "upsample": True}),
        ("flex", {"steps": 50, "guidance": 10.0}),
        ("flex", {"references": (Image.new("RGB", (64, 512)),)}),
    ],
)
def test_what_is_allowed_passes(tier: str, fields: dict[str, Any]) -> None:
    check(RenderRequest("a fox", **fields), FAMILIES[f"flux.2-{tier}"])
