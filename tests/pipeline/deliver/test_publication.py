"""When a manifest becomes the latest."""

from __future__ import annotations

from pathlib import Path

import pytest

from brandpress.pipeline.deliver.manifest import LATEST, MANIFESTS, PARTS, Published, check_parts, read_latest
from brandpress.pipeline.deliver.publication import Publication, newest_intact, publish
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store
from tests.pipeline.deliver.records import HEADER, contents, failed, publish_records, record


@pytest.fixture
def folder(tmp_path: Path) -> Store:
    return open_campaign(str(tmp_path), "spring")


def publish_if(folder: Store, ready: bool, planned: int, *numbers: int) -> Publication | None:
    return publish(folder, HEADER, lambda previous: contents(planned, map(record, numbers)), lambda counts: ready)


def number(published: Published | None) -> int:
    assert published is not None
    return published.manifest.number


def test_a_manifest_that_is_not_ready_is_written_without_moving_the_pointer(folder: Store) -> None:
    publish_records(folder, HEADER, 2, [record(0), record(1)], list)
    withheld = publish_if(folder, False, 3, 0)
    assert withheld is not None
    assert (withheld.latest, withheld.published.manifest.number) == (False, 2)
    assert number(read_latest(folder)) == 1
    assert number(newest_intact(folder)) == 2


def test_a_manifest_that_is_not_ready_is_written_once(folder: Store) -> None:
    publish_if(folder, False, 3, 0)
    again = publish_if(folder, False, 3, 0)
    assert again is not None
    assert (again.latest, again.published.manifest.number) == (False, 1)
    assert read_latest(folder) is None
    ready = publish_if(folder, True, 3, 0)
    assert ready is not None
    assert ready.latest


@pytest.mark.parametrize("ready", [True, False])
def test_parts_that_are_deleted_during_publication_are_written_again(folder: Store, ready: bool) -> None:
    """They were an earlier manifest's, and `clean` had listed them as garbage."""

    class CleanedFolder:
        def __getattr__(self, name: str) -> object:
            return getattr(folder, name)

        def create(self, key: str, data: bytes, content_type: str) -> bool:
            if key.startswith(MANIFESTS):
                for part in list(folder.list(PARTS)):
                    folder.delete(part)
            return folder.create(key, data, content_type)

    publication = publish_if(CleanedFolder(), ready, 1, 0)  # type: ignore[arg-type]
    assert publication is not None
    assert publication.latest == ready
    check_parts(folder, publication.published)


def test_nothing_is_written_without_a_picture(folder: Store) -> None:
    assert publish(folder, HEADER, lambda previous: contents(2, [failed(0)])) is None
    assert list(folder.list("")) == []


def test_a_failure_with_another_cause_is_no_new_manifest(folder: Store) -> None:
    """A variant that fails each night would otherwise add a manifest each night."""
    publish_records(folder, HEADER, 2, [record(0), failed(1, "first")], list)
    again = publish_records(folder, HEADER, 2, [record(0), failed(1, "second")], list)
    assert again.manifest.number == 1


def test_manifests_share_unchanged_parts(folder: Store) -> None:
    records = [record(number) for number in range(12_000)]
    first = publish_records(folder, HEADER, 12_000, records, list)
    changed = [*records[:-1], record(11_999, prompt="another")]
    second = publish_records(folder, HEADER, 12_000, changed, list)
    shared = {part.file for part in first.manifest.parts} & {part.file for part in second.manifest.parts}
    assert len(shared) == len(first.manifest.parts) - 1 >= 1


def test_contents_are_composed_from_the_newest_intact_manifest_if_the_latest_is_broken(folder: Store) -> None:
    first = publish_records(folder, HEADER, 1, [record(0)], list)
    second = publish_records(folder, HEADER, 2, [record(0), record(1)], list)
    folder.delete(second.pointer.manifest)
    given: list[Published | None] = []
    publish(folder, HEADER, lambda previous: (given.append(previous), contents(1, [record(0)]))[1])
    assert given == [first]


def test_contents_that_were_read_before_another_run_published_are_read_again(folder: Store) -> None:
    before = folder.stat(LATEST)
    publish_records(folder, HEADER, 2, [record(0), record(1)], list)
    reads = [contents(2, [record(0)]), contents(2, [record(0), record(1)])]
    publication = publish(folder, HEADER, lambda previous: reads.pop(0), before=before)
    assert publication is not None
    assert (publication.published.manifest.status, reads) == ("done", [])
