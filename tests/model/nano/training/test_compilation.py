"""Compiled blocks, and training without them if compilation fails."""

from __future__ import annotations

import pytest
import torch

from brandpress.model.nano.data.batches import Group, group_samples
from brandpress.model.nano.training import compilation
from brandpress.model.nano.training.compilation import blank_shard, blocks, compiled_blocks, representative_groups
from brandpress.model.nano.training.nano import Nano
from tests.model.nano.cpu import CPU


@pytest.fixture
def groups() -> list[Group]:
    return group_samples([blank_shard((8, 8), (4, 4), CPU.device), blank_shard((6, 10), (4, 4), CPU.device)])


def test_a_blank_shard_has_one_caption_per_number_of_references(groups: list[Group]) -> None:
    assert [group.count for group in groups] == [0, 1, 2, 3, 4] * 2
    assert [group.count for group in representative_groups(groups)] == [0, 1, 2, 3, 4, 4]


@pytest.mark.slow
def test_blocks_are_compiled_and_restored_afterwards(groups: list[Group], monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []

    def compile(method: object, dynamic: bool) -> object:
        compiled.append(getattr(method, "__name__", ""))
        return method

    monkeypatch.setattr(torch, "compile", compile)
    monkeypatch.setattr(compilation, "representative_groups", lambda groups: groups[:1])
    model = Nano()
    with compiled_blocks(model, groups, 2, CPU):
        assert all("forward" in vars(block) for block in blocks(model))
    assert (compiled.count("forward"), compiled.count("forward_references")) == (8, 2)
    assert not any({"forward", "forward_references"} & set(vars(block)) for block in blocks(model))
    assert all(parameter.grad is None for parameter in model.parameters())


def test_training_continues_if_compilation_fails(
    groups: list[Group], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no compiler")

    monkeypatch.setattr(compilation, "run_probe", fail)
    model = Nano()
    with compiled_blocks(model, groups, 2, CPU):
        assert not any("forward" in vars(block) for block in blocks(model))
    assert "training without compilation: RuntimeError: no compiler" in capsys.readouterr().out
