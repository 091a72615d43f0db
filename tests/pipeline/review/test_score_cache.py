"""The cache of scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from brandpress.pipeline.review.measures.measure import Scale
from brandpress.pipeline.review.sample import Sample
from brandpress.pipeline.review.score import Score
from brandpress.pipeline.review.score_cache import ScoreCache


@dataclass
class Counting:
    """A measure that counts how often it's computed."""

    identity: str = "counting/1"
    calls: list[str] = field(default_factory=list)

    @property
    def scales(self) -> Mapping[str, Scale]:
        """One score."""
        return {"counting": Scale("higher", 0, 1, "")}

    def inputs(self, sample: Sample) -> Any:
        """The prompt."""
        return sample.prompt

    def __call__(self, sample: Sample) -> Sequence[Score]:
        """Returns the number of calls."""
        self.calls.append(sample.prompt)
        return [Score("counting", float(len(self.calls)), evidence={"prompt": sample.prompt})]


SAMPLE = Sample(Image.new("RGB", (8, 8)), "a mug", file_sha256="0" * 64)


def test_equal_inputs_are_computed_once(tmp_path: Path) -> None:
    measure, cache = Counting(), ScoreCache(tmp_path)
    assert cache.scores(measure, SAMPLE) == cache.scores(measure, SAMPLE)
    assert len(measure.calls) == 1
    cache.scores(measure, Sample(SAMPLE.picture, "a lamp", file_sha256="0" * 64))
    cache.scores(measure, Sample(SAMPLE.picture, "a mug", file_sha256="1" * 64))
    assert len(measure.calls) == 3
    measure.identity = "counting/2"
    cache.scores(measure, SAMPLE)
    assert len(measure.calls) == 4


@pytest.mark.parametrize("content", [b"", b"{", b"[{}]", b"5", b"\xff", b'[{"measure": "a", "value": "x"}]'])
def test_broken_entries_are_computed_again(content: bytes, tmp_path: Path) -> None:
    measure, cache = Counting(), ScoreCache(tmp_path)
    cache.scores(measure, SAMPLE)
    (file,) = tmp_path.glob("*/*.json")
    file.write_bytes(content)
    assert cache.scores(measure, SAMPLE)[0].value == 2


def test_without_a_folder_everything_is_computed(tmp_path: Path) -> None:
    measure = Counting()
    for cache in (ScoreCache(None), ScoreCache(tmp_path / "file")):
        (tmp_path / "file").write_text("in the way")
        cache.scores(measure, SAMPLE)
        cache.scores(measure, SAMPLE)
    assert len(measure.calls) == 4
