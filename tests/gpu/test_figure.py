"""Which figures and sections are wrong."""

from __future__ import annotations

import json

import pytest

from tests.bench.row import Goal
from tests.gpu.figure import Figure, Section, Status

AT_MOST_ONE = Goal(1, at_least=False)


@pytest.mark.parametrize(
    ("figure", "met", "wrong"),
    [
        (Figure("a", 2.0), None, False),
        (Figure("a", 2.0, must=True), None, False),
        (Figure("a", "not measured", goal=Goal(1), must=True), None, False),
        (Figure("a", 2.0, goal=Goal(1), must=True), True, False),
        (Figure("a", 2.0, goal=AT_MOST_ONE), False, False),
        (Figure("a", 2.0, goal=AT_MOST_ONE, must=True), False, True),
        (Figure("a", 1.0, goal=AT_MOST_ONE, must=True), True, False),
        (Figure("a", float("nan"), goal=AT_MOST_ONE, must=True), False, True),
    ],
)
def test_a_figure_is_wrong_if_it_misses_a_required_goal(figure: Figure, met: bool | None, wrong: bool) -> None:
    assert (figure.met, figure.wrong) == (met, wrong)
    assert figure.as_json()["met"] == met


def test_infinite_values_are_text_in_json() -> None:
    fields = Figure("a", float("inf"), goal=AT_MOST_ONE, must=True).as_json()
    assert (fields["value"], fields["met"]) == ("inf", False)


@pytest.mark.parametrize(
    ("status", "wrong"), [("done", False), ("left out", True), ("failed", True), ("out of time", True)]
)
def test_an_unfinished_section_is_wrong(status: Status, wrong: bool) -> None:
    assert Section("a", "about", status).wrong == wrong


def test_one_wrong_figure_makes_a_section_wrong() -> None:
    wrong_figure = Figure("b", 2.0, goal=AT_MOST_ONE, must=True)
    assert not Section("a", "about", "done", figures=[Figure("a", 1.0)]).wrong
    assert Section("a", "about", "done", figures=[Figure("a", 1.0), wrong_figure]).wrong


def test_a_section_as_json() -> None:
    section = Section("a", "about", "done", 1.5, [Figure("x", 2.0, "s", AT_MOST_ONE)], [("kernel", 1.0, 3)])
    fields = json.loads(json.dumps(section.as_json()))
    assert fields["figures"] == [
        {
            "name": "x",
            "value": 2.0,
            "unit": "s",
            "goal": {"bound": 1, "at_least": False},
            "must": False,
            "beside": None,
            "note": "",
            "met": False,
        }
    ]
    assert (fields["key"], fields["status"], fields["profile"]) == ("a", "done", [["kernel", 1.0, 3]])
