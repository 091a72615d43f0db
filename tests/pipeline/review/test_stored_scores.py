"""Scores lie beside the pictures, one object for each."""

from __future__ import annotations

import json

import pytest
from PIL import Image

from brandpress.pipeline.deliver.decisions import read_decisions, scores_key
from brandpress.pipeline.review import stored_scores
from brandpress.pipeline.review.sample import Sample
from brandpress.pipeline.review.score import Score
from brandpress.pipeline.review.stored_scores import (
    MAX_BYTES,
    StoredMeasurement,
    inputs_digest,
    read_measurements,
    read_scores,
    write_scores,
)
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store
from tests.pipeline.review.test_score_cache import Counting

MUG, LAMP = "a" * 64, "b" * 64
SAMPLE = Sample(Image.new("RGB", (8, 8)), "a mug", file_sha256=MUG)
SCORE = Score("subject", 0.81, "product:mug", evidence={"box": [0, 0, 0.5, 1]})


@pytest.fixture
def folder(store_uri: str) -> Store:
    return open_campaign(store_uri, "spring")


def measurement(name: str, identity: str, value: float = 0.5) -> StoredMeasurement:
    return StoredMeasurement(identity, "0" * 64, (Score(name, value),))


def test_scores_are_read_as_they_were_written(folder: Store) -> None:
    assert read_scores(folder, [MUG]) == {}
    subject = StoredMeasurement("subject/1", "0" * 64, (SCORE, Score("colour", None, reason="no references")))
    write_scores(folder, MUG, [subject, measurement("noise", "noise/1")])
    assert read_scores(folder, [MUG, LAMP, MUG]) == {MUG: (*subject.scores, Score("noise", 0.5))}
    assert json.loads(folder.read(f"reviews/scores/{MUG}.json") or b"")["schema"] == "brandpress.scores/1"
    assert read_decisions(folder) == {}  # scores aren't taken for decisions


def test_a_newer_method_replaces_its_scores_and_leaves_the_others(folder: Store) -> None:
    write_scores(folder, MUG, [measurement("noise", "noise/1"), measurement("text", "text/1")])
    write_scores(folder, MUG, [measurement("noise", "noise/2", 0.9)])
    assert read_measurements(folder, [MUG])[MUG] == (
        measurement("text", "text/1"),
        measurement("noise", "noise/2", 0.9),
    )


def test_a_measurement_is_equal_to_what_is_read_and_lacks_the_features(folder: Store) -> None:
    score = Score("subject", 0.123456, "product:mug", evidence={"box": [0, 1], "vector": "AAAA"})
    stored = StoredMeasurement.of(Counting(), SAMPLE, [score])
    write_scores(folder, MUG, [stored])
    assert read_measurements(folder, [MUG]) == {MUG: (stored,)}
    assert stored.scores == (Score("subject", 0.1235, "product:mug", evidence={"box": [0, 1]}),)


def test_the_digest_of_inputs_is_of_what_the_measure_compares_with() -> None:
    other_picture = Sample(Image.new("RGB", (4, 4)), "a mug")
    assert inputs_digest(Counting(), SAMPLE) == inputs_digest(Counting(), other_picture)
    assert inputs_digest(Counting(), SAMPLE) != inputs_digest(Counting(), Sample(SAMPLE.picture, "a lamp"))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"schema": "brandpress.scores/9", "sha256": "%s", "measures": []}' % MUG.encode(),
        b'{"schema": "brandpress.scores/1", "sha256": "%s", "measures": []}' % LAMP.encode(),
        b'{"schema": "brandpress.scores/1", "sha256": "%s", "measures": [{}]}' % MUG.encode(),
        b" " * (MAX_BYTES + 1),
    ],
)
def test_what_isnt_valid_counts_as_not_measured_and_is_replaced(content: bytes, folder: Store) -> None:
    folder.replace(scores_key(MUG), content, "application/json", None)
    assert read_scores(folder, [MUG]) == {}
    write_scores(folder, MUG, [measurement("noise", "noise/1")])
    assert read_scores(folder, [MUG]) == {MUG: (Score("noise", 0.5),)}


def test_the_scores_of_many_pictures_are_listed_first(folder: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_scores, "LISTED_FROM", 2)
    write_scores(folder, MUG, [measurement("noise", "noise/1")])
    assert list(read_scores(folder, [MUG, LAMP])) == [MUG]
    write_scores(folder, MUG, [measurement("noise", "noise/1", 0.9)])
    write_scores(folder, LAMP, [measurement("noise", "noise/1", 0.2)])
    assert read_scores(folder, [LAMP, MUG]) == {LAMP: (Score("noise", 0.2),), MUG: (Score("noise", 0.9),)}
    assert read_scores(folder, [LAMP, MUG]) == {LAMP: (Score("noise", 0.2),), MUG: (Score("noise", 0.9),)}
