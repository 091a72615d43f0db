"""Compiled blocks: the same losses, and training goes on where nothing can be compiled."""

from __future__ import annotations

import pytest
import torch

from brandpress.model.nano import compilation
from brandpress.model.nano.batches import Group, groups_of
from brandpress.model.nano.compilation import blank, blocks, compiled_blocks, various
from brandpress.model.nano.nano import Nano
from brandpress.model.nano.place import CPU


@pytest.fixture
def groups() -> list[Group]:
    return groups_of([blank((8, 8), (4, 4), CPU.device), blank((6, 10), (4, 4), CPU.device)])


def test_a_blank_shard_has_a_caption_of_each_number_of_references(groups: list[Group]) -> None:
    assert [group.count for group in groups] == [0, 1, 2, 3, 4] * 2
    assert [group.count for group in various(groups)] == [0, 1, 2, 3, 4, 4]


def test_blocks_are_compiled_within_and_as_before_afterwards(
    groups: list[Group], monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[str] = []

    def compile(method: object, dynamic: bool) -> object:
        compiled.append(getattr(method, "__name__", ""))
        return method

    monkeypatch.setattr(torch, "compile", compile)
    monkeypatch.setattr(compilation, "various", lambda groups: groups[:1])
    model = Nano()
    with compiled_blocks(model, groups, 2, CPU):
        assert all("forward" in vars(block) for block in blocks(model))
    assert (compiled.count("forward"), compiled.count("reference")) == (8, 2)
    assert not any({"forward", "reference"} & set(vars(block)) for block in blocks(model))
    assert all(parameter.grad is None for parameter in model.parameters())


def test_training_goes_on_where_compilation_fails(
    groups: list[Group], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no compiler")

    monkeypatch.setattr(compilation, "probe", fail)
    model = Nano()
    with compiled_blocks(model, groups, 2, CPU):
        assert not any("forward" in vars(block) for block in blocks(model))
    assert "training without compilation: RuntimeError: no compiler" in capsys.readouterr().out
