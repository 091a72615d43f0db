"""Annotations, outputs and summaries for GitHub Actions."""

from __future__ import annotations

from pathlib import Path

import pytest

from brandpress.model.errors import RequestError
from brandpress.pipeline.run.github import MAX_SUMMARY_BYTES, annotation_lines, write_outputs, write_summary
from brandpress.pipeline.spec.problem import Problem


def test_annotations_point_into_the_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    problems = [
        Problem(str(tmp_path / "jobs" / "spring, 1.yaml"), 3, 5, "100% wrong\nand more", "allowed: 'a'"),
        Problem("/elsewhere/brand.yaml", 1, 1, "wrong", of_file=True),
    ]
    assert list(annotation_lines(problems)) == [
        "::error file=jobs/spring%2C 1.yaml,line=3,col=5,title=brandpress::100%25 wrong%0Aand more; allowed: 'a'",
        "::error file=/elsewhere/brand.yaml,line=1,col=1,title=brandpress::wrong",
    ]


def test_outputs_are_appended_one_per_line(tmp_path: Path) -> None:
    file = tmp_path / "output"
    file.write_text("before=1\n")
    write_outputs({"new": 3, "cost": None, "manifest": "a\nevil=1"}, file)
    assert file.read_text() == "before=1\nnew=3\ncost=\nmanifest=a evil=1\n"


def test_a_summary_is_cut_to_what_github_takes(tmp_path: Path) -> None:
    write_summary("line é\n" * MAX_SUMMARY_BYTES, tmp_path / "summary")
    data = (tmp_path / "summary").read_bytes()
    assert len(data) <= MAX_SUMMARY_BYTES
    assert data.endswith(b"\n\n(cut)\n")


def test_a_file_that_cant_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="can't be written: No such file"):
        write_outputs({"new": 1}, tmp_path / "missing" / "output")
