"""Errors that no test server can provoke; the others are in test_hub."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from brandpress.model.checkpoint.hub_error import explained
from brandpress.model.errors import CheckpointError
from tests.hub_server import GOOD_TOKEN, point_library_at


def explanation(error: Exception) -> str:
    with pytest.raises(CheckpointError) as raised, explained("owner/it", "get it"):
        raise error
    return str(raised.value)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return point_library_at("https://mirror.example", tmp_path, monkeypatch)


def test_a_disk_that_becomes_full(cache: Path) -> None:
    full = OSError(errno.ENOSPC, "No space left on device", str(cache / "blobs" / "x"))
    message = f"{cache} is full; make room, or name a folder on another disk in HF_HUB_CACHE, for owner/it"
    assert explanation(full) == message


@pytest.mark.parametrize("text", [f"Illegal header value b'Bearer {GOOD_TOKEN}'", f"401 for\x1b[2J {GOOD_TOKEN}\nmore"])
def test_a_secret_is_never_told(text: str) -> None:
    told = explanation(RuntimeError(text))
    assert "hf_" not in told
    assert GOOD_TOKEN[3:] not in told
    assert "\x1b" not in told
    assert "more" not in told


def test_the_last_cause_is_told() -> None:
    error = RuntimeError("outer")
    error.__cause__ = ConnectionError()
    assert explanation(error).startswith("owner/it can't be downloaded from https://mirror.example: ConnectionError; ")


def test_our_own_errors_pass() -> None:
    assert explanation(CheckpointError("as it is")) == "as it is"
