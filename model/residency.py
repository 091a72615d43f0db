"""A part of a model that is in memory only while it's needed."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Generic, TypeVar

import torch

Part = TypeVar("Part")


class Resident(Generic[Part]):
    """Loaded when it's first asked for, and again after it was let go of."""

    def __init__(self, load: Callable[[], Part]) -> None:
        self._load = load
        self._part: Part | None = None

    @property
    def loaded(self) -> bool:
        return self._part is not None

    def get(self) -> Part:
        """The part, loaded."""
        if self._part is None:
            self._part = self._load()
        return self._part

    def drop(self) -> None:
        """Let go of the part and give its memory back to the device."""
        if self._part is None:
            return
        self._part = None
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
