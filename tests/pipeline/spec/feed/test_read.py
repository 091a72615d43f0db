"""Feeds of brand specs: every format gives the same products, and every problem names its place."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import openpyxl
import pyarrow
import pyarrow.parquet
import pytest
from PIL import Image

from brandpress.pipeline.spec.brand_file import ExaminedBrand, examine_brand
from brandpress.pipeline.spec.feed.read import MAX_REPORTED
from brandpress.pipeline.spec.selection import matching
from brandpress.pipeline.spec.template_values import Named
from brandpress.pipeline.spec.where import parse_condition
from tests.pipeline.spec.feed.feeds import FEED, ROWS, brand_of, write

FORMATS = ["feed.csv", "feed.tsv", "feed.jsonl", "feed.parquet", "feed.xlsx", "feed.xml", "feed.atom"]


def messages(brand: ExaminedBrand) -> list[str]:
    return [str(problem) for problem in brand.problems]


@pytest.mark.parametrize("file", FORMATS)
def test_every_format_gives_the_same_products(file: str, tmp_path: Path) -> None:
    write(tmp_path / file)
    examined = brand_of(tmp_path, file)
    assert messages(examined) == []
    brand = examined.brand
    assert brand is not None
    assert list(brand.products) == ["001", "002", "a-4"]
    shoe = brand.entities("product")["a-4"]
    assert (shoe.description, shoe.references) == ("A shoe, red", ("a.png",))
    assert dict(shoe.attributes) == {"key": "A 4", **ROWS[2]}
    assert [brand.entities("product")[name].sku for name in brand.products] == ["001", "002", "A 4"]  # type: ignore[union-attr]
    [use] = brand.feeds
    assert (use.field, use.file, use.rows, use.entities, use.skipped) == ("products", file, 3, 3, 0)
    assert use.sha256 == hashlib.sha256((tmp_path / file).read_bytes()).hexdigest()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_dialects_of_csv(encoding: str, delimiter: str, tmp_path: Path) -> None:
    rows = [["id", "title", "image_link", "Länge in cm"], ["1", '"Größe, ""M""; a | b"', "a.png", "12"]]
    text = "\r\n".join(delimiter.join(row) for row in rows) + "\r\n\r\n"
    (tmp_path / "feed.csv").write_bytes(text.encode(encoding))
    brand = brand_of(tmp_path, "feed.csv").brand
    assert brand is not None
    assert brand.products["1"].description == 'Größe, "M"; a | b'
    assert brand.products["1"].attributes["lange_in_cm"] == "12"


def test_products_by_hand_beside_a_feed(tmp_path: Path) -> None:
    """A feed's product gets another name if its own is taken."""
    write(tmp_path / "feed.csv")
    feed = FEED.removesuffix("}") + ", '001': {description: by hand}, lamp: {description: a lamp, title: Lamp}}"
    examined = brand_of(tmp_path, "feed.csv", feed)
    assert messages(examined) == []
    assert examined.brand is not None
    names = list(examined.brand.products)
    assert names[:2] == ["001", "lamp"]
    assert names[2].startswith("001-")
    assert examined.brand.products[names[2]].attributes["key"] == "001"


