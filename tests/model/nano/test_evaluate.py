"""The evaluation as a whole, of a nano that was never trained."""

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


class Painter:
    """Counts how many pictures are asked for at a time."""

    def __init__(self) -> None:
        self.counts: list[int] = []

    def render(self, requests: Sequence[RenderRequest]) -> list[Image.Image]:
        self.counts.append(len(requests))
        return [Image.new("RGB", (16, 16))] * len(requests)


def test_rendering_ends_with_its_time() -> None:
    painter, asked = Painter(), [RenderRequest("a mug", (), 128, 128, seed=1, steps=4)] * 20
    assert len(TimedRenderer(painter, math.inf, 8).render(asked)) == 20
    assert painter.counts == [8, 8, 4]
    with pytest.raises(OutOfTimeError):
        TimedRenderer(painter, time.monotonic() - 1, 8).render(asked)


SECTIONS = ("seen", "held_out", "natural words", "in words")


@pytest.mark.parametrize("seconds", [None, -1.0])
def test_what_there_is_no_time_for_is_named(
    random_nano: Path, art: Path, seconds: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measures, "SCENE_PHRASES", 1)
    monkeypatch.setattr(measures, "SCENE_EXAMPLES", 1)
    monkeypatch.setattr(measures, "WORDED", measures.WORDED[:2])
    report = evaluate(str(random_nano), art, "cpu", count=2, steps=(1, 2), seconds=seconds)
    done = [(name, part) for name in SECTIONS for part in report.get(name, {})]
    assert len(done) + len(report.get("left out", [])) == 11
    assert len(done) == (11 if seconds is None else 0)
    if seconds is None:
        assert set(report["seen"]) == {"1 steps", "2 steps", "changed", "permuted"}
        assert set(report["natural words"]["seen"]) == {"both found", "apart"}
