"""Reading tensors from safetensors files, one at a time."""

from __future__ import annotations

import json
import resource
import struct
import time
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brandpress.model.checkpoint import header as module_header
from brandpress.model.checkpoint import weights as module
from brandpress.model.checkpoint.weights import Weights, open_weights
from brandpress.model.errors import CheckpointError
from tests.model.other_layouts import prefixed, write


@pytest.fixture
def state() -> dict[str, torch.Tensor]:
    return {"a.weight": torch.randn(6, 4), "b": torch.arange(5), "c": torch.randn(2, 2).to(torch.float8_e4m3fn)}


def test_names_shapes_types_and_contents(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    weights = open_weights(write(tmp_path / "x.safetensors", state, {"format": "pt"}))
    assert set(weights) == set(state) and len(weights) == 3 and "a.weight" in weights and "x" not in weights
    assert (weights.shape("a.weight"), weights.dtype("b"), weights.dtype("c")) == ((6, 4), "I64", "F8_E4M3")
    assert weights.metadata == {"format": "pt"}
    assert [weights.bytes(name) for name in state] == [96, 40, 4]
    for name, tensor in state.items():
        assert torch.equal(weights.read(name).float(), tensor.float())


def test_thirds_of_rows(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    weights = open_weights(write(tmp_path / "x.safetensors", state))
    thirds = [weights.read("a.weight", third) for third in range(3)]
    assert torch.equal(torch.cat(thirds), state["a.weight"])


def test_several_files_act_as_one(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    files = [write(tmp_path / f"{name}.safetensors", {name: tensor}) for name, tensor in state.items()]
    weights = Weights(files, "three files")
    assert set(weights) == set(state)
    assert weights.file("b") == files[1]


@pytest.mark.parametrize("prefix", ["model.diffusion_model.", "diffusion_model."])
def test_comfys_prefix_is_removed(tmp_path: Path, state: dict[str, torch.Tensor], prefix: str) -> None:
    weights = open_weights(write(tmp_path / "x.safetensors", prefixed(state, prefix) | {"scaled_fp8": torch.zeros(2)}))
    assert set(weights) == {*state, "scaled_fp8"}
    assert torch.equal(weights.read("a.weight"), state["a.weight"])


def test_tensors_stay_valid_when_the_file_is_mapped_again(
    tmp_path: Path, state: dict[str, torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REOPEN_BYTES", 1)
    weights = open_weights(write(tmp_path / "x.safetensors", state))
    read = {name: weights.read(name) for name in state}
    weights.close()
    assert all(torch.equal(read[name].float(), state[name].float()) for name in state)


def stored(header: object, data: bytes = b"", length: int | None = None) -> bytes:
    """A safetensors file with this header, valid or not."""
    encoded = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(encoded) if length is None else length) + encoded + data


def tensor(shape: list[int], start: int, end: int) -> dict[str, object]:
    return {"dtype": "F32", "shape": shape, "data_offsets": [start, end]}


HOSTILE = {
    "empty": b"",
    "length-without-header": stored(b"", length=2**60),
    "header-longer-than-the-file": stored(b"{", length=200_000_000),
    "no-json": stored(b"{{{{"),
    "deep-json": stored(b'{"__metadata__":' + b"[" * 5000 + b"]" * 5000 + b"}"),
    "shape-beyond-the-data": stored({"a": tensor([2**40, 2**20], 0, 4)}, b"0000"),
    "shape-that-overflows": stored({"a": tensor([2**63, 4], 0, 4)}, b"0000"),
    "negative-shape": stored({"a": tensor([-1], 0, 4)}, b"0000"),
    "data-beyond-the-file": stored({"a": tensor([1024], 0, 4096)}, b"0000"),
    "tensors-that-overlap": stored({"a": tensor([1], 0, 4), "b": tensor([1], 0, 4)}, b"0000"),
    "a-hole": stored({"a": tensor([1], 4, 8)}, b"00000000"),
    "more-than-the-header-says": stored({"a": tensor([1], 0, 4)}, b"00000000"),
    "unknown-type": stored({"a": {**tensor([1], 0, 4), "dtype": "OBJECT"}}, b"0000"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_false_headers_are_rejected_before_memory_is_allocated(tmp_path: Path, name: str) -> None:
    file = tmp_path / f"{name}.safetensors"
    file.write_bytes(HOSTILE[name])
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (address_space() + 2**28, limits[1]))
    try:
        with pytest.raises(CheckpointError, match="is not a valid safetensors file"):
            open_weights(file)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)


def test_a_shape_with_many_dimensions_is_refused_at_once(tmp_path: Path) -> None:
    file = tmp_path / "x.safetensors"
    file.write_bytes(stored({"a": tensor([2**62] * 100_000, 0, 4)}, b"0000"))
    start = time.process_time()
    with pytest.raises(CheckpointError, match=r"'a' has 100,000 dimensions; at most 8 are allowed$"):
        open_weights(file)
    assert time.process_time() - start < 1


@pytest.mark.parametrize("size", [64, module_header.MAX_HEADER_BYTES + 64])
def test_a_false_length_is_not_quoted(tmp_path: Path, size: int) -> None:
    """It is the first eight bytes of any file."""
    file = tmp_path / "x.safetensors"
    content = b"password"
    with file.open("wb") as opened:
        opened.write(content)
        opened.truncate(size)
    with pytest.raises(CheckpointError, match="its header has more bytes than the ") as error:
        open_weights(file)
    number = int.from_bytes(content, "little")
    assert str(number) not in str(error.value).replace(",", "")


def address_space() -> int:
    """Bytes of address space of this process."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_randomly_changed_files_are_read_or_rejected(tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(stored({"a": tensor([2, 2], 0, 16), "b": tensor([1], 16, 20)}, bytes(20)))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    file = tmp_path / "changed.safetensors"
    file.write_bytes(bytes(content[: data.draw(st.integers(0, len(content)))]))
    try:
        weights = open_weights(file)
    except CheckpointError:
        return
    for name in weights:
        weights.shape(name)
