"""Lists of published pictures: CSV, JSON lines and Google's supplemental feed, typed as commands."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from brandpress.pipeline.cli import app as cli
from brandpress.pipeline.run.picture_lists import _cell
from tests.campaigns import plan_of, write_campaign
from tests.pipeline.run.published import publish_plan

URL = "https://cdn.example/pictures"


def export(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = cli.run(["export", *map(str, arguments)])
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def add_skus(job: Path, **skus: str) -> None:
    file = job.with_name("brand.yaml")
    brand = json.loads(file.read_text())
    for product, sku in skus.items():
        brand["products"][product]["sku"] = sku
    file.write_text(json.dumps(brand))


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """A published campaign of four pictures."""
    job = write_campaign(tmp_path, 2, public_url=URL)
    publish_plan(plan_of(job))
    return job


def test_csv_has_a_line_for_each_picture(job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = export(capsys, "csv", job)
    assert code == 0
    first, *others = rows(out)
    assert len(others) == 3
    assert list(first)[:3] == ["name", "url", "asset"]
    assert (first["name"], first["axis.product"], first["axis.scene"]) == ("bottle/scene00", "bottle", "scene00")
    assert first["url"] == f"{URL}/spring/{first['asset']}"
    assert (first["width"], first["stale"]) == ("64", "false")
    file = job.parent / "out" / "spring" / first["asset"]
    assert file.stat().st_size == int(first["bytes"])


def test_attributes_of_records_become_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = write_campaign(tmp_path, 1, products=("mug",))
    publish_plan(plan_of(job))
    (part,) = (tmp_path / "out" / "spring" / "parts").iterdir()
    fields = json.loads(part.read_text()) | {"attributes": {"product": {"colour": "=HYPERLINK()", "size": 3}}}
    text = json.dumps(fields) + "\n"
    replace_part(tmp_path / "out" / "spring", part, text)
    (row,) = rows(export(capsys, "csv", job)[1])
    assert (row["attribute.product.colour"], row["attribute.product.size"]) == ("'=HYPERLINK()", "3")
    assert row["url"] == ""
    assert json.loads(export(capsys, "jsonl", job)[1])["attributes"]["product"]["size"] == 3


def replace_part(folder: Path, part: Path, text: str) -> None:
    """Replaces a manifest's only part, with all digests that lead to it."""
    import hashlib

    digest = hashlib.sha256(text.encode()).hexdigest()
    (folder / "parts" / f"{digest}.jsonl").write_text(text)
    header = folder / "manifests" / "00000001" / "manifest.json"
    header.write_text(header.read_text().replace(part.stem, digest))
    pointer: dict[str, Any] = json.loads((folder / "latest.json").read_text())
    pointer["sha256"] = hashlib.sha256(header.read_bytes()).hexdigest()
    (folder / "latest.json").write_text(json.dumps(pointer))


