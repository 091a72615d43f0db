"""The place of trainings in tests: the CPU in float32, whatever is faster on this machine."""

from __future__ import annotations

import torch

from brandpress.model.nano.place import Place

CPU = Place(torch.device("cpu"), torch.float32)
