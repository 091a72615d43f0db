"""Aliases are the pictures of the latest manifest, in a folder and on a real S3 server."""

from __future__ import annotations

import json
from collections.abc import Mapping

import boto3
import pytest

from brandpress.pipeline.deliver.aliases import INDEX, update_aliases
from brandpress.pipeline.deliver.clean import NestedCampaignError
from brandpress.pipeline.deliver.delivery import deliver
from brandpress.pipeline.deliver.verify import verify
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store, sha256_hex
from tests.pipeline.deliver.records import HEADER, publish_records, record, variant


@pytest.fixture
def folder(store_uri: str) -> Store:
    return open_campaign(store_uri, "spring")


def publish(folder: Store, contents: Mapping[int, bytes], salt: str = "") -> None:
    """Publishes variants with these contents. salt: other assets of the same names."""
    records = []
    for number, content in contents.items():
        asset = variant(number).asset.replace(".png", f"{salt}.png")
        one = record(number, render_key=variant(number).render_key[:-1] + (salt or "0"))
        records.append(deliver(folder, one, asset, content))
    publish_records(folder, HEADER, len(contents), records, list)


def aliases(folder: Store) -> dict[str, bytes | None]:
    return {key: folder.read(key) for key in folder.list("latest/")}


FIRST, SECOND, THIRD = (f"latest/mug/scene{number:03}.png" for number in range(3))


def test_aliases_follow_the_latest_manifest(folder: Store) -> None:
    publish(folder, {0: b"a", 1: b"b"})
    update = update_aliases(folder)
    assert (update.written, update.removed, update.lost) == ((FIRST, SECOND), (), ())
    assert aliases(folder) == {FIRST: b"a", SECOND: b"b"}
    assert update_aliases(folder).written == ()
    publish(folder, {1: b"B", 2: b"c"}, "1")
    update = update_aliases(folder)
    assert (update.written, update.removed) == ((SECOND, THIRD), (FIRST,))
    assert aliases(folder) == {SECOND: b"B", THIRD: b"c"}
    assert json.loads(folder.read(INDEX) or b"")["schema"] == "brandpress.aliases/1"
    assert {problem.kind for problem in verify(folder).problems} <= {"unknown"}
    assert not [problem for problem in verify(folder).problems if "latest" in problem.key or "alias" in problem.key]


def test_an_interrupted_update_is_made_up_for(folder: Store) -> None:
    publish(folder, {0: b"a", 1: b"b"})
    update_aliases(folder)
    folder.delete(SECOND)
    assert update_aliases(folder).written == (SECOND,)
    folder.delete(INDEX)
    assert update_aliases(folder).written == (FIRST, SECOND)
    stat = folder.stat(INDEX)
    assert stat is not None
    assert folder.replace(INDEX, b"broken", "application/json", stat.etag)
    assert update_aliases(folder).written == (FIRST, SECOND)


def test_an_update_that_overwrites_a_newer_one_is_repeated(folder: Store) -> None:
    """Another run publishes and updates while this one copies."""
    publish(folder, {0: b"a", 1: b"b"})

    class OvertakenFolder:
        overtaken = False

        def __getattr__(self, name: str) -> object:
            return getattr(folder, name)

        def replace(self, key: str, data: bytes, content_type: str, expected: str | None) -> bool:
            if key == FIRST and not self.overtaken:
                self.overtaken = True
                publish(folder, {0: b"A"}, "1")
                update_aliases(folder)
            return folder.replace(key, data, content_type, expected)

    update_aliases(OvertakenFolder())  # type: ignore[arg-type]
    assert aliases(folder) == {FIRST: b"A"}
    assert json.loads(folder.read(INDEX) or b"")["aliases"] == {FIRST: sha256_hex(b"A")}


def test_what_brandpress_has_not_written_stays(folder: Store) -> None:
    publish(folder, {0: b"a", 1: b"b"})
    assert folder.create("latest/index.html", b"by hand", "text/html")
    update_aliases(folder)
    publish(folder, {0: b"a"}, "1")
    assert update_aliases(folder).removed == (SECOND,)
    assert aliases(folder) == {FIRST: b"a", "latest/index.html": b"by hand"}


def test_a_campaign_among_the_aliases_is_refused(folder: Store) -> None:
    publish(folder, {0: b"a"})
    assert folder.create("latest/latest.json", b"{}", "application/json")
    with pytest.raises(NestedCampaignError, match="another campaign lies below this one, at latest; nothing was"):
        update_aliases(folder)
    assert aliases(folder).keys() == {"latest/latest.json"}


def test_a_lost_picture_leaves_its_alias_alone(folder: Store) -> None:
    publish(folder, {0: b"a"})
    update_aliases(folder)
    publish(folder, {0: b"b"}, "1")
    folder.delete(variant(0).asset.replace(".png", "1.png"))
    update = update_aliases(folder)
    assert (update.written, update.lost) == ((), (variant(0).asset.replace(".png", "1.png"),))
    assert aliases(folder) == {FIRST: b"a"}
    publish(folder, {1: b"c"}, "2")
    assert update_aliases(folder).removed == (FIRST,)


def test_nothing_is_published(folder: Store) -> None:
    assert update_aliases(folder).written == ()
    assert aliases(folder) == {}


def test_aliases_are_not_cached(s3_uri: str) -> None:
    folder = open_campaign(s3_uri, "spring")
    publish(folder, {0: b"a"})
    update_aliases(folder)
    bucket, _, prefix = s3_uri.removeprefix("s3://").partition("/")
    head = boto3.client("s3").head_object(Bucket=bucket, Key="/".join(filter(None, (prefix, "spring", FIRST))))
    assert (head["CacheControl"], head["ContentType"]) == ("no-cache", "image/png")
