"""A pass over a campaign's latest manifest."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from brandpress.pipeline.deliver.delivery import deliver
from brandpress.pipeline.deliver.encode import Metadata, encode
from brandpress.pipeline.review.calibration.delivered import calibrate_delivered, evenly
from brandpress.pipeline.review.measure_campaign import MeasuredCampaign, all_subjects, measure_campaign
from brandpress.pipeline.review.measures.duplicate import Duplicate, Fingerprint
from brandpress.pipeline.review.measures.noise import Noise
from brandpress.pipeline.review.measures.palette import Palette
from brandpress.pipeline.review.measures.subject import SubjectLikeness
from brandpress.pipeline.review.score_cache import ScoreCache
from brandpress.pipeline.spec.brand import BrandSpec
from brandpress.pipeline.spec.load import load_campaign
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store, StoreError
from tests.campaigns import write_campaign
from tests.pipeline.deliver.records import HEADER, failed, publish_records, record, variant
from tests.pipeline.review.pictures import ColourCells, shown

PICTURES = 6


@pytest.fixture
def brand(tmp_path: Path) -> BrandSpec:
    """A brand with the products mug, a green disc, and bottle, a blue one, and no palette."""
    return load_campaign(write_campaign(tmp_path, 1)).brand


@pytest.fixture
def folder(tmp_path: Path, brand: BrandSpec) -> Store:
    """Pictures of the mug, then as many of the bottle; and a failed variant."""
    folder = open_campaign(str(tmp_path / "store"), "spring")
    subjects = {subject.name: subject for subject in all_subjects(brand)}
    likeness = SubjectLikeness(ColourCells())
    records = []
    for number in range(2 * PICTURES):
        name = "mug" if number < PICTURES else "bottle"
        cutout = likeness.templates_of(subjects[name].references[0]).cutouts[0]
        picture = shown(cutout, side=96, length=0.4 + 0.05 * (number % PICTURES))
        data = encode(picture, "png", Metadata("0" * 64, "test"))
        written = record(number, axes={"product": name})
        records.append(deliver(folder, written, variant(number).asset, data))
    publish_records(folder, HEADER, 2 * PICTURES + 1, [*records, failed(2 * PICTURES)], list)
    return folder


def measured(folder: Store, brand: BrandSpec, cache: Path) -> MeasuredCampaign:
    """Returns the campaign's scores."""
    measures = (Noise(), Palette(), Fingerprint(), SubjectLikeness(ColourCells()))
    return measure_campaign(folder, brand, measures, (Duplicate(),), ScoreCache(cache))


def test_all_pictures_are_measured(folder: Store, brand: BrandSpec, tmp_path: Path) -> None:
    result = measured(folder, brand, tmp_path / "cache")
    assert result.manifest == "manifests/00000001/manifest.json"
    assert len(result.pictures) == 2 * PICTURES
    assert not result.broken
    first = {(score.measure, score.subject): score for score in result.pictures[0].scores}
    assert set(first) == {
        ("noise", None), ("palette", None), ("fingerprint", None), ("duplicate", None),
        ("subject", "product:mug"), ("colour", "product:mug"),
    }  # fmt: skip
    assert first["palette", None].reason == "the brand has no palette"
    assert (first["subject", "product:mug"].value or 0) > 0.7


def test_a_second_pass_reads_the_cache(folder: Store, brand: BrandSpec, tmp_path: Path) -> None:
    before = measured(folder, brand, tmp_path / "cache")
    entries = {file: file.stat().st_mtime_ns for file in (tmp_path / "cache").glob("*/*.json")}
    assert len(entries) == 4 * 2 * PICTURES
    after = measured(folder, brand, tmp_path / "cache")
    assert entries == {file: file.stat().st_mtime_ns for file in (tmp_path / "cache").glob("*/*.json")}
    assert [picture.name for picture in after.pictures] == [picture.name for picture in before.pictures]


def test_missing_and_changed_pictures_are_reported(folder: Store, brand: BrandSpec, tmp_path: Path) -> None:
    missing, changed, other = (tmp_path / "store" / "spring" / variant(number).asset for number in (0, 1, 2))
    missing.unlink()
    changed.write_bytes(changed.read_bytes()[:50])
    other.write_bytes(encode(Image.new("RGB", (8, 8)), "png", Metadata("0" * 64, "test")))
    result = measured(folder, brand, tmp_path / "cache")
    assert len(result.pictures) == 2 * PICTURES - 3
    assert [line.rpartition(": ")[2] for line in result.broken] == [
        "the picture is missing",
        "the picture has changed",
        "the picture has changed",
    ]


def test_a_subject_that_the_brand_lost_is_left_out(folder: Store, brand: BrandSpec, tmp_path: Path) -> None:
    smaller = brand.model_copy(update={"products": {"mug": brand.products["mug"]}})
    result = measured(folder, smaller, tmp_path / "cache")
    scores = [score for score in result.pictures[-1].scores if score.measure == "subject"]
    assert [(score.value, score.reason) for score in scores] == [(None, "the variant has no character or product")]


def test_an_unpublished_campaign_is_an_error(brand: BrandSpec, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nothing is published here yet"):
        measured(open_campaign(str(tmp_path), "autumn"), brand, tmp_path / "cache")


def test_calibration_with_delivered_pictures(folder: Store, brand: BrandSpec) -> None:
    mug, bottle = calibrate_delivered(folder, brand, SubjectLikeness(ColourCells()), 5)
    assert (mug.subject, bottle.subject) == ("product:mug", "product:bottle")
    for one in (mug, bottle):
        assert (len(one.measures["subject"].own), len(one.measures["subject"].others)) == (5, 5)
        assert one.measures["colour"].separated


def test_records_are_taken_evenly() -> None:
    records = [record(number) for number in range(10)]
    assert [one.seed for one in evenly(records, 4)] == [0, 2, 5, 7]
    assert evenly(records, 20) == records
    assert evenly([], 4) == []
