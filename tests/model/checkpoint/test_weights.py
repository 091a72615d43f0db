"""Tensors of safetensors files, read one at a time."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from model.checkpoint import weights as module
from model.checkpoint.weights import Weights, open_weights
from tests.model.other_layouts import prefixed, write


@pytest.fixture
def state() -> dict[str, torch.Tensor]:
    return {"a.weight": torch.randn(6, 4), "b": torch.arange(5), "c": torch.randn(2, 2).to(torch.float8_e4m3fn)}


def test_names_shapes_types_and_contents(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    found = open_weights(write(tmp_path / "x.safetensors", state, {"format": "pt"}))
    assert set(found) == set(state) and len(found) == 3 and "a.weight" in found and "x" not in found
    assert (found.shape("a.weight"), found.dtype("b"), found.dtype("c")) == ((6, 4), "I64", "F8_E4M3")
    assert found.metadata == {"format": "pt"}
    assert [found.bytes(name) for name in state] == [96, 40, 4]
    for name, tensor in state.items():
        assert torch.equal(found.read(name).float(), tensor.float())


def test_thirds_of_rows(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    found = open_weights(write(tmp_path / "x.safetensors", state))
    thirds = [found.read("a.weight", third) for third in range(3)]
    assert torch.equal(torch.cat(thirds), state["a.weight"])


def test_several_files_are_one(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    files = [write(tmp_path / f"{name}.safetensors", {name: tensor}) for name, tensor in state.items()]
    found = Weights(files, "three files")
    assert set(found) == set(state)
    assert found.file("b") == files[1]


@pytest.mark.parametrize("prefix", ["model.diffusion_model.", "diffusion_model."])
def test_comfys_prefix_is_taken_off(tmp_path: Path, state: dict[str, torch.Tensor], prefix: str) -> None:
    found = open_weights(write(tmp_path / "x.safetensors", prefixed(state, prefix) | {"scaled_fp8": torch.zeros(2)}))
    assert set(found) == {*state, "scaled_fp8"}
    assert torch.equal(found.read("a.weight"), state["a.weight"])


def test_tensors_outlive_the_file_being_mapped_anew(
    tmp_path: Path, state: dict[str, torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REOPEN_BYTES", 1)
    found = open_weights(write(tmp_path / "x.safetensors", state))
    read = {name: found.read(name) for name in state}
    found.close()
    assert all(torch.equal(read[name].float(), state[name].float()) for name in state)