def test_characters_and_styles_from_feeds(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("who,looks\nEva Braun-Kohl,tall\n")
    (tmp_path / "styles.jsonl").write_text('{"id": "dawn", "mood": {"en": "soft", "de": "sanft"}}\n')
    rest = (
        "characters: {from: people.csv, key: who, map: {description: looks}}\nstyles: {from: styles.jsonl, key: id}\n"
    )
    examined = brand_of(tmp_path, "", "{}", rest)
    assert messages(examined) == []
    assert examined.brand is not None
    assert list(examined.brand.characters) == ["eva-braun-kohl"]
    assert examined.brand.styles["dawn"].attributes["mood"] == {"en": "soft", "de": "sanft"}
    assert [use.field for use in examined.brand.feeds] == ["characters", "styles"]


def test_where_knows_the_names_that_map_gives(tmp_path: Path) -> None:
    write(tmp_path / "feed.csv")
    feed = "{from: feed.csv, key: id, map: {description: title, kind: category}, where: \"kind == 'shoes'\"}"
    examined = brand_of(tmp_path, "feed.csv", feed)
    assert messages(examined) == []
    assert examined.brand is not None
    assert list(examined.brand.products) == ["a-4"]


def test_where_selects_rows_and_keeps_names(tmp_path: Path) -> None:
    """Names don't depend on which of the rows are selected."""
    rows = [{"id": key, "title": "a", "stock": stock} for key, stock in (("A 1", "yes"), ("a-1", "no"))]
    write(tmp_path / "feed.csv", rows)
    names = []
    for where in ("stock == 'yes'", "stock != ''"):
        feed = f'{{from: feed.csv, key: id, map: {{description: title}}, where: "{where}"}}'
        brand = brand_of(tmp_path, "", feed).brand
        assert brand is not None
        names.append(list(brand.products))
    assert names[0] == names[1][:1]
    assert len(names[1]) == 2


def test_several_pictures_in_a_row(tmp_path: Path) -> None:
    """Pictures' paths are relative to the feed's folder; a repeated one counts once."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "feed.csv").write_text('id,title,image_link,more\n1,a mug,a.png,"b.png, a.png"\n')
    feed = "{from: data/feed.csv, key: id, map: {description: title, references: [image_link, more]}}"
    examined = brand_of(tmp_path, "", feed)
    assert "data/feed.csv:2:image_link: there is no picture 'data/a.png'" in messages(examined)[0]
    for name in ("a.png", "b.png"):
        (tmp_path / "data" / name).write_bytes((tmp_path / name).read_bytes())
    brand = brand_of(tmp_path, "", feed).brand
    assert brand is not None
    assert brand.products["1"].references == ("data/a.png", "data/b.png")


def test_a_field_under_another_name(tmp_path: Path) -> None:
    write(tmp_path / "feed.csv")
    brand = brand_of(tmp_path, "", "{from: feed.csv, key: id, map: {description: title, label: category}}").brand
    assert brand is not None
    assert brand.products["a-4"].attributes["label"] == "shoes"


def test_a_name_in_map_that_a_later_row_has_as_a_column(tmp_path: Path) -> None:
    (tmp_path / "feed.jsonl").write_text('{"id": 1, "cost": 2}\n{"id": 2, "cost": 3, "price": 9}\n')
    feed = "{from: feed.jsonl, key: id, map: {description: id, price: cost}}"
    [message] = messages(brand_of(tmp_path, "", feed))
    assert message.startswith("feed.jsonl:2:price: is a column, and map gives its name to another one")


def test_warnings_about_pictures_in_a_feed(tmp_path: Path) -> None:
    Image.new("CMYK", (96, 80)).save(tmp_path / "a.png.jpg")
    (tmp_path / "feed.csv").write_text("id,title,image_link\n1,a mug,a.png.jpg\n")
    [warning] = brand_of(tmp_path, "feed.csv").warnings
    assert str(warning).startswith("brand.yaml:2:18: warning: the picture 'a.png.jpg' is CMYK without a colour profile")


BAD_ROWS = """id,title,image_link
1,a mug,a.png
,no key,a.png
3,,a.png
4,a mug,c.png
1,again,a.png
6,a mug
7,a\u0007b,a.png
8,a mug,../a.png
"""
REASONS = [
    "feed.csv:3:id: is empty; each row needs a key",
    "feed.csv:4:title: is empty; write what it looks like, in words",
    "feed.csv:5:image_link: there is no picture 'c.png'; did you mean 'b.png'?",
    "feed.csv:6:id: '1' is the key of row 2, too; remove one",
    "feed.csv:7:row: the row has 2 cells, but the header has 3 columns; put texts with the delimiter in double quotes",
    r"feed.csv:8:title: contains the control character '\x07'; remove it",
    "feed.csv:9:image_link: '../a.png' leaves the brand spec's folder ('..'); "
    "allowed: a path like references/mug.png, below the brand spec's folder",
]


def test_bad_rows_are_reported_with_line_and_column(tmp_path: Path) -> None:
    (tmp_path / "feed.csv").write_text(BAD_ROWS)
    examined = brand_of(tmp_path, "feed.csv")
    assert messages(examined) == REASONS
    assert examined.names is not None
    assert examined.names["product"] is None, "a product that a bad row lacks isn't another problem"


def test_bad_rows_are_skipped_and_listed(tmp_path: Path) -> None:
    (tmp_path / "feed.csv").write_text(BAD_ROWS)
    examined = brand_of(tmp_path, "feed.csv", FEED.removesuffix("}") + ", on_bad_row: skip}")
    assert messages(examined) == []
    assert examined.brand is not None
    assert list(examined.brand.products) == ["1"]
    [use] = examined.brand.feeds
    assert (use.rows, use.entities, use.skipped) == (8, 1, 7)
    assert [(row.line, row.field) for row in use.skipped_rows[:3]] == [(3, "id"), (4, "title"), (5, "image_link")]
    [warning] = examined.warnings
    assert "products.from: 7 rows are skipped, first feed.csv:3:id: is empty" in warning.what


def test_only_so_many_bad_rows_are_reported(tmp_path: Path) -> None:
    (tmp_path / "feed.csv").write_text("id,title\n" + ",x\n" * (MAX_REPORTED + 5))
    shown = messages(brand_of(tmp_path, "", "{from: feed.csv, key: id, map: {description: title}}"))
    assert len(shown) == MAX_REPORTED + 1
    more = "has 5 more mistakes, in 105 rows in all; write on_bad_row: skip"
    assert shown[0].startswith(f"brand.yaml:2:18: products.from: 'feed.csv' {more}")


def test_all_mistakes_of_a_row_are_reported(tmp_path: Path) -> None:
    (tmp_path / "feed.csv").write_text(f'id,title,sku,image_link\n1,,{"x" * 99},a.png\n2,a mug,S2,"c.png,d.png"\n')
    feed = "{from: feed.csv, key: id, map: {description: title, references: image_link}}"
    shown = messages(brand_of(tmp_path, "", feed))
    assert [message.partition(" ")[0] for message in shown] == [
        "feed.csv:2:title:",
        "feed.csv:2:sku:",
        "feed.csv:3:image_link:",
        "feed.csv:3:image_link:",
    ]
    skipping = brand_of(tmp_path, "", feed.removesuffix("}") + ", on_bad_row: skip}")
    [warning] = skipping.warnings
    assert "2 rows are skipped, first feed.csv:2:title: is empty" in warning.what


@pytest.mark.parametrize(
    ("feed", "message"),
    [
        ("{from: [a], key: id}", "brand.yaml:2:18: from must be text, not a list"),
        ("{from: feed.csv}", "the field 'key' is missing; write key: id"),
        ("{from: fed.csv, key: id}", "products.from: there is no feed 'fed.csv'; did you mean 'feed.csv'?"),
        ("{from: ../feed.csv, key: id}", "products.from: '../feed.csv' leaves the brand spec's folder"),
        ("{from: feed.ods, key: id}", "products.from: 'feed.ods' isn't a feed that can be read; allowed: .csv, .tsv"),
        ("{from: 'http://shop.example.com/feed.csv', key: id}", "allowed: https://host/path"),
        ("{from: 'https://shop.example.com/feed.csv', key: id}", "this machine doesn't allow 'shop.example.com'"),
        ("{from: feed.csv, key: idd}", "products.key: the feed has no column 'idd'; allowed: 'id', 'title'"),
        ("{from: feed.csv, key: idd}", "did you mean 'id'?"),
        ("{from: feed.csv, key: id, map: {description: titel}}", "products.map: the feed has no column 'titel'"),
        ("{from: feed.csv, key: id, map: {descripton: title}}", "unknown field 'descripton' in map"),
        ("{from: feed.csv, key: id, map: {description: [title]}}", "must name a column by text, not a list"),
        ("{from: feed.csv, key: id, map: [title]}", "map must be a mapping of fields to columns, not a list"),
        ("{from: feed.csv, key: id, map: {label: title, title: id}}", "the feed has a column 'title' already"),
        ("{from: feed.csv, key: id}", "products.from: the feed has no column 'description', which each entity needs"),
        ('{from: feed.csv, key: id, where: "prize > 2"}', "products.where: unknown field 'prize' in the condition"),
        ('{from: feed.csv, key: id, where: "price = 2"}', "write '==' to compare"),
        ("{from: feed.csv, key: id, on_bad_row: ignore}", "on_bad_row: 'ignore' isn't known; allowed: 'fail', 'skip'"),
        ("{from: feed.csv, key: id, mug: {}}", "the field 'description' is missing in products.mug"),
    ],
)
def test_wrong_fields_of_a_feed(feed: str, message: str, tmp_path: Path) -> None:
    write(tmp_path / "feed.csv")
    assert message in "\n".join(messages(brand_of(tmp_path, "", feed)))


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("feed.csv", b"", "feed.csv:1:1: the feed has no header"),
        ("feed.csv", b"id,title\n1,\xff\xfe\n", "the feed isn't UTF-8; save it as UTF-8"),
        ("feed.csv", b"id,ID\n1,2\n", "the columns 'id' and 'ID' both get the name 'id'; rename one of them"),
        ("feed.csv", b'id,title\n1,"' + b"x" * 200_000, "this isn't valid CSV: field larger than field limit"),
        ("feed.csv", b"id,title\n" + b",".join([b"x"] * 600) + b"\n", "feed.csv:2:row: the row has 600 cells"),
        ("feed.csv", b",".join(b"c%d" % i for i in range(600)) + b"\n", "the feed has too many columns; allowed: at"),
        ("feed.jsonl", b'{"id": 1, "id": 2}\n', "feed.jsonl:1:row: this isn't valid JSON: a name is used twice"),
        ("feed.jsonl", b'{"id": NaN}\n', "this isn't valid JSON: NaN isn't JSON"),
        ("feed.jsonl", b"[" * 100_000 + b"\n", "this isn't valid JSON"),
        ("feed.jsonl", b"\n", "brand.yaml:2:18: products.from: the feed has no rows; write one, or name another feed"),
        ("feed.jsonl", b"[1]\n", "the line isn't a JSON object"),
        ("feed.jsonl", b'{"id": "1", "title": {"a": {"b": 1}}}\n', "feed.jsonl:1:title: is a mapping"),
        ("feed.jsonl", b'{"id": true, "title": "x"}\n', "feed.jsonl:1:id: is the boolean true; allowed: text or a num"),
        ("feed.jsonl", b'{"id": "1", "title": "%s"}\n' % (b"x" * 6_000), "title: is 6,000 characters long"),
        ("feed.jsonl", b"x" * 1_048_600, "feed.jsonl:1:1: the line is too long"),
        ("feed.parquet", b"PAR1 nothing", "feed.parquet:1:1: this isn't a readable Parquet file"),
        ("feed.xlsx", b"PK nothing", "feed.xlsx:1:1: this isn't a readable workbook"),
        ("feed.xml", b"<rss><channel></channel></rss>", "the feed has no item; allowed: RSS 2.0"),
        ("feed.xml", b"<rss><channel><item></rss>", "feed.xml:1:1: this isn't valid XML: mismatched tag"),
        ("feed.xml", b'<!DOCTYPE a [<!ENTITY x "y">]><rss>&x;</rss>', "declares entities or a document type"),
        ("feed.xml", b"<rss><channel>" + b"<item>" * 60, "too many elements in one item"),
        ("feed.xml", b"<rss><channel><item><id>1</id><ID>2</ID></item></channel></rss>", "both get the name 'id'"),
    ],
)
def test_broken_feeds(file: str, content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / file).write_bytes(content)
    feed = "{from: %s, key: id, map: {description: title}}"
    assert message in "\n".join(messages(brand_of(tmp_path, file, feed)))


def test_a_repeated_heading(tmp_path: Path) -> None:
    """Otherwise the cells behind it would belong to the wrong columns."""
    headings = ["id", "title", "image_link", "image_link", "colour"]
    cells = ["1", "a mug", "a.png", "b.png", "red"]
    (tmp_path / "feed.csv").write_text("\n".join(map(",".join, (headings, cells))))
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in (headings, cells):
        book.active.append(row)
    book.save(tmp_path / "feed.xlsx")
    table = pyarrow.Table.from_arrays([pyarrow.array([cell]) for cell in cells], names=headings)
    pyarrow.parquet.write_table(table, tmp_path / "feed.parquet")
    for file in ("feed.csv", "feed.xlsx", "feed.parquet"):
        what = "two columns have the heading 'image_link'; rename one of them"
        assert messages(brand_of(tmp_path, file)) == [f"{file}:1:1: {what}"]


def test_numbers_in_json_lines_keep_their_texts(tmp_path: Path) -> None:
    """Names and keys, however, are the same in all formats."""
    (tmp_path / "feed.jsonl").write_text('{"id": 7.50, "title": "a mug", "price": 3.00}\n')
    brand = brand_of(tmp_path, "", "{from: feed.jsonl, key: id, map: {description: title}}").brand
    assert brand is not None
    assert list(brand.products) == ["7-5"]
    price = brand.products["7-5"].attributes["price"]
    assert (price, str(price), json.dumps(price)) == (3.0, "3.00", "3.0")


def test_an_empty_cell_of_a_mapped_field(tmp_path: Path) -> None:
    """The feed's own column of the same name doesn't take its place."""
    (tmp_path / "feed.csv").write_text("id,title,sku,mpn\n1,a mug,S-1,M-1\n2,a cup,S-2,\n")
    brand = brand_of(tmp_path, "", "{from: feed.csv, key: id, map: {description: title, sku: mpn}}").brand
    assert brand is not None
    skus = [Named.entity(name, product).attribute("sku") for name, product in brand.entities("product").items()]
    assert skus == ["M-1", None]
    assert matching(brand.products, parse_condition("sku == none")) == ["2"]


def test_the_field_sku_of_a_character_is_a_free_one(tmp_path: Path) -> None:
    (tmp_path / "feed.csv").write_text("id,title,mpn\n1,a fox,M-1\n")
    rest = "characters: {from: feed.csv, key: id, map: {description: title, sku: mpn}}\n"
    brand = brand_of(tmp_path, "", "{}", rest).brand
    assert brand is not None
    assert Named.entity("1", brand.characters["1"]).attribute("sku") == "M-1"


def test_google_elements_that_are_repeated_or_nested(tmp_path: Path) -> None:
    (tmp_path / "feed.xml").write_text(
        '<rss xmlns:g="http://base.google.com/ns/1.0" version="2.0"><channel><item><g:id>1</g:id><title>Mug</title>'
        "<g:image_link>a.png</g:image_link><g:additional_image_link>b.png</g:additional_image_link>"
        "<g:additional_image_link>a.png</g:additional_image_link>"
        "<g:shipping><g:country>DE</g:country><g:price>4.95 EUR</g:price></g:shipping></item></channel></rss>"
    )
    feed = "{from: feed.xml, key: g:id, map: {description: title, references: [image_link, additional_image_link]}}"
    examined = brand_of(tmp_path, "", feed)
    assert messages(examined) == []
    assert examined.brand is not None
    mug = examined.brand.products["1"]
    assert mug.references == ("a.png", "b.png")
    assert mug.attributes["additional_image_link"] == ("b.png", "a.png")
    assert mug.attributes["shipping_country"] == "DE"


def test_columns_that_every_entity_has_are_renamed(tmp_path: Path) -> None:
    (tmp_path / "feed.csv").write_text("id,name,key,2nd,价格\n1,Mug,k,x,9\n")
    brand = brand_of(tmp_path, "", "{from: feed.csv, key: id, map: {description: name}}").brand
    assert brand is not None
    fields = {"key": "1", "id": "1", "feed_name": "Mug", "feed_key": "k", "column_2nd": "x", "column_5": "9"}
    assert dict(brand.products["1"].attributes) == fields


def test_a_feed_that_is_not_a_file(tmp_path: Path) -> None:
    (tmp_path / "feed.csv").mkdir()
    assert "'feed.csv' is a folder, not a file" in messages(brand_of(tmp_path, "feed.csv"))[0]


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "brand").mkdir()
    (tmp_path / "secret.csv").write_text("id,title\nhidden,password\n")
    (tmp_path / "brand" / "feed.csv").symlink_to(tmp_path / "secret.csv")
    [message] = messages(brand_of(tmp_path / "brand", "feed.csv"))
    assert "is a link that leaves the brand spec's folder" in message
    assert "hidden" not in message


def test_a_spec_without_feeds_is_as_before(tmp_path: Path) -> None:
    (tmp_path / "brand.yaml").write_text("brand: x\nproducts: {key: {description: a key}, map: {description: a map}}\n")
    brand = examine_brand(tmp_path / "brand.yaml").brand
    assert brand is not None
    assert list(brand.products) == ["key", "map"]
    assert brand.feeds == ()
