"""The whole evaluation, with an untrained nano."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from brandpress.model import Renderer, RenderRequest
from brandpress.model.nano import measures
from brandpress.model.nano.evaluate import OutOfTimeError, Strangers, TimedRenderer, evaluate
from brandpress.model.nano.evaluation import grounds
from brandpress.model.nano.evaluation.brand import NOTO_CHARACTERS, NOTO_PRODUCTS


@pytest.fixture
def strangers_art(tmp_path: Path) -> Path:
    """A package of emoji that are all the same square."""
    file = tmp_path / "node_modules/@iconify-json/noto/icons.json"
    file.parent.mkdir(parents=True)
    icon = {"body": '<rect x="32" y="32" width="64" height="64" fill="#ff0000"/>'}
    file.write_text(json.dumps({"icons": {row[0]: icon for row in (*NOTO_PRODUCTS, *NOTO_CHARACTERS)}}))
    return tmp_path


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


SECTIONS = ("stranger", "seen", "held_out", "natural words", "in words")


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [None, -1.0])
def test_sections_without_time_are_listed(
    random_nano: Path, art: Path, seconds: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measures, "SCENE_PHRASES", 1)
    monkeypatch.setattr(measures, "SCENE_EXAMPLES", 1)
    monkeypatch.setattr(measures, "NAMEABLE_SCENES", measures.NAMEABLE_SCENES[:2])
    report = evaluate(str(random_nano), art, "cpu", count=2, steps=(1, 2), seconds=seconds, size=128)
    measured = [(name, part) for name in SECTIONS for part in report.get(name, {})]
    assert len(measured) + len(report.get("left out", [])) == 11
    assert len(measured) == (11 if seconds is None else 0)
    if seconds is None:
        assert set(report["seen"]) == {"1 steps", "2 steps", "changed", "permuted"}
        assert set(report["natural words"]["seen"]) == {"both found", "apart"}


def test_sections_whose_pictures_are_missing_are_listed_with_the_reason(random_nano: Path, art: Path) -> None:
    report = evaluate(str(random_nano), art, "cpu", steps=(1,), size=128, only=["stranger"])
    assert "stranger" not in report
    assert set(report["not measured"]) == {
        f"stranger, {part}" for part in ("pairs", "photographs", "three and four", "signs", "grounds")
    }
    assert "noto" in report["not measured"]["stranger, pairs"]
    assert "--photographs" in report["not measured"]["stranger, photographs"]


def test_a_strangers_pictures_are_measured_and_written(
    random_nano: Path, strangers_art: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grounds, "GROUNDS", grounds.GROUNDS[1:3])
    strangers = Strangers(
        Renderer.load(str(random_nano), device="cpu"), strangers_art, None, "cpu", 128, 1, tmp_path / "sheet.png"
    )
    assert set(strangers.grounds()) == {"white", "hex colours"}
    assert (tmp_path / "sheet-grounds.png").is_file()
