"""The whole evaluation, with an untrained nano."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from brandpress.model import RenderRequest
from brandpress.model.nano import measures
from brandpress.model.nano.evaluate import OutOfTimeError, TimedRenderer, evaluate


class CountingRenderer:
    """Records the number of requests of each call."""

    def __init__(self) -> None:
        self.counts: list[int] = []

    def render(self, requests: Sequence[RenderRequest]) -> list[Image.Image]:
        self.counts.append(len(requests))
        return [Image.new("RGB", (16, 16))] * len(requests)


def test_rendering_stops_at_the_deadline() -> None:
    renderer, requests = CountingRenderer(), [RenderRequest("a mug", (), 128, 128, seed=1, steps=4)] * 20
    assert len(TimedRenderer(renderer, math.inf, 8).render(requests)) == 20
    assert renderer.counts == [8, 8, 4]
    with pytest.raises(OutOfTimeError):
        TimedRenderer(renderer, time.monotonic() - 1, 8).render(requests)


SECTIONS = ("seen", "held_out", "natural words", "in words")


@pytest.mark.parametrize("seconds", [None, -1.0])
def test_sections_without_time_are_listed(
    random_nano: Path, art: Path, seconds: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measures, "SCENE_PHRASES", 1)
    monkeypatch.setattr(measures, "SCENE_EXAMPLES", 1)
    monkeypatch.setattr(measures, "NAMEABLE_SCENES", measures.NAMEABLE_SCENES[:2])
    report = evaluate(str(random_nano), art, "cpu", count=2, steps=(1, 2), seconds=seconds)
    measured = [(name, part) for name in SECTIONS for part in report.get(name, {})]
    assert len(measured) + len(report.get("left out", [])) == 11
    assert len(measured) == (11 if seconds is None else 0)
    if seconds is None:
        assert set(report["seen"]) == {"1 steps", "2 steps", "changed", "permuted"}
        assert set(report["natural words"]["seen"]) == {"both found", "apart"}
