"""The review page in a real Chromium: with 2,000 pictures, by keys alone, hostile texts, both themes, three widths."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from brandpress.pipeline.deliver.manifest import Counts
from tests.pipeline.review.page.browser import chromium, open_page, serious_violations, wait_until
from tests.pipeline.review.page.reviewed import PRODUCTS, decision_about, reviewed_pictures, write_reviewed

pytestmark = pytest.mark.slow
COUNT, SMALL = 2_000, 320
WITH_MANY = pytest.mark.parametrize("page", ["large"], indirect=True)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a page with 2,000 pictures."""
    return write_reviewed(tmp_path_factory.mktemp("large"), reviewed_pictures(COUNT))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a page with 320 pictures."""
    return write_reviewed(tmp_path_factory.mktemp("small"), reviewed_pictures(SMALL))


@pytest.fixture
def page(request: pytest.FixtureRequest, browser: Any) -> Iterator[Any]:
    """The small page; with the parameter `large`, that with 2,000 pictures."""
    opened = open_page(browser, request.getfixturevalue(getattr(request, "param", "small")).as_uri())
    yield opened
    problems = opened.problems
    opened.context.close()
    assert problems == []


def focused(page: Any) -> str:
    """Returns the name of the picture that has the focus."""
    return str(page.evaluate("document.activeElement.querySelector('.name')?.textContent ?? ''"))


def names(page: Any) -> list[str]:
    return list(page.eval_on_selector_all(".tile .name", "all => all.map(one => one.textContent)"))


def state(page: Any, name: str) -> str:
    """Returns the classes of a picture's tile."""
    return str(
        page.evaluate("name => document.querySelector(`.name[title='${name}']`).closest('.tile').className", name)
    )


@WITH_MANY
def test_all_pictures_are_shown_and_only_the_visible_ones_are_loaded(page: Any) -> None:
    assert len(names(page)) == COUNT
    assert page.inner_text("#summary") == "2,000 of 2,000 pictures"
    wait_until(page, "document.querySelector('.tile img').naturalWidth > 0")
    loaded = page.evaluate("[...document.querySelectorAll('.tile img')].filter(one => one.naturalWidth > 0).length")
    assert 0 < loaded < 200


@WITH_MANY
def test_arrows_move_and_enter_opens(page: Any) -> None:
    page.keyboard.press("ArrowRight")
    first = focused(page)
    page.keyboard.press("ArrowRight")
    second = focused(page)
    assert first == names(page)[0]
    assert "frog" in second  # in the next column
    page.keyboard.press("ArrowDown")
    below = focused(page)
    assert below not in (first, second, "")
    page.keyboard.press("ArrowUp")
    assert focused(page) == second
    page.keyboard.press("ArrowLeft")
    assert focused(page) == first
    page.keyboard.press("Enter")
    assert page.inner_text("#viewer h2") == first
    page.keyboard.press("ArrowRight")
    following = page.inner_text("#viewer h2")
    assert following == names(page)[1]
    page.keyboard.press("Escape")
    assert focused(page) == following


@WITH_MANY
def test_approve_reject_and_undo_by_keys(page: Any) -> None:
    page.click("button.tile:not(.approved):not(.rejected) >> nth=0", trial=True)
    page.focus("button.tile.undecided >> nth=0")
    name = focused(page)
    page.keyboard.press("a")
    assert "approved" in state(page, name)
    page.keyboard.press("r")
    assert page.is_visible("#reject")
    page.keyboard.press("3")
    page.keyboard.press("Enter")
    assert "rejected" in state(page, name)
    page.keyboard.press("u")
    assert "approved" in state(page, name)
    page.keyboard.press("u")
    assert "undecided" in state(page, name)
    assert focused(page) == name


def test_decisions_are_downloaded_with_hostile_texts(page: Any, tmp_path: Path) -> None:
    reason = 'quotes " and \\ and: # {colons} \u2028 \x7f end'
    page.focus("button.tile.undecided >> nth=0")
    approved = focused(page)
    page.keyboard.press("a")
    page.focus("button.tile.undecided >> nth=0")
    rejected = focused(page)
    page.keyboard.press("r")
    assert page.locator("#reject input:checked").count() == 0
    page.keyboard.type(reason)  # goes into the field for one's own words, wherever the focus is
    page.keyboard.press("Enter")
    page.fill("#tray input", "Ana Núñez")
    with page.expect_download() as download:
        page.click("#download")
    download.value.save_as(tmp_path / "decisions.yaml")
    content = yaml.safe_load((tmp_path / "decisions.yaml").read_text("utf-8"))
    assert content["schema"] == "brandpress.decision-file/1"
    assert (content["campaign"], content["by"]) == ("spring", "Ana Núñez")
    first, second = content["decisions"]
    assert (first["name"], first["decision"]) == (approved, "approved")
    assert (second["name"], second["decision"], second["reason"]) == (rejected, "rejected", reason)
    page.reload()
    page.wait_for_selector("#grid[data-complete]")
    assert "approved" in state(page, approved)
    assert "2 new decisions" in page.inner_text("#tray")


