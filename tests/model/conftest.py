"""Small random checkpoints of each kind, each loaded once by diffusers and once by us."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from tests.model.small import PIPELINES, Small, load_small


@pytest.fixture(scope="session")
def small_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Small]:
    """The checkpoint of a kind, made when it is first asked for."""
    return cache(lambda kind: load_small(kind, tmp_path_factory.mktemp(kind)))


@pytest.fixture(scope="session", params=sorted(PIPELINES))
def small(request: pytest.FixtureRequest, small_of: Callable[[str], Small]) -> Small:
    """Every kind of checkpoint in turn."""
    return small_of(request.param)
