"""Downloading a model's weights, where there is nothing to download. tests/pipeline/cli/test_models.py downloads."""

from __future__ import annotations

import pytest

from brandpress.model.checkpoint.locate import NANO_FOLDER
from brandpress.model.errors import RequestError
from brandpress.pipeline.plan.download import download_model


def test_nano_ships_with_brandpress() -> None:
    assert download_model("nano") == (NANO_FOLDER, "nano ships with brandpress, so there is nothing to download")


def test_a_hosted_tier_names_the_missing_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BFL_API_KEY", raising=False)
    folder, note = download_model("flux.2-pro")
    assert folder is None
    assert note.startswith("flux.2-pro is rendered by BFL, so there is nothing to download; it needs a key: ")


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(RequestError, match=r"--get: 'nan' is not a model of the family; allowed: 'nano'.*'nano'\?$"):
        download_model("nan")
