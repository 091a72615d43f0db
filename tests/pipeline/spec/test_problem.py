"""How problems are written."""

from __future__ import annotations

import pytest

from brandpress.pipeline.spec.problem import Problem


@pytest.mark.parametrize(
    ("problem", "written", "text"),
    [
        (Problem("a.yaml", 3, 5, "wrong", "allowed: 'a'"), "a.yaml:3:5: wrong; allowed: 'a'", "wrong; allowed: 'a'"),
        (Problem("a.csv", 3, 5, "wrong", field="title"), "a.csv:3:title: wrong", "title: wrong"),
        (Problem("a.yaml", 1, 1, "there is none", of_file=True), "a.yaml: there is none", "there is none"),
    ],
)
def test_a_problem_begins_with_its_place(problem: Problem, written: str, text: str) -> None:
    assert (str(problem), problem.text) == (written, text)
