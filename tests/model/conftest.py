"""Small random checkpoints of each kind in turn."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.model.small import PIPELINES, Small


@pytest.fixture(scope="session", params=sorted(PIPELINES))
def small(request: pytest.FixtureRequest, small_of: Callable[[str], Small]) -> Small:
    """Every kind of checkpoint in turn."""
    return small_of(request.param)
