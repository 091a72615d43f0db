"""Times, kernel tables and idle shares."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from tests.gpu.rig import Rig, idle_share, kernel_table


@pytest.mark.parametrize(
    ("ranges", "share"),
    [
        ([], 0.0),
        ([(3.0, 3.0)], 0.0),
        ([(0.0, 10.0)], 0.0),
        ([(0.0, 4.0), (6.0, 10.0)], 0.2),
        ([(6.0, 10.0), (0.0, 4.0)], 0.2),  # in any order
        ([(0.0, 10.0), (2.0, 3.0), (5.0, 12.0)], 0.0),  # one inside another, one across the end
        ([(100.0, 101.0), (109.0, 110.0)], 0.8),  # counted from the first start
    ],
)
def test_the_idle_share_is_the_time_without_kernels(ranges: list[tuple[float, float]], share: float) -> None:
    assert idle_share(ranges) == pytest.approx(share)


@dataclass(frozen=True)
class Range:
    start: float
    end: float


@dataclass(frozen=True)
class Event:
    name: str
    time_range: Range


def test_kernels_are_summed_by_name_and_sorted_by_time() -> None:
    spans = [("copy", 0, 500), ("product", 0, 2000), ("copy", 700, 900), ("product", 3000, 4000), ("norm", 0, 100)]
    events = [Event(name, Range(start, end)) for name, start, end in spans]
    table = kernel_table(events, most=2)
    assert [(name, round(spent, 6), calls) for name, spent, calls in table] == [("product", 3.0, 2), ("copy", 0.7, 2)]
    assert table == kernel_table(events)[:2]
    assert kernel_table([]) == []


def test_a_tiny_check_runs_its_work_once_after_warming_up(tmp_path: Path) -> None:
    rig, calls = Rig(torch.device("cpu"), True, tmp_path, print), list[int]()
    assert rig.seconds(lambda: calls.append(1), rounds=5, warm=2) >= 0
    assert len(calls) == 3
    assert rig.peak(lambda: calls.append(1)) == rig.held() == 0
    assert rig.profiled(lambda: calls.append(1)) == ([], 0.0)
    assert len(calls) == 5
