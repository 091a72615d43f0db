"""Keys and values of references, and the room after them."""

from __future__ import annotations

import pytest
import torch

from brandpress.model.inference.reference_kv import OffloadedKV, ReferenceKV


def numbered_kv(rows: int = 3, layers: int = 2) -> ReferenceKV:
    """Returns keys and values whose elements all differ."""
    kv = ReferenceKV.empty(layers, rows, 2, 4, torch.zeros(1))
    for number in range(layers):
        values = torch.arange(rows * 8.0).view(rows, 2, 4)
        kv.write(number, 0, values + 100 * number, -values - 100 * number)
    return kv


def test_changing_the_room_keeps_the_references() -> None:
    kv = numbered_kv()
    before = [(layer.key.clone(), layer.value.clone()) for layer in kv.layers]
    for requested, room in ((5, 5), (2, 5), (0, 0), (7, 7), (9, 9), (0, 0)):
        kv.fit(requested)
        assert kv.room == room
        for layer, (key, value) in zip(kv.layers, before, strict=True):
            assert layer.key.shape == (3 + room, 2, 4)
            assert torch.equal(layer.key[:3], key)
            assert torch.equal(layer.value[:3], value)


@pytest.mark.parametrize("room", [4, 1])
def test_sufficient_room_is_not_reallocated(room: int) -> None:
    kv = numbered_kv()
    kv.fit(4)
    pointers = [layer.key.data_ptr() for layer in kv.layers]
    kv.fit(room)
    assert [layer.key.data_ptr() for layer in kv.layers] == pointers


@pytest.mark.parametrize("room", [0, 2, 4, 6])
def test_layers_with_different_room_are_fitted(room: int) -> None:
    """As after an earlier call ran out of memory half-way."""
    kv, grown = numbered_kv(), numbered_kv()
    grown.fit(4)
    kv.layers[0] = grown.layers[0]
    assert kv.room == 0
    kv.fit(room)
    assert kv.room == room
    assert [len(layer.value) - 3 for layer in kv.layers] == [max(room, 4) if room else 0, room]


def test_rows_are_written_after_the_references() -> None:
    kv = numbered_kv()
    kv.fit(4)
    own = torch.full((2, 2, 4), 7.0)
    layer = kv.write(1, 3, own, own + 1)
    assert layer.key.shape == (5, 2, 4)
    assert torch.equal(layer.key[3:], own) and torch.equal(layer.value[3:], own + 1)
    assert torch.equal(layer.key[:3], numbered_kv().layers[1].key)
    assert torch.equal(kv.layers[0].key[:3], numbered_kv().layers[0].key)


def test_bytes_do_not_include_the_room() -> None:
    kv = numbered_kv()
    assert kv.nbytes == 2 * 2 * 3 * 2 * 4 * 4
    kv.fit(100)
    assert kv.nbytes == 2 * 2 * 3 * 2 * 4 * 4


def test_an_offloaded_copy_has_no_room_and_shares_no_memory() -> None:
    kv = numbered_kv()
    kv.fit(4)
    offloaded = OffloadedKV(kv)
    assert offloaded.nbytes == kv.nbytes
    kv.layers[0].key.zero_()
    restored = offloaded.restored()
    assert restored.room == 0 and restored.length == 3
    for layer, before in zip(restored.layers, numbered_kv().layers, strict=True):
        assert torch.equal(layer.key, before.key) and torch.equal(layer.value, before.value)
