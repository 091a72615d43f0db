"""Which models of the family this machine has."""

from __future__ import annotations

from pathlib import Path

import pytest

from brandpress.model.checkpoint.availability import Availability, availability
from brandpress.model.checkpoint.hub import download
from brandpress.model.family import FAMILIES
from tests.hub_server import Repository, point_library_at, running_hub_server

HOSTED = [name for name, family in FAMILIES.items() if family.hosted]
LOCAL = [name for name, family in FAMILIES.items() if family.hub]


def test_nano_is_always_available() -> None:
    assert availability(FAMILIES["nano"]) == Availability(True, "ships with brandpress", None)


@pytest.mark.parametrize("name", HOSTED)
def test_a_hosted_tier_needs_a_key(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("", None):
        if key is None:
            monkeypatch.delenv("BFL_API_KEY")
        else:
            monkeypatch.setenv("BFL_API_KEY", key)
        assert availability(FAMILIES[name]) == Availability(False, "needs a key", "export BFL_API_KEY=…")
    monkeypatch.setenv("BFL_API_KEY", "hush")
    assert availability(FAMILIES[name]) == Availability(True, "BFL_API_KEY is set", None)


@pytest.mark.parametrize("name", LOCAL)
def test_missing_weights_have_a_command(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    point_library_at("http://127.0.0.1:9", tmp_path, monkeypatch)
    command = f"brandpress models --get {name}"
    assert availability(FAMILIES[name]) == Availability(False, "not in the hub's cache", command)


def test_cached_weights_have_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    family = FAMILIES["flux.2-klein-9b-kv"]
    assert family.hub
    with running_hub_server() as server:
        point_library_at(server.endpoint, tmp_path, monkeypatch)
        server.repositories[family.hub] = Repository()
        folder = download(family.hub, lambda downloaded, total: None)
        server.requests.clear()
        assert availability(family) == Availability(True, str(folder), None)
        assert server.requests == []
