"""What the review page shows about each picture, and the document that holds it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from datetime import timedelta
from typing import Any

import pytest

from brandpress.pipeline.deliver.author import Author
from brandpress.pipeline.deliver.decisions import Decision
from brandpress.pipeline.review.measures.scales import SCALES
from brandpress.pipeline.review.page.content import PageSettings, ReviewedPictures, alt_text, page_content
from brandpress.pipeline.review.page.document import json_in_html, page_html, policy
from brandpress.pipeline.review.score import Score
from brandpress.pipeline.review.suite import NAMES
from tests.pipeline.review.page.reviewed import decision_about, manifest_of, reference_digest, reviewed_pictures

STATIC = PageSettings("../../assets/")


def only(record: dict[str, Any], decisions: dict[str, Decision] | None = None, **fields: Any) -> dict[str, Any]:
    """Returns what the page shows about a single picture."""
    reviewed = ReviewedPictures(manifest_of(1), [record], decisions or {}, scales=SCALES, **fields)
    (picture,) = page_content(reviewed, STATIC)["pictures"]
    return dict(picture)


@pytest.fixture
def record() -> dict[str, Any]:
    (one,) = reviewed_pictures(1).records
    return dict(one)


def test_axes_and_seeds_are_what_the_grid_can_be_made_of() -> None:
    content = page_content(reviewed_pictures(160), STATIC)
    assert list(content["axes"]) == ["product", "character", "scene", "seed"]
    assert content["axes"]["seed"] == ["0", "1"]
    assert "seed" not in page_content(reviewed_pictures(80), STATIC)["axes"]


def test_a_decision_is_about_this_picture_only(record: dict[str, Any]) -> None:
    decision = decision_about(record, "approved")
    assert only(record, {decision.sha256: decision})["decision"]["decision"] == "approved"
    changed = record | {"sha256": "b" * 64}
    picture = only(changed, {decision.sha256: decision})
    assert "decision" not in picture
    assert [(entry["kind"], entry["decision"]) for entry in picture["history"] if entry["kind"] == "decision"] == [
        ("decision", "approved")
    ]


def test_all_that_was_decided_about_a_picture_is_its_history(record: dict[str, Any]) -> None:
    first, second = decision_about(record, "rejected"), decision_about(record, "approved")
    in_force = only(record, {second.sha256: second.after(first)})
    assert in_force["decision"]["decision"] == "approved"
    assert [entry["decision"] for entry in in_force["history"] if entry["kind"] == "decision"] == ["rejected"]
    withdrawn = second.withdrawn(Author("ben", "", second.at + timedelta(hours=1))).after(second.after(first))
    undecided = only(record, withdrawn=[withdrawn])
    assert "decision" not in undecided
    decided = [(entry["decision"], entry["by"]) for entry in undecided["history"] if entry["kind"] == "decision"]
    assert decided == [("withdrawn", "ben"), ("approved", "ana"), ("rejected", "ana")]


def test_seed_zero_and_score_zero_are_shown(record: dict[str, Any]) -> None:
    scores = {record["sha256"]: [Score("noise", 0.0)]}
    picture = only(record | {"seed": 0}, scores=scores)
    assert picture["seed"] == 0
    assert picture["scores"] == [{"measure": "noise", "value": 0.0}]


def test_scores_have_the_thresholds_of_the_gate_or_of_the_calibration(record: dict[str, Any]) -> None:
    reason = {"measure": "noise", "subject": None, "severity": "block", "value": 0.5, "threshold": 0.3, "text": "x"}
    judged = record | {"verdict": {"outcome": "block", "reasons": [reason], "review": []}}
    scores = {record["sha256"]: [Score("noise", 0.5), Score("subject", 0.7, "product:mug")]}
    noise, subject = only(judged, scores=scores, thresholds={("subject", "product:mug"): 0.6})["scores"]
    assert (noise["threshold"], noise["missed"]) == (0.3, True)
    assert subject["threshold"] == 0.6
    assert "missed" not in subject


@pytest.mark.parametrize("verdict", [None, "pass", {}, {"outcome": "odd"}, {"outcome": "warn", "reasons": "x"}])
def test_verdicts_of_other_versions_do_no_harm(record: dict[str, Any], verdict: Any) -> None:
    picture = only(record | {"verdict": verdict, "gate_attempts": ["x", None]})
    assert picture.get("verdict", {}).get("reasons", []) == []


def test_attempts_of_the_gate_and_earlier_pictures_are_history(record: dict[str, Any]) -> None:
    earlier = record | {"sha256": "c" * 64, "seed": 7, "created": "2026-11-20T12:00:00Z", "asset": "assets/old.png"}
    history = only(record, earlier=[earlier])["history"]
    assert [(entry["kind"], entry["seed"]) for entry in history] == [("picture", 7), ("attempt", 90)]
    assert history[1]["reason"] == "0.2, at least 0.6 is needed"


def test_references_are_named_once_and_say_whether_they_are_shown(record: dict[str, Any]) -> None:
    digest = reference_digest("backpack")
    content = page_content(ReviewedPictures(manifest_of(2), [record, record], references={digest}), STATIC)
    assert content["references"][digest] == {"role": "product", "file": "backpack.png", "shown": True}
    assert len(content["references"]) == 2


def test_alternative_texts() -> None:
    assert alt_text({"alt": " a mug ", "prompt": "x"}) == "a mug"
    assert alt_text({"prompt": "a mug\n  on a beach"}) == "a mug on a beach"
    assert len(alt_text({"prompt": "word " * 100})) == 200


def test_scales_of_all_measures() -> None:
    assert tuple(SCALES) == NAMES


def test_data_can_not_end_its_element() -> None:
    hostile = {"text": "</script><!--<script>&\u2028"}
    text = json_in_html(hostile)
    assert not re.search("[<>&]", text)
    assert json.loads(text) == hostile


def test_the_document_allows_its_own_script_and_style_and_nothing_else() -> None:
    page = page_html(page_content(reviewed_pictures(3, hostile=True), STATIC)).decode()
    rules = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert rules is not None
    allowed = rules[1].replace("&#x27;", "'")
    assert allowed.startswith("default-src 'none'; ")
    assert "unsafe" not in allowed
    for element in ("script", "style"):
        (content,) = re.findall(rf"<{element}>(.*?)</{element}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{element}-src 'sha256-{digest}'" in allowed
    assert page.count("</script>") == 2
    assert not re.search(r"""(?:src|href)=["'](?!data:|#)""", page.replace("img-src", ""))


def test_marks_in_data_are_not_replaced() -> None:
    reviewed = reviewed_pictures(1)
    record = dict(reviewed.records[0]) | {"prompt": "{{script}} {{content}}"}
    page = page_html(page_content(ReviewedPictures(reviewed.manifest, [record]), STATIC)).decode()
    assert "{{script}} {{content}}" in page


@pytest.mark.parametrize(
    ("settings", "pictures", "connections"),
    [
        (PageSettings("../"), "'self' data: file:", "'none'"),
        (PageSettings("pictures/", served=True), "'self' data:", "'self'"),
        (PageSettings("https://cdn.example:8443/a/"), "'self' data: file: https://cdn.example:8443", "'none'"),
    ],
)
def test_where_pictures_may_come_from(settings: PageSettings, pictures: str, connections: str) -> None:
    rules = policy(page_content(reviewed_pictures(1), settings))
    assert f"img-src {pictures};" in rules
    assert f"connect-src {connections};" in rules
