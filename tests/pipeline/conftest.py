"""What the tests of the stations share: the corpus of brand specs and campaigns, laid out with its pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.corpus.layout import lay_out


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of tests/corpus, with its pictures. Tests must not change it."""
    return lay_out(tmp_path_factory.mktemp("corpus"))
