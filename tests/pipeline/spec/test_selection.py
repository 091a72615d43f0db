"""`product: {where: …}` in a matrix, over products by hand and from a feed."""

from __future__ import annotations

from pathlib import Path

import pytest

from brandpress.pipeline.spec.load import load_campaign
from brandpress.pipeline.spec.problem import SpecError

JOB = """campaign: c
brand: {corpus}/shop/brand.yaml
model: nano
matrix: {{product: {{where: "{where}"}}}}
prompt: "{{{{ product.description }}}}"
size: 64x64
deliver: out
"""


def names(corpus: Path, folder: Path, where: str) -> list[str]:
    (folder / "job.yaml").write_text(JOB.format(corpus=corpus, where=where))
    return [point.axes["product"] for point in load_campaign(folder / "job.yaml").points]


@pytest.mark.parametrize(
    ("where", "selected"),
    [
        ("category == 'mugs'", ["0012", "0013"]),
        ("category == 'mugs' and price < 25", ["0012"]),
        ("price > 25", ["0013", "a-4"]),
        ("'new' in tags or name == 'a-4'", ["gift", "a-4"]),
        ("key == 'A 4'", ["a-4"]),
        ("key == 'gift' or sku == '0012'", ["gift", "0012"]),
        ("description != none", ["gift", "0012", "0013", "a-4"]),
    ],
)
def test_products_are_selected_by_their_fields(where: str, selected: list[str], corpus: Path, tmp_path: Path) -> None:
    assert names(corpus, tmp_path, where) == selected


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("price < 5 and category", "product.where: no product of the brand spec matches"),
        ("tags == 'new'", "the field 'tags' of gift is a list"),
        ("description < 5", "isn't a number; the same holds for '0012', '0013', 'a-4'"),
        ("colour == 'red'", "unknown field 'colour' in the condition; allowed: "),
        ("category", ""),
    ],
)
def test_wrong_selections(where: str, message: str, corpus: Path, tmp_path: Path) -> None:
    if not message:
        assert len(names(corpus, tmp_path, where)) == 4
        return
    with pytest.raises(SpecError) as raised:
        names(corpus, tmp_path, where)
    assert message in str(raised.value)
