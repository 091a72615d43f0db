"""Calibration from references, with a network that sees colours only, and its files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from statistics import median
from xml.etree import ElementTree

import pytest

from brandpress.model.errors import RequestError
from brandpress.pipeline.review.calibration.calibrate import SubjectCalibration, calibrate
from brandpress.pipeline.review.calibration.file import (
    SCHEMA,
    StoredCalibration,
    calibration_json,
    calibration_path,
    read_calibration,
    usable_thresholds,
    write,
)
from brandpress.pipeline.review.calibration.pictures import SIDE, placed
from brandpress.pipeline.review.calibration.plot import calibration_svg
from brandpress.pipeline.review.measures.subject import SubjectLikeness
from brandpress.pipeline.review.sample import Subject
from brandpress.pipeline.spec.brand import BrandSpec
from brandpress.pipeline.spec.load import load_campaign
from brandpress.pipeline.spec.problem import SpecError
from tests.campaigns import write_campaign
from tests.pipeline.review.pictures import ColourCells, subject

METHOD = "subject/3 colour cells"


@pytest.fixture(scope="module")
def likeness() -> SubjectLikeness:
    return SubjectLikeness(ColourCells())


@pytest.fixture(scope="module")
def results(likeness: SubjectLikeness) -> tuple[SubjectCalibration, ...]:
    """The calibration of three subjects."""
    teapot = Subject("product", "teapot", (*subject("teapot-left").references, *subject("teapot-right").references))
    return calibrate([subject("mug"), teapot, subject("fox", "character")], likeness, pictures=5)


def test_each_subject_gets_thresholds(results: tuple[SubjectCalibration, ...]) -> None:
    assert [one.subject for one in results] == ["product:mug", "product:teapot", "character:fox"]
    for one in results:
        assert list(one.measures) == ["subject", "colour"]
        assert len(one.measures["subject"].others) == 5
        assert median(one.measures["subject"].own) > median(one.measures["subject"].others)
    assert [len(one.measures["subject"].own) for one in results] == [
        5,
        7,
        5,
    ]  # both teapots are compared


def test_calibration_is_repeatable(likeness: SubjectLikeness) -> None:
    assert calibrate([subject("mug")], likeness, pictures=4) == calibrate([subject("mug")], likeness, pictures=4)


def test_a_single_subject_has_no_others(likeness: SubjectLikeness) -> None:
    (result,) = calibrate([subject("mug")], likeness, pictures=4)
    assert not result.measures["subject"].separated
    assert result.measures["subject"].others == ()


def test_a_brand_without_subjects_is_an_error(likeness: SubjectLikeness) -> None:
    with pytest.raises(RequestError, match="nothing to calibrate"):
        calibrate([], likeness)


def test_pictures_differ_by_their_seed(likeness: SubjectLikeness) -> None:
    cutout = likeness.templates_of(subject("mug").references[0]).cutouts[0]
    assert placed(cutout, 1).tobytes() == placed(cutout, 1).tobytes() != placed(cutout, 2).tobytes()
    assert placed(cutout, 1).size == (SIDE, SIDE)


def test_the_drawing_shows_all_subjects(results: tuple[SubjectCalibration, ...], likeness: SubjectLikeness) -> None:
    named = [replace(results[0], subject="product:<mug>"), *results[1:]]
    drawing = calibration_svg("north & wind", named, likeness.scales)
    root = ElementTree.fromstring(drawing)
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"product:<mug>", "product:teapot", "character:fox", "Calibration of north & wind"} <= set(texts)
    circles = list(root.iter("{http://www.w3.org/2000/svg}circle"))
    assert len(circles) == sum(len(m.own) + len(m.others) for one in results for m in one.measures.values())


@pytest.fixture
def brand(tmp_path: Path) -> BrandSpec:
    """A brand with the products mug and bottle."""
    return load_campaign(write_campaign(tmp_path, 1)).brand


def stored(brand: BrandSpec, results: tuple[SubjectCalibration, ...]) -> Path:
    """Writes a calibration of the brand's mug and bottle, with the digest of the mug's reference only."""
    (mug,) = brand.pictures_of("product", "mug")
    renamed = [replace(results[0], references=(mug.sha256,)), replace(results[0], subject="product:bottle")]
    path = calibration_path(brand)
    write(path, json.dumps(calibration_json(brand.name, METHOD, "references", renamed)))
    return path


def test_thresholds_of_changed_references_arent_used(brand: BrandSpec, results: tuple[SubjectCalibration, ...]) -> None:
    calibration = read_calibration(stored(brand, results))
    assert isinstance(calibration, StoredCalibration)
    usable = usable_thresholds(calibration, brand, METHOD)
    assert set(usable.thresholds) == {("subject", "product:mug"), ("colour", "product:mug")}
    (warning,) = usable.warnings
    assert warning.endswith(
        "northwind.calibration.json: product:bottle: its references have changed since the calibration; run "
        "`brandpress calibrate` again"
    )


def test_thresholds_of_another_method_arent_used(brand: BrandSpec, results: tuple[SubjectCalibration, ...]) -> None:
    usable = usable_thresholds(read_calibration(stored(brand, results)), brand, "subject/3 other")
    assert not usable.thresholds
    assert "calibrated for 'subject/3 colour cells', not 'subject/3 other'" in usable.warnings[0]


def test_without_a_file_there_are_no_thresholds(brand: BrandSpec) -> None:
    assert read_calibration(calibration_path(brand)) is None
    assert not usable_thresholds(None, brand, METHOD).thresholds


VALID = {"schema": SCHEMA, "brand": "northwind", "method": METHOD, "basis": "references", "subjects": {}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{\n  nonsense", r":2:3: this isn't valid JSON"),
        ("[]", r":1:1: the file: "),
        ("[" * 100_000, r":1:1: this isn't "),
        ("\udcff", r":1:1: this isn't a calibration"),
        (json.dumps(VALID | {"schema": "other/1"}), r":1:1: schema: 'other/1' isn't known; allowed: 'brandpress.cal"),
        (json.dumps(VALID | {"subjects": {"a": {"references": []}}}), r":1:1: subjects.a.measures: "),
        (json.dumps(VALID | {"more": 1}), r":1:1: more: "),
        (json.dumps(VALID).replace("{}", '{"a": {"references": [], "measures": {"subject": {"threshold": NaN, '
                                         '"separated": true, "own": [], "others": []}}}}'),
         r":1:1: subjects.a.measures.subject.threshold: "),
    ],
)  # fmt: skip
def test_broken_files_are_errors_with_a_place(content: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "northwind.calibration.json"
    file.write_text(content, "utf-8", errors="surrogateescape")
    with pytest.raises(SpecError, match=message):
        read_calibration(file)


def test_an_unwritable_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="the calibration can't be written"):
        write(tmp_path / "missing" / "a.json", "{}")
