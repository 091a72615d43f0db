"""The hosted tiers' key is checked without being shown."""

from __future__ import annotations

import pytest

from brandpress.model.checkpoint.hosted_key import key_of_environment
from brandpress.model.errors import HostedError


@pytest.mark.parametrize("key", ["", "  ", None])
def test_a_missing_key_says_how_to_set_it(key: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BFL_API_KEY", raising=False)
    if key is not None:
        monkeypatch.setenv("BFL_API_KEY", key)
    with pytest.raises(HostedError, match="export BFL_API_KEY="):
        key_of_environment()


def test_a_key_is_stripped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BFL_API_KEY", " bfl_key\n")
    assert key_of_environment() == "bfl_key"


@pytest.mark.parametrize("key", ["bfl\nkey", "bfl key", "bfl_\N{LATIN SMALL LETTER E WITH ACUTE}", "bfl\x7fkey"])
def test_a_malformed_key_is_rejected_without_being_shown(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BFL_API_KEY", key)
    with pytest.raises(HostedError, match="BFL_API_KEY contains") as caught:
        key_of_environment()
    assert key not in str(caught.value)
