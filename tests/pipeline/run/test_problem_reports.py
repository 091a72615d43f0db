"""Reports for GitLab: Code Quality and JUnit."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from brandpress.pipeline.deliver.status import Failure
from brandpress.pipeline.run.problem_reports import code_quality, junit
from brandpress.pipeline.spec.problem import Problem


@pytest.fixture
def problems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Problem]:
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    monkeypatch.setenv("CI_PROJECT_DIR", str(tmp_path))
    file = str(tmp_path / "jobs" / "spring.yaml")
    return [
        Problem(file, 3, 5, "wrong <one> & 'two'", "allowed: 'a'"),
        Problem(file, 9, 1, "wrong <one> & 'two'", of_file=True),
    ]


def test_code_quality_has_what_gitlab_reads(problems: list[Problem]) -> None:
    first, second = json.loads(code_quality(problems))
    assert first.keys() == {"description", "check_name", "fingerprint", "severity", "location"}
    assert first["location"] == {"path": "jobs/spring.yaml", "lines": {"begin": 3}}
    assert first["description"] == "wrong <one> & 'two'; allowed: 'a'"
    assert second["description"] == "wrong <one> & 'two'"
    assert first["fingerprint"] != second["fingerprint"]
    assert json.loads(code_quality([])) == []


def test_a_moved_problem_keeps_its_fingerprint(problems: list[Problem]) -> None:
    moved = Problem(problems[0].file, 30, 5, problems[0].what, problems[0].allowed)
    assert json.loads(code_quality([moved]))[0]["fingerprint"] == json.loads(code_quality(problems))[0]["fingerprint"]


def test_junit_has_a_case_for_each_problem(problems: list[Problem]) -> None:
    suites = ElementTree.fromstring(junit("jobs/spring.yaml", problems))
    assert (suites.get("tests"), suites.get("failures")) == ("2", "2")
    assert [case.get("name") for case in suites.iter("testcase")] == ["jobs/spring.yaml:3", "jobs/spring.yaml:9"]
    assert next(suites.iter("failure")).get("message") == "wrong <one> & 'two'; allowed: 'a'"


def test_junit_of_a_run() -> None:
    suites = ElementTree.fromstring(junit("spring.yaml", [], [Failure("mug/\x1bbad", "lost")], done=3))
    assert [(case.get("name"), len(case)) for case in suites.iter("testcase")] == [
        ("spring.yaml", 0),
        ("mug/bad", 1),
        ("3 pictures", 0),
    ]
    assert (suites.get("tests"), suites.get("failures")) == ("3", "1")
    assert 'name="1 picture"' in junit("spring.yaml", [], done=1)
