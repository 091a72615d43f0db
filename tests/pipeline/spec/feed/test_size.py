"""A catalogue of 100,000 products: counts and memory. Its pictures are shared by many rows."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.processes import ROOT

ROWS = 100_000
MAX_BYTES = 500 * 2**20
"""Of the whole process. 12 columns of 100,000 rows, their points and their variants took 300 MiB when this was written;
Python with all modules takes 45 MiB."""

PLAN = """
import json, sys, time
from pathlib import Path
from brandpress.pipeline.plan.expand import make_plan
from brandpress.pipeline.spec.load import load_campaign
from tests.bench.peak import peak_bytes

start = time.perf_counter()
plan = make_plan(load_campaign(Path(sys.argv[1])))
[feed] = plan.campaign.feeds
print(json.dumps({
    "variants": len(plan.variants), "keys": len({variant.render_key for variant in plan.variants}),
    "rows": feed.rows, "entities": feed.entities, "skipped": feed.skipped, "listed": len(feed.skipped_rows),
    "brand": plan.variants[0].attributes["product"]["brand"],
    "bytes": peak_bytes(), "seconds": time.perf_counter() - start,
    "processor_seconds": time.process_time(),
}))
"""


def write_catalogue(folder: Path) -> Path:
    """Writes the job, its brand spec, its feed and ten pictures; returns the job."""
    for number in range(10):
        Image.new("RGB", (96, 80), (20 * number, 10, 10)).save(folder / f"{number}.png")
    names = [
        "id",
        "title",
        "description",
        "link",
        "image_link",
        "price",
        "availability",
        "brand",
        "color",
        "size",
        "gtin",
        "category",
    ]
    with (folder / "feed.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        for i in range(ROWS):
            picture = f"{i % 10}.png" if i % 50 else "none.png"
            text = f"A longer description of product {i}, as shops have it, with words that say what it is"
            stock = "out_of_stock" if i % 4 == 1 else "in_stock"
            link = f"https://shop.example.com/products/{i}"
            row = [f"SKU-{i:06}", f"Product number {i}", text, link, picture, f"{i % 90}.90 EUR", stock, "Acme"]
            writer.writerow([*row, ("red", "blue")[i % 2], "SML"[i % 3], 4_000_000_000_000 + i, "shoes"])
    (folder / "brand.yaml").write_text(
        "brand: shop\nproducts: {from: feed.csv, key: id, where: \"availability == 'in_stock'\", on_bad_row: skip, "
        "map: {description: title, references: image_link}}\n"
    )
    (folder / "job.yaml").write_text(
        "campaign: all\nbrand: brand.yaml\nmodel: nano\nmatrix: {product: '*'}\nreferences: [product]\nsize: 256x256\n"
        "prompt: '{{ product.description }} in {{ product.color }}'\noutput: {name: '{{ product }}'}\ndeliver: out\n"
    )
    return folder / "job.yaml"


@pytest.mark.slow
def test_a_catalogue_of_100_000_products(tmp_path: Path) -> None:
    job = write_catalogue(tmp_path)
    done = subprocess.run([sys.executable, "-c", PLAN, job], capture_output=True, text=True, check=True, cwd=ROOT)
    result = json.loads(done.stdout)
    print(result)
    assert (result["rows"], result["entities"], result["skipped"]) == (ROWS, 73_000, 2_000)
    assert (result["variants"], result["keys"]) == (73_000, 73_000)
    assert result["listed"] == 1_000
    assert result["brand"] == "Acme"
    assert result["bytes"] < MAX_BYTES
