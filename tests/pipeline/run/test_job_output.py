"""The output of a submitted job, without Ray's own lines."""

from __future__ import annotations

import pytest

from brandpress.pipeline.run.job_output import JobOutput

RAYS = "2026-11-27 21:41:29,305\tINFO job_manager.py:581 -- Runtime env is setting up.\n"
OURS = "2026-11-27T21:41:41Z 4 pictures: 0 done before, 4 to render now\nspring: done"
ERROR = RAYS.replace("INFO", "ERROR")


def test_lines_that_ray_writes_to_inform_are_left_out() -> None:
    output = JobOutput()
    assert output.shown(RAYS + OURS) + output.rest() == OURS
    assert output.rest() == ""


@pytest.mark.parametrize("size", [1, 7, 50])
def test_it_may_come_in_pieces(size: int) -> None:
    output, text = JobOutput(), ERROR + RAYS + OURS
    pieces = [output.shown(text[start : start + size]) for start in range(0, len(text), size)]
    assert "".join(pieces) + output.rest() == ERROR + OURS


def test_errors_of_ray_and_lines_that_mention_it_stay() -> None:
    output, mention = JobOutput(), f"warning: {RAYS}"
    assert output.shown(ERROR + mention) == ERROR + mention
