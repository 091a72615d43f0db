"""What goes and what stays, over both stores."""

from __future__ import annotations

import time

import pytest

from brandpress.pipeline.deliver.clean import delete_garbage, find_garbage
from brandpress.pipeline.deliver.delivery import deliver
from brandpress.pipeline.deliver.manifest import BrokenManifestError, manifest_key, publish
from brandpress.pipeline.deliver.record import record_key
from brandpress.pipeline.deliver.rollback import rollback
from brandpress.pipeline.deliver.verify import verify
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store
from tests.pipeline.deliver.records import HEADER, data_of, record, variant

LATER = 25 * 3600.0


def render(folder: Store, *numbers: int) -> None:
    """Deliver these variants, and publish them as the campaign."""
    records = [deliver(folder, record(number), variant(number).asset, data_of(number)) for number in numbers]
    publish(folder, HEADER, len(records), records, list)


def names_of(number: int) -> set[str]:
    return {variant(number).asset, record_key(variant(number).render_key)}


@pytest.fixture
def folder(store_uri: str) -> Store:
    """A campaign whose variants changed with each of three manifests."""
    folder = open_campaign(store_uri, "spring")
    render(folder, 0)
    render(folder, 1)
    render(folder, 1, 2)
    return folder


def swept(folder: Store, wanted: tuple[int, ...] = (1, 2), later: float = LATER, **options: float) -> set[str]:
    sweep = find_garbage(folder, map(variant, wanted), now=time.time() + later, **options)  # type: ignore[arg-type]
    return {entry.key for entry in sweep.entries}


def test_what_kept_manifests_name_stays(folder: Store) -> None:
    assert swept(folder) == set()


def test_with_an_old_manifest_goes_what_only_it_names(folder: Store) -> None:
    assert swept(folder, keep=2) == names_of(0) | {manifest_key(1), "manifests/00000001/variants.jsonl"}


def test_what_the_job_asks_for_stays_published_or_not(folder: Store) -> None:
    deliver(folder, record(5), variant(5).asset, data_of(5))
    assert swept(folder, wanted=(1, 2, 5)) == set()
    assert swept(folder, wanted=(1, 2)) == names_of(5)
    assert swept(folder, wanted=(0, 1, 2), keep=1) & (names_of(0) | names_of(1)) == set()


def test_what_is_young_stays(folder: Store) -> None:
    assert swept(folder, keep=1, later=3600.0) == set()
    assert swept(folder, keep=1, later=3600.0, hours=0.5) != set()


def test_the_latest_stays_however_old(folder: Store) -> None:
    rollback(folder, 1)
    assert names_of(0) & swept(folder, keep=1) == set()
    assert manifest_key(2) in swept(folder, keep=1)
    assert verify(folder).intact


def test_deleting_leaves_a_whole_campaign_and_nothing_else(folder: Store) -> None:
    deliver(folder, record(5), variant(5).asset, data_of(5))
    sweep = find_garbage(folder, map(variant, (1, 2)), now=time.time() + LATER, keep=1)
    assert [entry.key for entry in delete_garbage(folder, sweep)] == [entry.key for entry in sweep.entries]
    assert sweep.kept == (3,)
    assert sweep.bytes > 0
    verification = verify(folder)
    assert verification.problems == ()
    assert verification.objects == 4
    assert swept(folder, keep=1) == set()


def test_headers_go_before_what_they_name_and_records_before_pictures(folder: Store) -> None:
    sweep = find_garbage(folder, map(variant, (1, 2)), now=time.time() + LATER, keep=2)
    kinds = ["manifest.json", "variants.jsonl", "records/", "assets/"]
    assert [next(kind for kind in kinds if kind in entry.key) for entry in sweep.entries] == kinds


def test_a_kept_manifest_that_is_broken_stops_it(folder: Store) -> None:
    folder.delete("manifests/00000002/variants.jsonl")
    with pytest.raises(BrokenManifestError):
        swept(folder)
    assert swept(folder, keep=1) >= names_of(0)


def test_a_number_that_a_killed_run_claimed_goes(folder: Store) -> None:
    folder.create("manifests/00000009/variants.jsonl", b"", "application/jsonl")
    assert swept(folder) == {"manifests/00000009/variants.jsonl"}


def test_before_anything_is_published_only_strangers_go(store_uri: str) -> None:
    folder = open_campaign(store_uri, "spring")
    assert swept(folder) == set()
    deliver(folder, record(1), variant(1).asset, data_of(1))
    folder.create("assets/stray.png", b"x", "image/png")
    assert swept(folder) == {"assets/stray.png"}
