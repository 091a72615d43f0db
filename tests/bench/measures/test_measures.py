"""The evaluation of the measures: its pictures, its figures and its document."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from brandpress.pipeline.review.foreground import cutouts_of
from brandpress.pipeline.review.measures.subject import SubjectLikeness
from brandpress.pipeline.review.measures.text import Text
from brandpress.pipeline.review.score import Score
from brandpress.pipeline.review.score_cache import ScoreCache
from tests.bench.measures.art import Drawing
from tests.bench.measures.damage import MIN_CHANGE, melted, recoloured, warped
from tests.bench.measures.document import figures_text, with_figures
from tests.bench.measures.evaluate import Scored, areas, gate_result, plain_areas, score_all, subject_of
from tests.bench.measures.labelled import FAULTS, RIGHT, Labelled, labelled
from tests.bench.measures.roc import GateFigures, auc, gate_figures
from tests.pipeline.review.pictures import REFERENCES, ColourCells


@pytest.fixture(scope="module")
def subjects() -> list[Drawing]:
    """The demo's subjects, two of each kind."""
    kinds = {"mug": "ware", "bottle": "ware", "fox": "animal", "frog": "animal"}
    return [Drawing(name, kind, cutouts_of(Image.open(REFERENCES / f"{name}.png"))[0]) for name, kind in kinds.items()]


@pytest.fixture(scope="module")
def pictures(subjects: list[Drawing]) -> list[Labelled]:
    """A few pictures of each label."""
    return list(labelled(subjects, 0.05))


@pytest.mark.slow
def test_each_label_has_pictures(pictures: list[Labelled], subjects: list[Drawing]) -> None:
    labels = Counter(one.label for one in pictures)
    assert set(labels) == {RIGHT, *FAULTS}
    assert all('"' in one.prompt for one in pictures if one.label == "unreadable text")
    again = next(iter(labelled(subjects, 0.05)))
    assert again.picture.tobytes() == pictures[0].picture.tobytes()


@pytest.mark.parametrize("damage", [recoloured, warped, melted])
def test_damage_changes_a_drawing(damage: object, subjects: list[Drawing]) -> None:
    cutout = subjects[0].cutout
    damaged = damage(cutout, random.Random(3))  # type: ignore[operator]
    assert damaged.size == cutout.size
    change = np.abs(np.asarray(damaged, np.float64) - np.asarray(cutout, np.float64)).mean()
    assert change > 3


def test_another_colour_is_visible(subjects: list[Drawing]) -> None:
    for one in subjects:
        opaque = np.asarray(one.cutout)[..., 3] > 128
        turned = np.asarray(recoloured(one.cutout, random.Random(5)), np.float64)[..., :3]
        change = np.abs(turned - np.asarray(one.cutout, np.float64)[..., :3]).mean(-1)[opaque].mean()
        assert change >= min(MIN_CHANGE, 12)


@pytest.mark.parametrize(
    ("right", "wrong", "expected"), [([2, 3], [0, 1], 1.0), ([0, 1], [2, 3], 0.0), ([1], [1], 0.5), ([1, 3], [2], 0.5)]
)
def test_auc(right: list[float], wrong: list[float], expected: float) -> None:
    assert auc(right, wrong) == expected


def test_precision_and_recall() -> None:
    figures = gate_figures([(True, True)] * 8 + [(False, True)] * 2 + [(True, False)] * 4 + [(False, False)] * 6)
    assert figures == GateFigures(8, 2, 4, 6)
    assert figures.precision == 0.8
    assert figures.recall == pytest.approx(2 / 3)
    assert gate_figures([]).precision == 0


def test_areas_and_gate_by_the_worst_subject() -> None:
    def scored(label: str, *values: float) -> Scored:
        scores = [Score("subject", value, f"product:{number}") for number, value in enumerate(values)]
        return Scored(label, (*scores, Score("colour", 1.0, "product:0")))

    rows = [scored(RIGHT, 0.9, 0.8), scored(RIGHT, 0.7), scored("wrong subject", 0.9, 0.3), scored("melted", 0.75)]
    table = areas(rows)
    assert table["subject"] == {"wrong subject": 1.0, "melted": 0.5}
    thresholds = {("subject", None): 0.6, ("colour", None): 5.0}
    figures, shares = gate_result(rows, thresholds)
    assert figures == GateFigures(1, 0, 1, 2)
    assert shares == {RIGHT: 0, "wrong subject": 1, "melted": 0}


@pytest.mark.slow
def test_a_whole_evaluation(subjects: list[Drawing], pictures: list[Labelled]) -> None:
    likeness = SubjectLikeness(ColourCells())
    by_name = {one.name: subject_of(one) for one in subjects}
    scored = score_all(pictures, by_name, likeness, Text(lambda picture: []), ScoreCache(None), lambda number: None)
    plain = plain_areas(subjects, pictures)
    assert plain["ground"] == plain["fill"] == 1
    assert plain["noise"] > 0.95
    text = figures_text("demo", scored, areas(scored), plain, GateFigures(1, 0, 0, 1), {RIGHT: 0.0})
    document = with_figures("before <!-- figures -->old<!-- end of figures --> after", text)
    assert "old" not in document
    assert document.startswith("before <!-- figures -->\n")
    assert "precision 1.000, recall 1.000" in document
