"""Feature vectors as text, for caches."""

from __future__ import annotations

import base64

import numpy as np
from numpy.typing import NDArray


def packed(vector: NDArray[np.float32]) -> str:
    """Returns a vector as base64 of half-precision numbers, little-endian."""
    return base64.b64encode(vector.astype("<f2").tobytes()).decode()


def unpacked(text: str) -> NDArray[np.float32]:
    """Returns the vector that `packed` wrote. Raises ValueError for other text."""
    return np.frombuffer(base64.b64decode(text, validate=True), "<f2").astype(np.float32)
