"""Cleaning: what is deleted and what is kept, on both stores."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from brandpress.pipeline.deliver.clean import GarbageSet, NestedCampaignError, delete_garbage, find_garbage
from brandpress.pipeline.deliver.delivery import deliver
from brandpress.pipeline.deliver.lease import RunLease
from brandpress.pipeline.deliver.manifest import (
    BrokenManifestError,
    manifest_key,
    read_manifest,
    read_records,
    require_latest,
)
from brandpress.pipeline.deliver.record import record_key
from brandpress.pipeline.deliver.rollback import rollback
from brandpress.pipeline.deliver.verify import verify
from brandpress.pipeline.store.folder import PREFLIGHT, open_campaign
from brandpress.pipeline.store.protocol import Store
from tests.pipeline.deliver.records import HEADER, data_of, publish_records, record, variant, write_manifest_0_1_0

LATER = 25 * 3600.0


def render(folder: Store, *numbers: int) -> None:
    """Delivers these variants and publishes them as the campaign."""
    records = [deliver(folder, record(number), variant(number).asset, data_of(number)) for number in numbers]
    publish_records(folder, HEADER, len(records), records, list)


def part_of(folder: Store, number: int) -> str:
    """Returns the key of the only part of a manifest."""
    (part,) = read_manifest(folder, manifest_key(number)).manifest.parts
    return part.file


def keys_of(number: int) -> set[str]:
    """Returns the keys of the variant's asset and record."""
    return {variant(number).asset, record_key(variant(number).render_key)}


@pytest.fixture
def folder(store_uri: str) -> Store:
    """A campaign with three manifests, each with different variants."""
    folder = open_campaign(store_uri, "spring")
    render(folder, 0)
    render(folder, 1)
    render(folder, 1, 2)
    return folder


def garbage_of(
    folder: Store, planned: tuple[int, ...] = (1, 2), later: float = LATER, keep: int = 10, hours: float = 24.0
) -> GarbageSet:
    """Returns the garbage of a job with the variants `planned`, as found `later` seconds from now."""
    return find_garbage(folder, map(variant, planned), now=time.time() + later, keep=keep, hours=hours)


def garbage_keys(folder: Store, planned: tuple[int, ...] = (1, 2), **options: Any) -> set[str]:
    return {entry.key for entry in garbage_of(folder, planned, **options).entries}


def test_objects_of_kept_manifests_are_kept(folder: Store) -> None:
    assert garbage_keys(folder) == set()


def test_an_old_manifest_is_garbage_with_the_objects_that_only_it_references(folder: Store) -> None:
    assert garbage_keys(folder, keep=2) == keys_of(0) | {manifest_key(1), part_of(folder, 1)}


def test_the_jobs_variants_are_kept_published_or_not(folder: Store) -> None:
    deliver(folder, record(5), variant(5).asset, data_of(5))
    assert garbage_keys(folder, planned=(1, 2, 5)) == set()
    assert garbage_keys(folder, planned=(1, 2)) == keys_of(5)
    assert garbage_keys(folder, planned=(0, 1, 2), keep=1) & (keys_of(0) | keys_of(1)) == set()


def test_recent_objects_are_kept(folder: Store) -> None:
    young = garbage_of(folder, keep=1, later=3600.0)
    assert (young.entries, young.too_young > 0) == ((), True)
    assert garbage_keys(folder, keep=1, later=3600.0, hours=0.5) != set()


def test_the_latest_manifest_is_kept_however_old(folder: Store) -> None:
    rollback(folder, 1)
    assert keys_of(0) & garbage_keys(folder, keep=1) == set()
    assert manifest_key(2) in garbage_keys(folder, keep=1)
    assert verify(folder).intact


def test_deleting_leaves_an_intact_campaign_and_nothing_else(folder: Store) -> None:
    deliver(folder, record(5), variant(5).asset, data_of(5))
    garbage = garbage_of(folder, keep=1)
    assert [entry.key for entry in delete_garbage(folder, garbage)] == [entry.key for entry in garbage.entries]
    assert garbage.kept_manifests == (3,)
    assert garbage.bytes > 0
    verification = verify(folder)
    assert verification.problems == ()
    assert verification.objects == 4
    assert garbage_keys(folder, keep=1) == set()


def test_what_a_run_publishes_again_in_the_meantime_is_kept(folder: Store) -> None:
    garbage = garbage_of(folder, keep=1)
    assert keys_of(0) | {part_of(folder, 1)} <= {entry.key for entry in garbage.entries}
    render(folder, 0)
    assert list(delete_garbage(folder, garbage))
    assert part_of(folder, 4) in folder.list("parts/")
    assert verify(folder).intact


