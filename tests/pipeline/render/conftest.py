"""One Ray for all tests of the render station: starting it takes longer than what they render."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.render.cluster import Resources, ray_resources

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def ray(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Resources]:
    """A Ray of two workers, whose processes find the tests' stand-in."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.delenv("RAY_ADDRESS", raising=False)
        with ray_resources(2) as resources:
            yield resources
