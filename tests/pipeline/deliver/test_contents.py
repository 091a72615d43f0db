"""What manifests list: current pictures, earlier ones of variants that aren't done, failures; and how it's cut."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from brandpress.pipeline.deliver.contents import MAX_PART_RECORDS, Contents, compose, parts_of
from brandpress.pipeline.deliver.manifest import Counts
from brandpress.pipeline.plan.variant import Variant
from tests.pipeline.deliver.records import failed, record, variant


def done(*numbers: int) -> dict[str, bytes]:
    """Lines of delivered variants, keyed by render key."""
    records = [record(n, asset=variant(n).asset, sha256=f"{n:064}", bytes=1) for n in numbers]
    return {one.render_key: one.to_json() for one in records}


def fields_of(lines: tuple[bytes, ...]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines]


def previous(contents: Contents) -> list[dict[str, Any]]:
    return fields_of(contents.variants)


def changed(number: int, **changes: Any) -> Variant:
    """Variant `number` of a later version of the job: another prompt, so another render key."""
    return replace(variant(number), prompt="another", render_key=f"{number:064x}", **changes)


def test_a_finished_campaign_lists_its_variants_and_reads_no_manifest() -> None:
    def fail() -> list[dict[str, Any]]:
        raise AssertionError("the previous manifest was read")

    contents = compose([variant(1), variant(0)], done(0, 1, 7), {}, fail)
    assert contents.counts == Counts(planned=2, done=2, failed=0)
    assert [one["name"] for one in fields_of(contents.variants)] == [variant(0).name, variant(1).name]
    assert contents.failures == ()


@pytest.mark.parametrize("damage", [{"sha256": None}, {"asset": None}])
def test_a_line_that_names_no_picture_is_not_listed_as_an_earlier_one(damage: dict[str, Any]) -> None:
    before = [one | damage for one in previous(compose([variant(1)], done(1), {}, list))]
    without = [{name: value for name, value in one.items() if name != "sha256"} for one in before]
    for lines in (before, without):
        contents = compose([changed(1)], {}, {}, lambda lines=lines: lines)  # type: ignore[misc]
        assert (contents.variants, contents.counts.stale) == ((), 0)
        assert contents.digest == compose([], {}, {}, list).digest


def test_picked_out_variants_are_counted_apart() -> None:
    contents = compose([variant(0), variant(1)], done(0), {}, list, picked_out=2)
    assert contents.counts == Counts(planned=4, done=1, failed=0, missing=1, picked_out=2)
    assert b"picked_out" not in Counts(planned=1, done=1, failed=0).model_dump_json().encode()


def test_a_variant_that_is_not_rendered_yet_keeps_its_earlier_picture() -> None:
    before = compose([variant(0), variant(1)], done(0, 1), {}, list)
    job = [variant(0), changed(1), variant(2)]
    contents = compose(job, done(0, 1), {}, lambda: previous(before))
    assert contents.counts == Counts(planned=3, done=1, stale=1, failed=0, missing=2)
    current, stale = fields_of(contents.variants)
    assert "stale" not in current
    assert stale == fields_of(before.variants)[1] | {"stale": True}


def test_a_failed_variant_keeps_its_earlier_picture_and_is_listed_as_failed() -> None:
    before = compose([variant(0)], done(0), {}, list)
    job = [changed(0)]
    failure = failed(0).model_copy(update={"render_key": job[0].render_key})
    contents = compose(job, {}, {failure.render_key: failure.to_json()}, lambda: previous(before))
    assert contents.counts == Counts(planned=1, done=0, stale=1, failed=1, missing=0)
    assert [one["stale"] for one in fields_of(contents.variants)] == [True]
    assert contents.failures == (failure.to_json(),)


def test_a_picture_stays_stale_until_it_is_replaced() -> None:
    before = compose([variant(0)], done(0), {}, list)
    still = compose([changed(0)], {}, {}, lambda: previous(before))
    again = compose([changed(0)], {}, {}, lambda: previous(still))
    assert again == still
    back = compose([variant(0)], done(0), {}, lambda: previous(again))
    assert back == before


def test_a_variant_with_a_new_name_is_recognised_by_its_point_of_the_matrix() -> None:
    before = compose([variant(0), variant(1)], done(0, 1), {}, list)
    contents = compose([changed(0, name="new-name")], {}, {}, lambda: previous(before))
    (stale,) = fields_of(contents.variants)
    assert (stale["name"], stale["asset"], stale["stale"]) == ("new-name", variant(0).asset, True)


def test_names_that_moved_to_other_points_keep_the_pictures_of_their_points() -> None:
    before = compose([variant(0), variant(1)], done(0, 1), {}, list)
    swapped = [changed(0, name=variant(1).name), changed(1, name=variant(0).name)]
    contents = compose(swapped, {}, {}, lambda: previous(before))
    pictures = {one["name"]: one["asset"] for one in fields_of(contents.variants)}
    assert pictures == {variant(1).name: variant(0).asset, variant(0).name: variant(1).asset}


def test_a_picture_at_no_planned_point_is_recognised_by_its_name() -> None:
    before = compose([variant(0)], done(0), {}, list)
    contents = compose([changed(0, axes={"other": "axis"})], {}, {}, lambda: previous(before))
    assert [one["asset"] for one in fields_of(contents.variants)] == [variant(0).asset]


def test_a_picture_that_the_job_no_longer_asks_for_is_dropped() -> None:
    before = compose([variant(0), variant(1)], done(0, 1), {}, list)
    contents = compose([variant(0), variant(3)], done(0), {}, lambda: previous(before))
    assert [one["name"] for one in fields_of(contents.variants)] == [variant(0).name]


def test_a_picture_that_is_gone_is_not_listed_as_stale() -> None:
    before = compose([variant(0), variant(1)], done(0, 1), {}, list)
    contents = compose(
        [variant(0), changed(1)], {}, {}, lambda: previous(before), lambda asset: asset == variant(1).asset
    )
    assert [one["asset"] for one in fields_of(contents.variants)] == [variant(1).asset]
    assert contents.counts == Counts(planned=2, done=0, stale=1, failed=0, missing=2)


def test_a_failure_in_a_manifest_of_0_1_0_is_no_picture() -> None:
    earlier = json.loads(failed(0).to_json())
    contents = compose([changed(0)], {}, {}, lambda: [earlier])
    assert (contents.variants, contents.counts.stale) == ((), 0)


def test_the_digest_covers_stale_pictures() -> None:
    before = compose([variant(0), variant(1)], done(0, 1), {}, list)
    partly = compose([variant(0), changed(1)], done(0), {}, lambda: previous(before))
    assert partly.digest == before.digest
    assert compose([variant(0)], done(0), {}, list).digest != before.digest


@pytest.mark.parametrize("count", [0, 1, MAX_PART_RECORDS, 3 * MAX_PART_RECORDS])
def test_parts_hold_all_lines_in_order_and_at_most_ten_thousand(count: int) -> None:
    lines = tuple(json.dumps({"name": f"{number:06}"}).encode() for number in range(count))
    parts = list(parts_of(lines))
    assert tuple(line for part in parts for line in part) == lines
    assert all(0 < len(part) <= MAX_PART_RECORDS for part in parts)


def test_an_inserted_line_changes_few_parts() -> None:
    lines = [json.dumps({"name": f"{number:06}"}).encode() for number in range(60_000)]
    changed_lines = [*lines[:5], json.dumps({"name": "000004b"}).encode(), *lines[5:]]
    before, after = ({tuple(part) for part in parts_of(some)} for some in (lines, changed_lines))
    assert len(before) >= 6
    assert len(after - before) <= 2