def test_compare_and_zoom_together(page: Any) -> None:
    page.keyboard.press("ArrowRight")
    chosen = []
    for _ in range(3):
        chosen.append(focused(page))
        page.keyboard.press("c")
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+C")
    assert page.locator("#compare .pane").count() == 3
    page.keyboard.press("z")
    transforms = page.eval_on_selector_all("#compare .stage img", "all => all.map(one => one.style.transform)")
    assert len(set(transforms)) == 1
    assert "scale(1)" not in transforms[0]
    page.keyboard.press("Shift+ArrowRight")
    moved = page.eval_on_selector_all("#compare .stage img", "all => all.map(one => one.style.transform)")
    assert len(set(moved)) == 1
    assert moved != transforms
    page.keyboard.press("ArrowRight")
    page.keyboard.press("a")
    page.keyboard.press("Escape")
    assert "approved" in state(page, chosen[1])


def test_zoom_with_key_and_wheel(page: Any) -> None:
    page.keyboard.press("ArrowRight")
    page.keyboard.press("z")
    stage = page.locator("#viewer .stage")
    wait_until(page, "Number(document.querySelector('#viewer .stage').dataset.scale) > 1")
    page.keyboard.press("z")
    assert stage.get_attribute("data-scale") == "1.000"
    box = stage.bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.wheel(0, -300)
    wait_until(page, "Number(document.querySelector('#viewer .stage').dataset.scale) > 1")


def test_search_and_filters(page: Any) -> None:
    page.keyboard.press("/")
    page.keyboard.type("mug fox beach")
    wait_until(page, "document.querySelectorAll('.tile').length < 100")
    assert all(name.startswith("mug/fox-beach") for name in names(page))
    page.click("text=Filters")
    page.click("text=Clear filters")
    page.click(".chip:text-is('robot')")
    assert len(names(page)) == SMALL // 4
    page.click(".chip:text-is('block')")
    assert 0 < len(names(page)) < SMALL // 4
    assert page.locator(".flag.block").count() == len(names(page))
    page.click(".segments button[value=rejected]")
    assert page.locator(".tile.rejected").count() == len(names(page)) > 0
    address = page.url
    page.goto("about:blank")
    page.goto(address)
    page.wait_for_selector("#grid[data-complete]")
    assert page.locator(".chip[aria-pressed=true]").count() == 2


def test_any_two_axes_and_worst_first(page: Any) -> None:
    page.select_option("label:has-text('Rows') select", "scene")
    page.select_option("label:has-text('Columns') select", "product")
    assert page.locator(".band").count() == 4
    assert page.locator(".band >> nth=0").locator("h3").all_inner_texts() == list(PRODUCTS)
    page.select_option("label:has-text('Columns') select", "")
    page.select_option("label:has-text('Rows') select", "")
    page.select_option("label:has-text('Measure') select", "noise")
    values = [float(text) for text in page.locator(".tile .value").all_text_contents()[:40]]
    assert values == sorted(values, reverse=True)


def test_details_of_a_picture(page: Any) -> None:
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    panel = page.inner_text("#viewer .panel")
    for text in ("palette", "product: backpack.png", "A backpack on the left", "attempt with seed 90"):
        assert text in panel, text
    seeds = page.locator("#viewer dt:text-is('seed') + dd").inner_text()
    assert seeds == "0"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 900, 390])
def test_nothing_serious_for_people_with_disabilities(browser: Any, small: Path, theme: str, width: int) -> None:
    opened = open_page(browser, small.as_uri(), width=width, theme=theme)
    assert serious_violations(opened) == []
    opened.click(".tile >> nth=0")
    assert serious_violations(opened) == []
    opened.click("#viewer button.reject")
    assert serious_violations(opened) == []
    assert opened.evaluate("document.documentElement.scrollWidth <= innerWidth")
    opened.context.close()


@pytest.mark.parametrize(("width", "height"), [(390, 844), (820, 1180), (1440, 900)])
@pytest.mark.parametrize("count", [2, 3, 4])
def test_compared_pictures_and_their_buttons_are_in_sight(
    browser: Any, small: Path, width: int, height: int, count: int
) -> None:
    opened = open_page(browser, small.as_uri(), width=width, height=height)
    opened.keyboard.press("ArrowRight")
    for _ in range(count):
        opened.keyboard.press("c")
        opened.keyboard.press("ArrowRight")
    opened.keyboard.press("Shift+C")
    for selector in ("#compare .stage", "#compare .foot button", "#compare .controls"):
        boxes = [one.bounding_box() for one in opened.locator(selector).all()]
        assert all(box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes), (selector, boxes)
        assert all(box["y"] >= 0 and box["y"] + box["height"] <= height for box in boxes), (selector, boxes)
    areas = sum(box["width"] * box["height"] for box in (one.bounding_box() for one in opened.locator(".stage").all()))
    assert areas > 0.6 * width * height
    opened.context.close()


