"""The GPUs that a process is allowed to use. nvidia-smi is a script that prints a real one's output."""

from __future__ import annotations

from pathlib import Path

import pytest

from brandpress.model.memory.gpus import visible_entries, visible_gpus

LIST = """\
0, GPU-1b2c3d4e-0000-1111-2222-333344445555, 81559, 81004, NVIDIA H100 80GB HBM3
1, GPU-9b2c3d4e-0000-1111-2222-333344445555, 81559, 20000, NVIDIA H100 80GB HBM3
2, GPU-77777777-0000-1111-2222-333344445555, [N/A], [N/A], NVIDIA GB10
"""
SLICES = """\
GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-1b2c3d4e-0000-1111-2222-333344445555)
  MIG 1g.10gb     Device  0: (UUID: MIG-aaaaaaaa-0000-1111-2222-333344445555)
  MIG 3g.40gb     Device  1: (UUID: MIG-bbbbbbbb-0000-1111-2222-333344445555)
"""


@pytest.fixture
def nvidia_smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "list").write_text(LIST)
    (tmp_path / "slices").write_text(SLICES)
    script = tmp_path / "nvidia-smi"
    script.write_text(f'#!/bin/sh\n[ "$1" = -L ] && exec cat {tmp_path}/slices\nexec cat {tmp_path}/list\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")


@pytest.mark.parametrize(
    ("value", "entries"),
    [
        (None, None),
        ("", ()),
        ("-1", ()),
        ("NoDevFiles", ()),
        ("0", ("0",)),
        ("1, 0", ("1", "0")),
        ("0,-1,1", ("0",)),
        ("0,,1", ("0",)),
        ("0,0", ("0",)),
        ("GPU-1b2c", ("GPU-1b2c",)),
        ("MIG-aaaaaaaa-0000,MIG-bbbbbbbb-0000", ("MIG-aaaaaaaa-0000", "MIG-bbbbbbbb-0000")),
        ("MIG-GPU-1b2c3d4e/1/0", ("MIG-GPU-1b2c3d4e/1/0",)),
    ],
)
def test_entries_end_at_the_first_invalid_one(value: str | None, entries: tuple[str, ...] | None) -> None:
    environment = {} if value is None else {"CUDA_VISIBLE_DEVICES": value}
    assert visible_entries(environment) == entries


@pytest.mark.parametrize(
    ("value", "free"),
    [
        (None, [81004 << 20, 20000 << 20]),
        ("", []),
        ("1", [20000 << 20]),
        ("1,0", [20000 << 20, 81004 << 20]),
        ("GPU-9b2c", [20000 << 20]),
        ("7", []),
        ("1,7,0", [20000 << 20]),
        ("2,1", [20000 << 20]),
        ("MIG-bbbbbbbb-0000-1111-2222-333344445555", [40 * 10**9]),
    ],
)
def test_visible_gpus_are_in_the_variables_order(nvidia_smi: None, value: str | None, free: list[int]) -> None:
    environment = {} if value is None else {"CUDA_VISIBLE_DEVICES": value}
    assert [gpu.memory.free for gpu in visible_gpus(environment)] == free


def test_without_nvidia_smi_there_are_no_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert visible_gpus({}) == ()