def test_manifests_are_deleted_before_their_parts_and_records_before_assets(folder: Store) -> None:
    garbage = garbage_of(folder, keep=2)
    kinds = ["manifest.json", "parts/", "records/", "assets/"]
    assert [next(kind for kind in kinds if kind in entry.key) for entry in garbage.entries] == kinds


def test_a_broken_manifest_that_would_be_kept_is_an_error(folder: Store) -> None:
    folder.delete(part_of(folder, 2))
    with pytest.raises(BrokenManifestError):
        garbage_keys(folder)
    assert garbage_keys(folder, keep=1) >= keys_of(0)


@pytest.mark.parametrize("key", ["manifests/00000009/variants.jsonl", f"parts/{'0' * 64}.jsonl"])
def test_the_part_of_a_killed_run_is_garbage(folder: Store, key: str) -> None:
    folder.create(key, b"", "application/jsonl")
    assert garbage_keys(folder) == {key}


def test_only_unknown_objects_are_garbage_before_the_first_manifest(store_uri: str) -> None:
    folder = open_campaign(store_uri, "spring")
    assert garbage_keys(folder) == set()
    deliver(folder, record(1), variant(1).asset, data_of(1))
    folder.create("assets/stray.png", b"x", "image/png")
    assert garbage_keys(folder) == {"assets/stray.png"}


FOREIGN = ("notes.txt", "campaign-b/assets/a.png", "records/readme.md", "manifests/notes.txt", "parts/list.csv", "x/y")


def test_files_that_brandpress_did_not_write_are_kept(folder: Store) -> None:
    for key in FOREIGN:
        folder.create(key, b"x", "text/plain")
    assert garbage_keys(folder) == set()


def test_a_campaign_below_another_one_is_never_cleaned(folder: Store, store_uri: str) -> None:
    """The second one is delivered into the first one's folder, even under a name that the first one uses."""
    for name in ("autumn", "assets"):
        below = open_campaign(f"{store_uri}/spring", name)
        render(below, 7)
        with pytest.raises(NestedCampaignError, match=f"another campaign lies below this one, at {name}; nothing was"):
            garbage_keys(folder)
        assert verify(below).intact
        for key in list(below.list("")):
            below.delete(key)


@pytest.mark.parametrize("name", ["lock", "0123456789abcdef"])
def test_temporary_files_of_a_nested_store_are_kept(tmp_path: Path, name: str) -> None:
    folder = open_campaign(str(tmp_path), "spring")
    render(folder, 0)
    for below in ("nested", "records"):
        (tmp_path / "spring" / below).mkdir(exist_ok=True)
        (tmp_path / "spring" / below / f".brandpress-{name}").write_bytes(b"")
    own = {"records/.brandpress-0123456789abcdef"} if name != "lock" else set()
    assert garbage_keys(folder, planned=(0,)) == own


def test_without_the_jobs_variants_what_is_newer_than_the_manifest_is_kept(folder: Store) -> None:
    later = time.time() + LATER
    deliver(folder, record(5), variant(5).asset, data_of(5))
    assert find_garbage(folder, [], now=later, keep=10, hours=0).entries != ()
    assert find_garbage(folder, None, now=later, keep=10, hours=0).entries == ()


def test_what_a_manifest_of_0_1_0_references_is_kept(store_uri: str) -> None:
    """Its records lie beside its header."""
    folder = open_campaign(store_uri, "spring")
    old = deliver(folder, record(0), variant(0).asset, data_of(0))
    write_manifest_0_1_0(folder, [old])
    assert read_records(folder, require_latest(folder)) == (old,)
    assert verify(folder).intact
    assert garbage_keys(folder, planned=()) == set()


def test_a_runs_token_is_kept_while_it_is_at_work(folder: Store) -> None:
    """Workers that join later must see it, however long the run takes."""
    folder.create(f"{PREFLIGHT}0123", b"", "text/plain")
    with RunLease(folder):
        assert garbage_keys(folder) == set()
    assert garbage_keys(folder) == {f"{PREFLIGHT}0123"}


def test_an_unpublished_picture_is_kept_under_its_earlier_name(folder: Store) -> None:
    """A run was killed, then `output.name` was changed."""
    deliver(folder, record(5), variant(5).asset, data_of(5))
    renamed = replace(variant(5), name="new-name")
    garbage = find_garbage(folder, [renamed, *map(variant, (1, 2))], now=time.time() + LATER, keep=10, hours=24.0)
    assert garbage.entries == ()