def test_left_and_right_follow_the_line_across_columns(browser: Any, small: Path) -> None:
    opened = open_page(browser, f"{small.as_uri()}#rows=product&columns=character")
    places = []
    for _ in range(6):
        opened.keyboard.press("ArrowRight")
        places.append(opened.evaluate("document.activeElement.getBoundingClientRect().toJSON()"))
    first_line = [place["left"] for place in places if abs(place["top"] - places[0]["top"]) < 5]
    assert len(first_line) >= 4  # one for each character, though each column has more pictures
    assert first_line == sorted(first_line)
    before = focused(opened)
    opened.keyboard.press("ArrowRight")
    opened.keyboard.press("ArrowLeft")
    assert focused(opened) == before
    opened.context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_pressed_filter_stands_out(browser: Any, small: Path, theme: str) -> None:
    opened = open_page(browser, small.as_uri(), theme=theme)
    pressed, around = (
        opened.eval_on_selector(selector, "one => getComputedStyle(one).backgroundColor.match(/[0-9]+/g).map(Number)")
        for selector in (".segments button[aria-pressed=true]", ".segments")
    )
    assert abs(sum(pressed[:3]) - sum(around[:3])) / 3 > 15
    opened.context.close()


def test_the_header_counts_as_the_filters_do(browser: Any, tmp_path: Path) -> None:
    reviewed = reviewed_pictures(9)
    first = reviewed.records[0]
    decisions = {**reviewed.decisions, first["sha256"]: decision_about(first, "picked")}
    for decided, header in (
        (decisions, "1 approved · 1 picked · 1 rejected · 6 to decide"),
        (reviewed.decisions, "1 approved · 1 rejected · 7 to decide"),
    ):
        opened = open_page(browser, write_reviewed(tmp_path, replace(reviewed, decisions=decided)).as_uri())
        assert opened.text_content("#progress p") == header
        opened.context.close()


@pytest.mark.parametrize(
    ("failed", "text"),
    [(0, "Nothing is delivered yet."), (12, "Nothing is delivered: 12 failed. brandpress status says why.")],
)
def test_a_campaign_without_pictures_says_why(browser: Any, tmp_path: Path, failed: int, text: str) -> None:
    reviewed = reviewed_pictures(1)
    counts = Counts(planned=12, done=0, failed=failed, missing=12 - failed)
    manifest = reviewed.manifest.model_copy(update={"counts": counts})
    empty = replace(reviewed, manifest=manifest, records=[], decisions={}, scores={})
    opened = open_page(browser, write_reviewed(tmp_path, empty).as_uri())
    assert opened.inner_text("#grid") == text
    assert serious_violations(opened) == []
    opened.context.close()


@pytest.mark.parametrize("width", [390, 820, 1440])
def test_long_hostile_and_foreign_names_fit(browser: Any, tmp_path: Path, width: int) -> None:
    names = ("<img src=x onerror=alert(1)>", "a-very-long-name-" * 9, "كوب/ثعلب", "緑のマグカップ/キツネ")
    reviewed = reviewed_pictures(len(names))
    records = [record | {"name": name} for record, name in zip(reviewed.records, names, strict=True)]
    opened = open_page(browser, write_reviewed(tmp_path, replace(reviewed, records=records)).as_uri(), width=width)
    assert opened.evaluate("document.documentElement.scrollWidth <= innerWidth")
    opened.focus(".tile >> nth=0")
    for _ in names:
        opened.keyboard.press("c")
        opened.keyboard.press("ArrowRight")
    opened.keyboard.press("Shift+C")
    assert opened.locator("#compare .pane").count() == len(names)
    for button in opened.locator("#compare .foot button").all():
        box = button.bounding_box()
        assert box["x"] + box["width"] <= width
    opened.keyboard.press("Escape")
    opened.click(".tile >> nth=0")
    assert opened.inner_text("#viewer h2") == names[0]
    assert opened.problems == []
    opened.context.close()


def test_hostile_texts_are_texts(browser: Any, tmp_path: Path) -> None:
    opened = open_page(browser, write_reviewed(tmp_path, reviewed_pictures(12, hostile=True)).as_uri())
    opened.click(".tile >> nth=0")
    assert "</script><script>" in opened.inner_text("#viewer .prompt")
    assert opened.title() == "spring · northwind · review"
    assert opened.problems == []
    opened.context.close()
