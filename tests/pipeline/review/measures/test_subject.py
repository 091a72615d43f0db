"""Likeness of subjects and of their colours, with a network that sees colours only."""

from __future__ import annotations

import random

import pytest
from PIL import Image, ImageDraw

from brandpress.pipeline.review.colours import ColourShare
from brandpress.pipeline.review.features.network import FeatureNetwork
from brandpress.pipeline.review.features.template import ReferenceTemplates
from brandpress.pipeline.review.measures.subject import SubjectLikeness, colour_distance
from brandpress.pipeline.review.sample import ReferencePicture, Subject
from brandpress.pipeline.review.score import Score
from tests.bench.measures.damage import recoloured
from tests.pipeline.review.pictures import ColourCells, sample, shown, subject


@pytest.fixture(scope="module")
def likeness() -> SubjectLikeness:
    return SubjectLikeness(ColourCells())


def cutout(likeness: SubjectLikeness, name: str) -> Image.Image:
    """Returns a subject's cut-out."""
    return likeness.templates_of(subject(name).references[0]).cutouts[0]


def by_measure(scores: list[Score]) -> dict[str, float]:
    """Returns measure -> value."""
    return {score.measure: score.value or 0.0 for score in scores}


def test_the_right_subject_is_alike(likeness: SubjectLikeness) -> None:
    right = by_measure([*likeness(sample(shown(cutout(likeness, "mug")), subject("mug")))])
    wrong = by_measure([*likeness(sample(shown(cutout(likeness, "backpack")), subject("mug")))])
    assert right["subject"] > wrong["subject"] + 0.1
    assert right["colour"] < 6 < wrong["colour"]


def test_other_colours_are_noticed(likeness: SubjectLikeness) -> None:
    right = by_measure([*likeness(sample(shown(cutout(likeness, "mug")), subject("mug")))])
    turned = shown(recoloured(cutout(likeness, "mug"), random.Random(1)))
    assert by_measure([*likeness(sample(turned, subject("mug")))])["colour"] > right["colour"] + 8


def test_a_scene_may_show_through_holes(likeness: SubjectLikeness) -> None:
    """White enclosed by a ring on white may be a hole, or paint."""
    reference = Image.new("RGB", (96, 96), "white")
    ImageDraw.Draw(reference).ellipse((12, 12, 83, 83), outline="#c03020", width=20)
    ring = Subject("product", "ring", (ReferencePicture(reference, "ring"),))
    distances = []
    for item in likeness.templates_of(ring.references[0]).cutouts:
        picture = Image.new("RGB", (192, 192), "#3060a0")
        picture.paste(item, (60, 60), item)
        distances.append(by_measure([*likeness(sample(picture, ring))])["colour"])
    assert len(distances) == 2
    assert max(distances) < 8


def test_a_white_subject_on_white_is_not_all_hole(likeness: SubjectLikeness) -> None:
    """Dark seams enclose white fabric. If that were a hole, any colour of the shirt would do."""

    def shirt(fabric: str) -> Image.Image:
        item = Image.new("RGBA", (160, 160))
        draw = ImageDraw.Draw(item)
        draw.rectangle((20, 20, 140, 140), fill=fabric, outline="#333333", width=4)
        draw.line([(80, 20), (80, 140)], fill="#333333", width=4)
        return item

    reference = Image.new("RGB", (200, 200), "white")
    reference.paste(shirt("white"), (20, 20), shirt("white"))
    product = Subject("product", "shirt", (ReferencePicture(reference, "shirt"),))

    def distance(fabric: str) -> float:
        picture = Image.new("RGB", (256, 256), "#308050")
        picture.paste(shirt(fabric), (50, 60), shirt(fabric))
        return by_measure([*likeness(sample(picture, product))])["colour"]

    assert len(likeness.templates_of(product.references[0]).cutouts) == 2
    assert distance("white") < 1
    assert min(distance("#c03020"), distance("#3040c0")) > 25


def test_each_subject_has_its_own_scores_with_evidence(likeness: SubjectLikeness) -> None:
    scores = likeness(sample(shown(cutout(likeness, "mug")), subject("mug"), subject("fox", "character")))
    assert [(score.measure, score.subject) for score in scores] == [
        ("subject", "product:mug"),
        ("colour", "product:mug"),
        ("subject", "character:fox"),
        ("colour", "character:fox"),
    ]
    evidence = scores[0].evidence
    assert evidence["reference"] == subject("mug").references[0].sha256
    assert len(evidence["box"]) == 4
    assert set(scores[1].evidence) >= {"expected", "shown", "box"}


def test_the_nearest_of_several_references_counts(likeness: SubjectLikeness) -> None:
    both = Subject("product", "mug", (*subject("fox").references, *subject("mug").references))
    score = likeness(sample(shown(cutout(likeness, "mug")), both))[0]
    assert score.evidence["reference"] == subject("mug").references[0].sha256


def test_missing_subjects_and_references_have_no_score(likeness: SubjectLikeness) -> None:
    picture = shown(cutout(likeness, "mug"))
    assert {score.reason for score in likeness(sample(picture))} == {"the variant has no character or product"}
    scores = likeness(sample(picture, Subject("product", "lamp", ())))
    assert {(score.subject, score.reason) for score in scores} == {("product:lamp", "product:lamp has no references")}


def test_a_subject_at_the_edge_is_compared_inside_the_picture(likeness: SubjectLikeness) -> None:
    picture = shown(cutout(likeness, "mug"), side=256).crop((60, 20, 256, 216))
    scores = by_measure([*likeness(sample(picture, subject("mug")))])
    assert scores["colour"] < 12


def test_colour_distances_count_missing_and_extra_colours() -> None:
    green, white = ColourShare("#1f4d3a", 0.5), ColourShare("#ffffff", 0.5)
    red = ColourShare("#ff0000", 0.5)
    assert colour_distance([green, white], [white, green]) == 0
    assert colour_distance([green, white], [green, red]) == pytest.approx(colour_distance([green, red], [green, white]))
    assert colour_distance([green, white], [green, red]) > 10


def test_the_templates_of_the_last_references_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A catalogue has thousands of references, each of which takes megabytes."""
    monkeypatch.setattr("brandpress.pipeline.review.measures.subject.MAX_TEMPLATES", 2)
    computed = list[str]()
    likeness = SubjectLikeness(ColourCells())
    of = ReferenceTemplates.of

    def counted(network: FeatureNetwork, picture: Image.Image) -> ReferenceTemplates:
        computed.append("")
        return of(network, picture)

    monkeypatch.setattr(ReferenceTemplates, "of", counted)
    for name, count in (("mug", 1), ("fox", 2), ("mug", 2), ("backpack", 3), ("mug", 3), ("fox", 4)):
        likeness.templates_of(subject(name).references[0])
        assert len(computed) == count, name
