"""The free fields of variants: in their locale, shared, and in records."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

from brandpress.pipeline.deliver.record import Record, new_record, stamp_of
from brandpress.pipeline.plan.expand import make_plan
from brandpress.pipeline.plan.summary import StoreState, summarise, summary_json
from brandpress.pipeline.render.driver.publishing import header_of
from brandpress.pipeline.spec.load import load_campaign
from tests.campaigns import plan_of, write_campaign


def test_variants_and_records_have_the_fields_of_their_values(corpus: Path) -> None:
    plan = make_plan(load_campaign(corpus / "good" / "feed.yaml"))
    variants = {variant.name: variant for variant in plan.variants}
    gift = {"title": "Gutschein", "category": "cards", "tags": ("paper", "new")}
    assert variants["gift-de"].attributes == {"product": gift, "locale": {"headline": "Hallo"}}
    mug = variants["0012-de"].attributes["product"]
    assert (mug["key"], mug["price"], mug["category"]) == ("0012", "19.90 EUR", "mugs")
    assert mug is variants["0012-en"].attributes["product"], "variants share the fields"
    assert pickle.loads(pickle.dumps(variants["0012-de"])) == variants["0012-de"]
    for variant in plan.variants:
        record = new_record(variant, stamp_of(plan.model), "failed", cause="no")
        assert Record.model_validate_json(record.to_json()) == record
    record = new_record(variants["gift-de"], stamp_of(plan.model), "failed", cause="no")
    assert record.attributes["product"]["tags"] == ["paper", "new"]


def test_the_plan_and_the_manifest_list_skipped_rows(corpus: Path, tmp_path: Path) -> None:
    for part in ("shop", "good", "klein"):
        shutil.copytree(corpus / part, tmp_path / part)
    with (tmp_path / "shop" / "feed.csv").open("a") as feed_file:
        feed_file.write(";Nobody knows;in_stock;1.00 EUR;pictures/mug.png;;shoes\n")
    plan = make_plan(load_campaign(tmp_path / "good" / "feed.yaml"))
    shown = summary_json(summarise(plan, "out", StoreState()), 1)
    [feed] = shown["feeds"]
    assert (feed["field"], feed["file"], feed["rows"], feed["entities"]) == ("products", "feed.csv", 5, 3)
    reason = "is empty; each row needs a key"
    assert (feed["skipped"], list(feed["skipped_rows"])) == (1, [{"line": 6, "field": "id", "reason": reason}])
    assert "attributes" in shown["first"][0]
    header = header_of(plan.campaign, stamp_of(plan.model))
    assert header.skipped_rows == (f"feed.csv:6:id: {reason}",)
    assert header.model_dump()["skipped_rows"]


def test_without_free_fields_nothing_changes(tmp_path: Path) -> None:
    """Neither records nor headers get new fields, and the digest is that of the two files."""
    plan = plan_of(write_campaign(tmp_path, 1))
    record = new_record(plan.variants[0], stamp_of(plan.model), "failed", cause="no")
    assert not {"attributes", "same_picture_as"} & record.model_dump().keys()
    assert "skipped_rows" not in header_of(plan.campaign, stamp_of(plan.model)).model_dump()


def test_a_changed_feed_changes_the_digest(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "brand.yaml").write_text("brand: x\nproducts: {from: f.csv, key: id, map: {description: title}}\n")
    (tmp_path / "job.yaml").write_text(
        "campaign: c\nbrand: brand.yaml\nmodel: nano\nmatrix: {product: '*'}\nprompt: '{{ product.description }}'\n"
        "size: 64x64\ndeliver: out\n"
    )
    digests = set()
    for title in ("a mug", "a cup"):
        (tmp_path / "f.csv").write_text(f"id,title\n1,{title}\n")
        digests.add(load_campaign(tmp_path / "job.yaml").spec_sha256)
    assert len(digests) == 2
