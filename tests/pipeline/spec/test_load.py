"""Loaded brand specs and campaigns."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from brandpress.model.errors import RequestError
from brandpress.pipeline.spec.brand_file import examine_brand
from brandpress.pipeline.spec.load import load_campaign
from brandpress.pipeline.spec.problem import SpecError
from brandpress.pipeline.spec.size import Size


def test_a_brand_spec(corpus: Path) -> None:
    brand = examine_brand(corpus / "northwind" / "brand.yaml").brand
    assert brand is not None
    assert brand.name == "northwind"
    assert brand.palette == {"pine": "#1f4d3a", "deep-snow": "#f7f7f2"}
    assert brand.ground == "#ffffff"
    assert brand.products["mug"].sku == "NW-100"
    assert brand.products["bottle"].sku is None
    assert brand.styles["plain"].references == ()
    front, side = brand.pictures_of("product", "mug")
    assert (front.file, side.file) == ("pictures/mug-front.png", "pictures/mug-side.webp")
    assert front.path == corpus / "northwind" / "pictures" / "mug-front.png"
    assert front.sha256 == hashlib.sha256(front.path.read_bytes()).hexdigest()


def test_a_campaign(corpus: Path) -> None:
    path = corpus / "good" / "design.yaml"
    campaign = load_campaign(path)
    assert (campaign.name, campaign.model, campaign.brand.name) == ("spring", "../klein", "northwind")
    assert (campaign.deliver, str(campaign.address)) == ("s3://assets/northwind", "s3://assets/northwind")
    assert campaign.path == path
    assert campaign.output.format == "png"
    assert len(campaign.points) == 12
    first = campaign.points[0]
    assert first.axes == {"product": "mug", "character": "fox", "style": "dawn", "scene": "beach"}
    assert first.prompt == "a green mug with a white star on the left, a cheerful fox on the right, on a beach"
    assert (first.name, first.size, first.seed) == ("mug/fox-beach-2048x2048-s0", Size(2048, 2048), 0)
    brand = corpus / "northwind" / "brand.yaml"
    assert campaign.spec_sha256 == hashlib.sha256(path.read_bytes() + brand.read_bytes()).hexdigest()


def test_a_campaign_with_optional_fields(corpus: Path) -> None:
    job = load_campaign(corpus / "good" / "composition.yaml").job
    assert (job.negative_prompt, job.reference_pixels, job.upsample) == ("blurry, text", 512 * 512, False)
    assert job.reuse == "approximate"
    job = load_campaign(corpus / "good" / "hosted.yaml").job
    assert (job.negative_prompt, job.reference_pixels, job.upsample) == ("", 1024 * 1024, True)
    assert job.reuse == "exact"


@pytest.mark.parametrize(
    ("name", "uri"),
    [("formats", "<corpus>/out"), ("smallest", "<corpus>/good/out"), ("only-include", "/tmp/brandpress-corpus")],
)
def test_folders_are_relative_to_the_campaigns_file(
    name: str, uri: str, corpus: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert str(load_campaign(corpus / "good" / f"{name}.yaml").address) == uri.replace("<corpus>", str(corpus))


def test_an_address_of_the_command_line_overrides_deliver(
    corpus: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    path = corpus / "good" / "design.yaml"
    assert str(load_campaign(path, "out").address) == str(tmp_path / "out")
    assert load_campaign(path, "s3://other").spec_sha256 == load_campaign(path).spec_sha256
    with pytest.raises(RequestError, match=r"--deliver: 'gs://' isn't a kind of store"):
        load_campaign(path, "gs://assets")


def test_loaded_campaigns_are_immutable(corpus: Path) -> None:
    campaign = load_campaign(corpus / "good" / "smallest.yaml")
    with pytest.raises(AttributeError):
        campaign.points = ()  # type: ignore[misc]
    with pytest.raises(ValueError, match="frozen"):
        campaign.job.size = Size(64, 64)
    with pytest.raises(ValueError, match="frozen"):
        campaign.brand.name = "other"


def test_all_problems_of_both_files_in_one_error(corpus: Path) -> None:
    with pytest.raises(SpecError) as raised:
        load_campaign(corpus / "bad" / "many-in-both-files" / "job.yaml")
    files = {Path(problem.file).name for problem in raised.value.problems}
    assert files == {"job.yaml", "brand.yaml"}
    assert len(raised.value.problems) == 11
    assert examine_brand(corpus / "bad" / "many-in-both-files" / "brand.yaml").brand is None


def test_a_picture_that_entities_share_is_read_once(corpus: Path, tmp_path: Path) -> None:
    """All entities have the same object."""
    picture = (corpus / "northwind" / "pictures" / "fox.png").read_bytes()
    (tmp_path / "fox.png").write_bytes(picture)
    (tmp_path / "brand.yaml").write_text(
        "brand: one\ncharacters:\n" + "".join(f"  c{i}: {{description: c, references: [fox.png]}}\n" for i in range(9))
    )
    brand = examine_brand(tmp_path / "brand.yaml").brand
    assert brand is not None
    assert len({id(picture) for name in brand.characters for picture in brand.pictures_of("character", name)}) == 1
