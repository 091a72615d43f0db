"""Requests that are rejected before anything is sent."""

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
    ("tier", "fields", "message"),
    [
        ("pro", {"steps": 20}, r"steps 20: flux\.2-pro has fixed steps"),
        ("max", {"steps": 20}, r"steps 20: flux\.2-max has fixed steps"),
        ("pro", {"guidance": 3.5}, r"guidance 3\.5: flux\.2-pro has fixed guidance"),
        ("max", {"upsample": True}, r"upsample: flux\.2-max doesn't rewrite prompts"),
        ("flex", {"steps": 0}, "steps 0: allowed: 1 to 50"),
        ("flex", {"steps": 51}, "steps 51: allowed: 1 to 50"),
        ("flex", {"guidance": 1.4}, r"guidance 1\.4: allowed: 1\.5 to 10"),
        ("flex", {"guidance": 10.1}, r"guidance 10\.1: allowed: 1\.5 to 10"),
        ("flex", {"guidance": float("nan")}, r"guidance nan: allowed: 1\.5 to 10"),
        ("flex", {"negative_prompt": "rain"}, r"negative_prompt: flux\.2-flex doesn't support it"),
        ("pro", {"width": 1000}, "size 1000x1024: width and height must be multiples of 16"),
        ("pro", {"width": 48, "height": 64}, "size 48x64: at least 64 pixels per side"),
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
        (
            "pro",
            {"references": (LARGE,) * 8, "width": 1040},
            r"9\.0 megapixels, flux\.2-pro takes at most 9; use",
        ),
        ("pro", {"references": (LARGE,) * 3, "reference_pixels": 4_000_000}, r"12\.4 megapixels"),
    ],
)
def test_invalid_requests_are_rejected(tier: str, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError, match=message):
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
def test_valid_requests_pass(tier: str, fields: dict[str, Any]) -> None:
    check(RenderRequest("a fox", **fields), FAMILIES[f"flux.2-{tier}"])
