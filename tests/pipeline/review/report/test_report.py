"""The report: its numbers, as HTML without scripts, as Markdown, and as JSON values."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from brandpress.model.errors import RequestError
from brandpress.pipeline.plan.cost.prices import read_prices
from brandpress.pipeline.review.page.content import ReviewedPictures
from brandpress.pipeline.review.page.load import BrandContext, read_reviewed
from brandpress.pipeline.review.report.content import Report, report_of
from brandpress.pipeline.review.report.html import report_html
from brandpress.pipeline.review.report.markdown import report_markdown
from brandpress.pipeline.review.report.spending import taken
from brandpress.pipeline.review.report.write import read_report, write_report
from brandpress.pipeline.spec.load import load_campaign
from brandpress.pipeline.store.folder import open_campaign
from tests.pipeline.review.page.published import write_published
from tests.pipeline.review.page.reviewed import reviewed_pictures

PRICES = read_prices()


def report(count: int = 90, failures: list[dict[str, Any]] | None = None, **settings: bool) -> Report:
    return report_of(reviewed_pictures(count, **settings), failures or [], PRICES)


def test_decisions_verdicts_and_reasons_are_counted() -> None:
    result = report(failures=[{"cause": "out of memory"}, {"cause": "out of memory"}, {}])
    assert result.decisions == {"approved": 10, "picked": 0, "rejected": 10, "undecided": 70}
    assert result.reasons == (("wrong product", 10),)
    assert sum(result.verdicts.values()) == 90
    assert result.causes == (("out of memory", 2), ("unknown", 1))
    assert all(name.startswith("subject of product:") for name, _ in result.gate_reasons)


def test_figures_histograms_and_the_worst() -> None:
    result = report()
    assert [(row.measure, row.subject, row.count) for row in result.figures] == [
        ("noise", None, 90),
        ("palette", None, 90),
        ("subject", "product:mug", 90),
    ]
    for histogram in result.histograms:
        assert sum(histogram.counts) == 90
        assert len(histogram.edges) == len(histogram.counts) + 1
    assert len(result.worst) == 20
    assert result.worst[0].outlier.badness >= result.worst[-1].outlier.badness


def test_thresholds_of_the_job_are_shown_even_if_no_picture_misses_them(tmp_path: Path) -> None:
    gate = {"measures": {"noise": 0.9, "subject": "calibrated", "palette": {"sample": "5%"}}}
    campaign = load_campaign(write_published(tmp_path, quality_gate=gate))
    thresholds = BrandContext.of(campaign).thresholds
    assert thresholds == {("noise", None): 0.9}
    result = report_of(replace(reviewed_pictures(90), thresholds=thresholds), [], PRICES)
    noise = next(row for row in result.figures if row.measure == "noise")
    assert (noise.threshold, noise.missed) == (0.9, 0)
    assert [one.threshold for one in result.histograms if one.measure == "noise"] == [0.9]


def test_time_and_money_per_device() -> None:
    records = [
        {"render_key": day, "timings": {"model": 36.0}, "host": {"device": device}, "created": f"2026-11-{day}"}
        for day, device in (("01", "NVIDIA H100"), ("02", "NVIDIA H100"), ("03", "abacus"))
    ]
    spent = taken([*records, records[0]], PRICES)
    first, second = spent.devices
    hour = PRICES.gpu_hour("NVIDIA H100")
    assert hour is not None
    assert (first.device, first.pictures, first.seconds, first.median) == ("NVIDIA H100", 2, 72.0, 36.0)
    assert first.money == pytest.approx(hour.expected * 72 / 3600)
    assert (second.device, second.money) == ("abacus", None)
    assert spent.money is None
    assert (spent.first, spent.last) == ("2026-11-01", "2026-11-03")


def test_credits_of_a_hosted_tier_are_money() -> None:
    spent = taken([{"render_key": "a", "cost": 4.0, "timings": {"model": 5.0}, "created": ""}], PRICES)
    assert spent.devices[0].credits == 4.0
    assert spent.money == pytest.approx(4.0 * (PRICES.credit or 0))


def test_html_shows_texts_as_they_are_and_loads_nothing() -> None:
    reviewed = reviewed_pictures(30)
    name = "<img src=x onerror=alert(1)>"
    hostile = [dict(one) | {"name": f"{name}{number}"} for number, one in enumerate(reviewed.records)]
    result = report_of(replace(reviewed, records=hostile), [{"cause": "<script>alert(1)</script>"}], PRICES)
    page = report_html(result, lambda sha256: b"webp").decode()
    assert "<script" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;0" in page
    assert set(re.findall(r'src="(.{5})', page)) == {"data:"}
    assert "default-src &#x27;none&#x27;" in page
    assert page.count("<svg") == 3


def test_markdown_is_one_table_cell_each_and_no_markup() -> None:
    reviewed = reviewed_pictures(20)
    hostile = [dict(one) | {"name": f"a|b*{number}*\n# <b>x</b>"} for number, one in enumerate(reviewed.records)]
    text = report_markdown(report_of(replace(reviewed, records=hostile), [], PRICES))
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    assert "<b>" not in html
    assert "<em>" not in html
    assert "a|b*" in html
    assert html.count("<table>") == 7


def test_without_scores_the_report_says_how_to_get_them() -> None:
    result = report_of(replace(reviewed_pictures(5), scores={}), [], PRICES)
    for text in (report_html(result).decode(), report_markdown(result)):
        assert "--measure" in text.replace("\\", "")


def test_an_empty_campaign_has_a_report() -> None:
    reviewed = ReviewedPictures(reviewed_pictures(1).manifest, [])
    result = report_of(reviewed, [], PRICES)
    assert report_html(result)
    assert report_markdown(result)


def test_it_is_written_with_thumbnails_of_the_worst(tmp_path: Path) -> None:
    job = write_published(tmp_path)
    folder = open_campaign(str(job.parent / "out"), "spring")
    reviewed = read_reviewed(folder, BrandContext.of(None))
    scores = zip([one["sha256"] for one in reviewed.records], reviewed_pictures(4).scores.values(), strict=True)
    result = read_report(folder, replace(reviewed, scores=dict(scores)), PRICES, 2)
    assert len(result.worst) == 2
    assert write_report(result, tmp_path / "new" / "r.html", folder) == ()
    assert (tmp_path / "new" / "r.html").read_text().count("data:image/webp") == 2
    (job.parent / "out" / "spring" / result.worst[0].asset).unlink()
    (problem,) = write_report(result, tmp_path / "r.html", folder)
    assert problem.endswith("the picture is missing")
    with pytest.raises(RequestError, match=r"the suffix '\.pdf' is no format of reports; allowed: \.html, \.md"):
        write_report(result, tmp_path / "r.pdf", folder)
