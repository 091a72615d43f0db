"""The program in docs/store.md reads what brandpress publishes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.campaigns import plan_of, write_campaign
from tests.pipeline.run.published import publish_plan

ROOT = Path(__file__).parents[1]


def test_the_program_lists_the_pictures(tmp_path: Path) -> None:
    publish_plan(plan_of(write_campaign(tmp_path, 2)))
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "store.md").read_text(), re.DOTALL)
    # -S: without any installed package
    command = [sys.executable, "-S", "-c", program]
    output = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    names = [line.split()[0] for line in output.splitlines()]
    assert names == ["bottle/scene00", "bottle/scene01", "mug/scene00", "mug/scene01"]
    assert all((tmp_path / "out" / "spring" / line.split()[1]).exists() for line in output.splitlines())
