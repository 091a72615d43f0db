"""Buffers that are reused."""

from __future__ import annotations

import torch

from brandpress.model.inference.workspace import Workspace

LIKE = torch.zeros(1)


def test_a_name_is_one_buffer() -> None:
    space = Workspace()
    first = space.take("a", (4, 6), LIKE)
    again = space.take("a", (3, 2), LIKE)
    assert again.shape == (3, 2)
    assert again.data_ptr() == first.data_ptr()


def test_names_and_dtypes_have_separate_buffers() -> None:
    space = Workspace()
    tensors = [space.take("a", (4,), LIKE), space.take("b", (4,), LIKE), space.take("a", (4,), LIKE.bfloat16())]
    assert len({tensor.data_ptr() for tensor in tensors}) == 3
    assert tensors[2].dtype == torch.bfloat16


def test_a_buffer_grows() -> None:
    space = Workspace()
    space.take("a", (2, 2), LIKE)
    assert space.take("a", (50, 3), LIKE).shape == (50, 3)


def test_other_devices_get_a_new_tensor_each_time() -> None:
    space = Workspace()
    one, other = (space.take("a", (4,), torch.zeros(1, device="meta")) for _ in range(2))
    assert one is not other
    assert one.device.type == "meta"
