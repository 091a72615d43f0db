"""Keys and values of references, and the room behind them."""

from __future__ import annotations

import torch

from model.reference_kv import ReferenceKV


def made(rows: int = 3, layers: int = 2) -> ReferenceKV:
    """Every element another number."""
    kv = ReferenceKV.empty(layers, rows, 2, 4, torch.zeros(1))
    for number in range(layers):
        values = torch.arange(rows * 8.0).view(rows, 2, 4)
        kv.write(number, 0, values + 100 * number, -values - 100 * number)
    return kv


def test_room_comes_and_goes_and_the_references_stay() -> None:
    kv = made()
    before = [(layer.key.clone(), layer.value.clone()) for layer in kv.layers]
    for room in (5, 2, 2, 0, 7):
        kv.fit(room)
        assert kv.room == room
        for layer, (key, value) in zip(kv.layers, before, strict=True):
            assert layer.key.shape == (3 + room, 2, 4)
            assert torch.equal(layer.key[:3], key)
            assert torch.equal(layer.value[:3], value)


def test_the_same_room_moves_nothing() -> None:
    kv = made()
    kv.fit(4)
    pointers = [layer.key.data_ptr() for layer in kv.layers]
    kv.fit(4)
    assert [layer.key.data_ptr() for layer in kv.layers] == pointers


def test_what_is_written_stands_behind_the_references() -> None:
    kv = made()
    kv.fit(4)
    own = torch.full((2, 2, 4), 7.0)
    layer = kv.write(1, 3, own, own + 1)
    assert layer.key.shape == (5, 2, 4)
    assert torch.equal(layer.key[3:], own) and torch.equal(layer.value[3:], own + 1)
    assert torch.equal(layer.key[:3], made().layers[1].key)
    assert torch.equal(kv.layers[0].key[:3], made().layers[0].key)


def test_bytes_are_those_of_the_references() -> None:
    kv = made()
    assert kv.nbytes == 2 * 2 * 3 * 2 * 4 * 4
    kv.fit(100)
    assert kv.nbytes == 2 * 2 * 3 * 2 * 4 * 4


def test_a_copy_elsewhere_has_no_room_and_is_no_view() -> None:
    kv = made()
    kv.fit(4)
    copy = kv.to(torch.device("cpu"))
    assert copy.room == 0 and copy.length == 3
    kv.layers[0].key.zero_()
    assert torch.equal(copy.layers[0].key, made().layers[0].key)
