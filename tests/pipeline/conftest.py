"""Fixtures of all pipeline tests: the corpus of brand specs and campaigns with its pictures, and one Ray cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from brandpress.pipeline.render.driver.cluster import Resources, ray_resources
from tests.corpus.layout import lay_out

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of tests/corpus with its pictures. Tests must not change it."""
    return lay_out(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="session")
def ray(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Resources]:
    """One Ray cluster with two workers for all tests, because starting it is slow. It can import our stand-in."""
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:  # only what Ray starts inherits this
            patch.setenv("PYTHONPATH", str(ROOT))
            patch.delenv("RAY_ADDRESS", raising=False)
            resources = stack.enter_context(ray_resources(2))
        yield resources
