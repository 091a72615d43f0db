"""Rollback, on both stores: one write, and never to an incomplete manifest."""

from __future__ import annotations

import pytest

from brandpress.model.errors import RequestError
from brandpress.pipeline.cli.text import history_lines
from brandpress.pipeline.deliver.delivery import deliver
from brandpress.pipeline.deliver.manifest import LATEST, Counts, Published, manifest_key, read_latest, read_records
from brandpress.pipeline.deliver.publication import publish
from brandpress.pipeline.deliver.rollback import history, rollback
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store, StoreError
from tests.pipeline.deliver.records import HEADER, contents, data_of, publish_records, record, variant


def publish_first(folder: Store, count: int) -> Published:
    """Publishes the campaign with its first `count` variants."""
    records = [deliver(folder, record(number), variant(number).asset, data_of(number)) for number in range(count)]
    return publish_records(folder, HEADER, count, records, list)


@pytest.fixture
def folder(store_uri: str) -> Store:
    """A campaign with three manifests, of one, two and three variants."""
    folder = open_campaign(store_uri, "spring")
    for count in (1, 2, 3):
        publish_first(folder, count)
    return folder


def latest_number(folder: Store) -> int:
    latest = read_latest(folder)
    assert latest is not None
    assert len(read_records(folder, latest)) == latest.manifest.counts.done
    return latest.manifest.number


def test_rollback_goes_to_the_previous_manifest_by_default(folder: Store) -> None:
    before = set(folder.list(""))
    assert rollback(folder).manifest.number == 2
    assert latest_number(folder) == 2
    assert rollback(folder).manifest.number == 1
    assert latest_number(folder) == 1
    with pytest.raises(RequestError, match="there is no manifest before 1"):
        rollback(folder)
    assert set(folder.list("")) == before


def test_withheld_manifests_are_skipped_unless_they_are_named(folder: Store) -> None:
    """They were never the latest: `publish: whole`, and some variants had failed."""
    withheld = publish(folder, HEADER, lambda previous: contents(9, [record(0, asset="a", sha256="0" * 64)]), never)
    assert withheld is not None
    assert withheld.published.manifest.withheld
    assert publish_first(folder, 4).manifest.number == 5
    assert rollback(folder).manifest.number == 3
    with pytest.raises(StoreError, match="can't roll back to manifest 4: 1 of its objects are missing"):
        rollback(folder, 4)
    assert list(history_lines(history(folder), manifest_key(3)))[1].endswith("1 of 9 done  withheld")


def never(counts: Counts) -> bool:
    return False


def test_rollback_to_any_manifest_and_forward_again(folder: Store) -> None:
    assert rollback(folder, 1).manifest.number == 1
    assert rollback(folder, 3).manifest.number == 3
    assert latest_number(folder) == 3


def test_rollback_to_the_latest_writes_nothing(folder: Store) -> None:
    before = folder.stat(LATEST)
    assert rollback(folder, 3).manifest.number == 3
    assert folder.stat(LATEST) == before


def test_a_manifest_that_does_not_exist_is_refused(folder: Store) -> None:
    with pytest.raises(RequestError, match=r"--to 7: there is no such manifest; allowed: 1, 2, 3"):
        rollback(folder, 7)


def test_a_manifest_with_missing_pictures_is_refused(folder: Store) -> None:
    folder.delete(variant(0).asset)
    message = f"can't roll back to manifest 1: 1 of its objects are missing, first {variant(0).asset}"
    with pytest.raises(StoreError, match=message):
        rollback(folder, 1)
    assert latest_number(folder) == 3


def test_rollback_from_a_broken_latest_manifest(folder: Store) -> None:
    folder.delete(manifest_key(3))
    assert rollback(folder).manifest.number == 2
    assert latest_number(folder) == 2


def test_rollback_before_anything_is_published_is_an_error(store_uri: str) -> None:
    with pytest.raises(StoreError, match="nothing is published here yet"):
        rollback(open_campaign(store_uri, "spring"))


def test_a_run_that_publishes_in_the_meantime_wins(folder: Store) -> None:
    class PublishingFolder:
        """Another run publishes just before the pointer is swapped."""

        def __getattr__(self, name: str) -> object:
            return getattr(folder, name)

        def replace(self, key: str, data: bytes, content_type: str, expected: str | None) -> bool:
            publish_first(folder, 4)
            return folder.replace(key, data, content_type, expected)

    with pytest.raises(StoreError, match="another run has just published a manifest"):
        rollback(PublishingFolder())  # type: ignore[arg-type]
    assert latest_number(folder) == 4


def test_a_lost_response_to_the_swap_goes_back_once(folder: Store) -> None:
    """The first attempt succeeds, its response is lost, and the retry finds the pointer changed: by itself."""

    class LosingFolder:
        def __getattr__(self, name: str) -> object:
            return getattr(folder, name)

        def replace(self, key: str, data: bytes, content_type: str, expected: str | None) -> bool:
            folder.replace(key, data, content_type, expected)
            return folder.replace(key, data, content_type, expected)

    assert rollback(LosingFolder()).manifest.number == 2  # type: ignore[arg-type]
    assert latest_number(folder) == 2


def test_the_next_manifest_gets_a_new_number(folder: Store) -> None:
    rollback(folder, 1)
    assert publish_first(folder, 3).manifest.number == 4


def test_history_is_newest_first_without_broken_manifests(folder: Store) -> None:
    rollback(folder, 1)
    assert [published.manifest.number for published in history(folder)] == [3, 2, 1]
    folder.delete(manifest_key(2))
    assert [published.manifest.number for published in history(folder)] == [3, 1]