def test_a_selection_is_exported(job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def names(*arguments: object) -> list[str]:
        return [row["name"] for row in rows(export(capsys, "csv", job, *arguments)[1])]

    assert names("--select", "scene:scene00") == ["bottle/scene00", "mug/scene00"]
    assert names("--select", "product:mug", "--select", "!scene:scene00") == ["mug/scene01"]
    add_skus(job, mug="NW-100")
    assert names("--select", "sku:NW-1*") == ["mug/scene00", "mug/scene01"]
    assert json.loads(export(capsys, "jsonl", job, "--select", "mug/scene01")[1])["name"] == "mug/scene01"
    code, out, _ = export(capsys, "google-supplemental", job, "--select", "scene:scene01", "--select", "product:mug")
    assert (code, out.count("\n"), "scene00" in out) == (0, 2, False)
    code, _, err = export(capsys, "csv", job, "--select", "scene:scene9")
    assert (code, "no variant matches" in err) == (1, True)


def test_a_selection_of_changes_has_withdrawn_pictures(job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_campaign(job.parent, {"scene00": "somewhere else"}, products=("mug",), public_url=URL)
    publish_plan(plan_of(job))
    changes = rows(export(capsys, "csv", job, "--since", 1, "--select", "scene:scene01")[1])
    assert [(row["change"], row["name"]) for row in changes] == [
        ("withdrawn", "bottle/scene01"),
        ("withdrawn", "mug/scene01"),
    ]


def test_changes_since_a_manifest(job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert rows(export(capsys, "csv", job, "--since", 1)[1]) == []
    scenes = {"scene00": "somewhere else", "scene02": "in scene 2"}
    write_campaign(job.parent, scenes, products=("mug",), public_url=URL)
    publish_plan(plan_of(job))
    changes = {row["name"]: row["change"] for row in rows(export(capsys, "csv", job, "--since", 1)[1])}
    assert changes == {
        "mug/scene00": "replaced",
        "mug/scene02": "added",
        "bottle/scene00": "withdrawn",
        "bottle/scene01": "withdrawn",
        "mug/scene01": "withdrawn",
    }
    lines = [json.loads(line) for line in export(capsys, "jsonl", job, "--since", 1)[1].splitlines()]
    assert {line["name"]: line["change"] for line in lines} == changes
    withdrawn = next(line for line in lines if line["name"] == "mug/scene01")
    assert (job.parent / "out" / "spring" / withdrawn["asset"]).exists(), "it has the earlier picture"
    code, _, err = export(capsys, "csv", job, "--since", 9)
    assert (code, err) == (1, "--since 9: there is no such manifest; allowed: 1, 2\n")


def test_json_lines_hold_the_records(job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [json.loads(line) for line in export(capsys, "jsonl", job)[1].splitlines()]
    assert [line["schema"] for line in lines] == ["brandpress.picture/1"] * 4
    assert lines[0]["prompt"] == "a bottle in scene 0"
    assert lines[0]["url"].startswith(f"{URL}/spring/assets/bottle/scene00.")


def test_the_feed_for_google(job: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, _, err = export(capsys, "google-supplemental", job)
    assert code == 1
    assert "brand.yaml:1:" in err
    assert "the product 'bottle' has no sku, which is its id in the feed; write sku: NW-100" in err
    add_skus(job, mug="NW-100", bottle="NW-200")
    lines = export(capsys, "google-supplemental", job)[1].splitlines()
    assert lines[0] == "id\tadditional_image_link"
    assert [line.split("\t")[0] for line in lines[1:]] == ["NW-200", "NW-100"]
    assert all(link.startswith(URL) for line in lines[1:] for link in line.split("\t")[1].split(","))
    assert [line.count(",") for line in lines[1:]] == [1, 1]
    feed = tmp_path / "feed.tsv"
    assert export(capsys, "google-supplemental", job, "--main", "--out", feed)[1] == f"{feed}\n"
    assert feed.read_text().splitlines()[0] == "id\timage_link\tadditional_image_link"
    assert all(line.count("\t") == 2 for line in feed.read_text().splitlines())


def test_products_of_a_feed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Those that it no longer has are left out, and neither references nor the model are needed."""
    job = write_campaign(tmp_path, 1, public_url=URL)
    products = {"from": "feed.csv", "key": "id", "map": {"sku": "mpn"}}
    job.with_name("brand.yaml").write_text(json.dumps({"brand": "northwind", "products": products}))
    feed = tmp_path / "feed.csv"
    header, rows = "id,description,references,mpn\n", ["mug,a mug,mug.png,NW-1\n", "bottle,a bottle,bottle.png,\n"]
    feed.write_text(header + "".join(rows))
    publish_plan(plan_of(job))
    for picture in tmp_path.glob("*.png"):
        picture.unlink()
    assert export(capsys, "csv", job)[1].count("\n") == 3
    code, _, err = export(capsys, "google-supplemental", job)
    assert (code, "the product 'bottle' has no sku" in err, "map: {sku: …}" in err) == (1, True, True)
    feed.write_text(header + rows[0])
    _, out, err = export(capsys, "google-supplemental", job)
    assert [line.split("\t")[0] for line in out.splitlines()] == ["id", "NW-1"]
    assert err == "warning: the ids are SKUs, which aren't the keys of the products' feed; --id key writes those\n"
    feed.write_text(header + "".join(rows))
    _, out, err = export(capsys, "google-supplemental", job, "--id", "key")
    assert ([line.split("\t")[0] for line in out.splitlines()], err) == (["id", "bottle", "mug"], "")
    feed.write_text("nothing\n")
    assert export(capsys, "google-supplemental", job)[0] == 1


def test_a_picture_with_several_names_is_one_picture_of_the_feed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As channels that share a picture deliver it."""
    matrix = {"product": ["mug"], "channel": {"shop": "shop", "market": "market"}}
    fields = {
        "matrix": matrix,
        "prompt": "{{ product.description }}",
        "output": {"name": "{{ channel }}/{{ product }}"},
    }
    job = write_campaign(tmp_path, 1, public_url=URL, **fields)
    add_skus(job, mug="NW-100")
    publish_plan(plan_of(job))
    assert {row["name"] for row in rows(export(capsys, "csv", job)[1])} == {"shop/mug", "market/mug"}
    _, line = export(capsys, "google-supplemental", job)[1].splitlines()
    assert line.count(URL) == 1


FEED = "id,title,image_link,price\n001,a mug,mug.png,9.90 EUR\n002,a lamp,lamp.png,19.90 EUR\n"


def write_feed_campaign(tmp_path: Path, **products: object) -> Path:
    """Writes a campaign whose products come from a feed, each under two names that share a picture."""
    job = write_campaign(
        tmp_path,
        {},
        products=("mug", "lamp"),
        matrix={"product": "*", "locale": {"de": "Deutsch", "en": "English"}},
        prompt="{{ product.description }}",
        output={"name": "{{ product }}/{{ locale }}"},
        public_url=URL,
    )
    job.with_name("feed.csv").write_text(FEED)
    columns = {"description": "title", "references": "image_link"}
    feed = {"from": "feed.csv", "key": "id", "map": columns, **products}
    job.with_name("brand.yaml").write_text(json.dumps({"brand": "northwind", "products": feed}))
    return job


def test_products_of_feeds_are_exported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = write_feed_campaign(tmp_path)
    publish_plan(plan_of(job))
    lines = export(capsys, "google-supplemental", job)[1].splitlines()
    assert [line.split("\t")[0] for line in lines[1:]] == ["001", "002"]
    assert [line.count("https://") for line in lines[1:]] == [1, 1], "one picture is one link, whatever its names"
    first, *_ = rows(export(capsys, "csv", job)[1])
    assert (first["axis.product"], first["attribute.product.price"]) == ("001", "9.90 EUR")
    job.with_name("feed.csv").unlink()
    assert len(rows(export(capsys, "csv", job)[1])) == 4, "what is published doesn't need the feed"
    code, _, err = export(capsys, "google-supplemental", job)
    assert (code, "products.from: there is no feed 'feed.csv'" in err) == (1, True)


def test_a_product_of_a_feed_without_a_sku_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = write_feed_campaign(tmp_path)
    publish_plan(plan_of(job))
    job.with_name("feed.csv").write_text(FEED.replace("price", "sku").replace("9.90 EUR", "").replace("19.90 EUR", ""))
    code, _, err = export(capsys, "google-supplemental", job)
    assert (code, "the product '001' has no sku" in err, "map: {sku: …}" in err) == (1, True, True)


def test_the_feed_needs_a_public_url(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = write_campaign(tmp_path, 1)
    publish_plan(plan_of(job))
    code, _, err = export(capsys, "google-supplemental", job)
    assert (code, "google-supplemental needs public_url: in the job" in err) == (1, True)


def test_nothing_published_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = export(capsys, "csv", write_campaign(tmp_path, 1))
    assert (code, "nothing is published here yet" in err) == (4, True)


def test_neither_references_nor_the_model_are_needed(job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for file in (*job.parent.glob("*.png"), *(job.parent / "checkpoint").iterdir()):
        if file.is_file():
            file.unlink()
    assert export(capsys, "csv", job)[0] == 0


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (True, "true"), (-3, "-3"), ("=1+1", "'=1+1"), ("@x", "'@x"), ("plain", "plain"), (["a"], '["a"]')],
)
def test_cells_are_no_formulas(value: object, text: str) -> None:
    assert _cell(value) == text
