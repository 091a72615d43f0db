"""Small random checkpoints of each kind in turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.gpu.checkpoints import KINDS

if TYPE_CHECKING:
    from tests.model.small import Small


@pytest.fixture(scope="session", params=sorted(KINDS))
def small(request: pytest.FixtureRequest, small_of: Callable[[str], Small]) -> Small:
    """Every kind of checkpoint in turn."""
    return small_of(request.param)
