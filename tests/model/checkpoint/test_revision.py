"""Revisions of models on the hub: named in a model's name, resolved to a commit, and pinned for workers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from brandpress.model.checkpoint.describe import describe
from brandpress.model.checkpoint.hub import cached, download
from brandpress.model.checkpoint.revision import commit_of, split_revision, with_revision
from brandpress.model.choice import ModelChoice
from brandpress.model.errors import CheckpointError
from brandpress.pipeline.deliver.record import stamp_of
from tests.hub_server import HubServer, Repository, checkpoint_files, point_library_at, running_hub_server

HUB = "black-forest-labs/FLUX.2-klein-4B"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """A hub with one repository, and an empty cache."""
    with running_hub_server() as server:
        point_library_at(server.endpoint, tmp_path, monkeypatch)
        server.repositories[HUB] = Repository()
        yield server


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        (f"{HUB}@v1.0", (HUB, "v1.0")),
        (f"{HUB}@refs/pr/3", (HUB, "refs/pr/3")),
        (f"flux.2-dev@{'0' * 40}", ("flux.2-dev", "0" * 40)),
        (HUB, (HUB, None)),
        ("./mine@2", ("./mine@2", None)),
        ("/models/a@b", ("/models/a@b", None)),
        (f"{HUB}@", (f"{HUB}@", None)),
        (f"{HUB}@../x", (f"{HUB}@../x", None)),
    ],
)
def test_names_with_a_revision(base: str, expected: tuple[str, str | None]) -> None:
    assert split_revision(base) == expected


def test_a_description_pins_the_commit(hub: HubServer, tmp_path: Path) -> None:
    first = hub.repositories[HUB].commit
    download(HUB, lambda *_: None)
    described = describe(HUB, tmp_path)
    assert (described.name, described.revision, described.choice.base) == (HUB, first, f"{HUB}@{first}")
    assert stamp_of(described).revision == first
    by_family = describe("flux.2-klein-4b", tmp_path)
    assert (by_family.name, by_family.family) == ("flux.2-klein-4b", "flux.2-klein-4b")
    assert by_family.choice.base == f"flux.2-klein-4b@{first}"
    again = describe(by_family.choice, tmp_path)
    assert again == by_family


def test_a_newer_main_branch_does_not_move_a_pinned_choice(hub: HubServer, tmp_path: Path) -> None:
    download(HUB, lambda *_: None)
    planned = describe(HUB, tmp_path)
    files = checkpoint_files() | {"vae/config.json": b'{"latent_channels": 16}'}
    hub.repositories[HUB] = Repository(files)
    newer = download(HUB, lambda *_: None, revision=hub.repositories[HUB].commit)
    assert newer.name != planned.revision
    assert describe(planned.choice, tmp_path).weights_digest == planned.weights_digest
    other = describe(ModelChoice(f"{HUB}@{newer.name}"), tmp_path)
    assert (other.revision, other.weights_digest != planned.weights_digest) == (newer.name, True)


def test_a_missing_revision_has_a_command(hub: HubServer, tmp_path: Path) -> None:
    download(HUB, lambda *_: None)
    assert cached(HUB, revision="v9") is None
    with pytest.raises(CheckpointError, match=f"{HUB} at revision v9 is not .*`hf download {HUB} --revision v9`"):
        describe(f"{HUB}@v9", tmp_path)


@pytest.mark.parametrize("name", ["nano@main", "flux.2-pro@main", "nothing@main"])
def test_only_models_on_the_hub_have_revisions(name: str, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=f"model '{name}': only models on the hub have revisions"):
        describe(name, tmp_path)


def test_folders_have_no_revision(tmp_path: Path) -> None:
    described = describe("nano", tmp_path)
    assert (described.revision, described.choice.base, stamp_of(described).revision) == (None, "nano", None)
    assert "revision" not in stamp_of(described).model_dump(mode="json")
    assert stamp_of(replace(described, revision="a")).model_dump(mode="json")["revision"] == "a"
    assert commit_of(tmp_path) is None
    assert with_revision("nano", None) == "nano"
