"""Errors that the test server can't cause; the others are in test_hub."""

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


def test_a_full_disk(cache: Path) -> None:
    full = OSError(errno.ENOSPC, "No space left on device", str(cache / "blobs" / "x"))
    message = f"no space left in {cache} for owner/it; free up space, or set HF_HUB_CACHE to another disk"
    assert explanation(full) == message


@pytest.mark.parametrize("text", [f"Illegal header value b'Bearer {GOOD_TOKEN}'", f"401 for\x1b[2J {GOOD_TOKEN}\nmore"])
def test_secrets_are_removed(text: str) -> None:
    message = explanation(RuntimeError(text))
    assert "hf_" not in message
    assert GOOD_TOKEN[3:] not in message
    assert "\x1b" not in message
    assert "more" not in message


def test_the_last_cause_is_named() -> None:
    error = RuntimeError("outer")
    error.__cause__ = ConnectionError()
    assert explanation(error).startswith("owner/it can't be downloaded from https://mirror.example: ConnectionError; ")


def test_checkpoint_errors_pass_through() -> None:
    assert explanation(CheckpointError("unchanged")) == "unchanged"
