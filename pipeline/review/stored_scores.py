"""Scores in the campaign's folder, one object for each picture: `reviews/scores/<sha256 of the asset>.json`.

The scores of a measure are computed again only if its method or what it compares with has changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from pydantic_core import from_json

from brandpress.pipeline.deliver.decisions import SCORES, scores_key
from brandpress.pipeline.deliver.record import JSON
from brandpress.pipeline.review.measures.measure import Measure
from brandpress.pipeline.review.sample import Sample
from brandpress.pipeline.review.score import Score
from brandpress.pipeline.store.protocol import Store, StoreError
from brandpress.pipeline.store.unchanged import Unchanged

SCHEMA = "brandpress.scores/1"
MAX_BYTES = 4_000_000
MAX_SWAP_ATTEMPTS = 8
THREADS = 16
LISTED_FROM = 100
"""Pictures from which on scores are listed before they're read."""
FEATURES = "vector"
"""The part of a score's evidence that isn't stored: only comparisons within a campaign need it, and it's large."""


@dataclass(frozen=True)
class StoredMeasurement:
    """What one measure says about a picture. identity: of the measure. inputs: a digest of what the measure compared
    the picture with, such as the references of its subjects."""

    identity: str
    inputs: str
    scores: tuple[Score, ...]

    @classmethod
    def of(cls, measure: Measure, sample: Sample, scores: Sequence[Score]) -> StoredMeasurement:
        """Returns a measurement as reading it from the store returns it."""
        return cls(measure.identity, inputs_digest(measure, sample), tuple(map(_as_stored, scores)))

    def to_json(self) -> dict[str, Any]:
        """Returns plain JSON values."""
        return {"identity": self.identity, "inputs": self.inputs, "scores": [score.to_json() for score in self.scores]}


def inputs_digest(measure: Measure, sample: Sample) -> str:
    """Returns the digest of what a measure compares a sample with. The picture itself isn't part of it."""
    return hashlib.sha256(json.dumps(measure.inputs(sample), sort_keys=True).encode()).hexdigest()


def _as_stored(score: Score) -> Score:
    evidence = {name: value for name, value in score.evidence.items() if name != FEATURES}
    return Score.from_json(replace(score, evidence=evidence).to_json())


_KNOWN: Unchanged[tuple[StoredMeasurement, ...]] = Unchanged()


def read_scores(folder: Store, sha256s: Iterable[str]) -> Mapping[str, tuple[Score, ...]]:
    """Returns SHA-256 of an asset -> its scores, for the assets that have been measured. Raises StoreError."""
    measured = read_measurements(folder, sha256s)
    return {sha256: tuple(score for one in own for score in one.scores) for sha256, own in measured.items()}


def read_measurements(folder: Store, sha256s: Iterable[str]) -> Mapping[str, tuple[StoredMeasurement, ...]]:
    """Returns what `read_scores` returns, by measure. An object that isn't valid counts as none: the picture is
    measured again. Costs one read for each picture. For many pictures, it costs a listing, and one read for each that
    has scores; on S3, only for those that this process hasn't read before. Raises StoreError."""
    digests = tuple(dict.fromkeys(sha256s))
    etags = {}
    if len(digests) >= LISTED_FROM:
        etags = {entry.key: entry.etag for entry in folder.entries(SCORES)}
        digests = tuple(sha256 for sha256 in digests if scores_key(sha256) in etags)
    with ThreadPoolExecutor(THREADS) as threads:
        contents = threads.map(lambda sha256: _read(folder, sha256, etags.get(scores_key(sha256), "")), digests)
        return {sha256: own for sha256, own in zip(digests, contents, strict=True) if own}


def write_scores(folder: Store, sha256: str, measurements: Sequence[StoredMeasurement]) -> None:
    """Stores what measures say about an asset, in place of what earlier versions of these measures said. The scores of
    other measures stay. Raises StoreError."""
    key = scores_key(sha256)
    for _ in range(MAX_SWAP_ATTEMPTS):
        stat = folder.stat(key)
        kept = _others(_read(folder, sha256) if stat else (), measurements)
        if folder.replace(key, _to_bytes(sha256, (*kept, *measurements)), JSON, stat.etag if stat else None):
            return
    raise StoreError(f"{folder.uri}/{key}: others keep changing these scores; run again", "key")


def _others(
    stored: Iterable[StoredMeasurement], measurements: Sequence[StoredMeasurement]
) -> Sequence[StoredMeasurement]:
    """Returns the stored measurements that have no score in common with new ones."""
    names = {score.measure for one in measurements for score in one.scores}
    return [one for one in stored if not names & {score.measure for score in one.scores}]


def _to_bytes(sha256: str, measurements: Iterable[StoredMeasurement]) -> bytes:
    values = {"schema": SCHEMA, "sha256": sha256, "measures": [one.to_json() for one in measurements]}
    return (json.dumps(values, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def _read(folder: Store, sha256: str, etag: str = "") -> tuple[StoredMeasurement, ...]:
    """Returns what is stored about a picture. etag: of the object in a listing."""
    where = f"{folder.uri}/{scores_key(sha256)}"
    if (known := _KNOWN.get(where, etag)) is not None:
        return known
    content = folder.read(scores_key(sha256))
    if content is None or len(content) > MAX_BYTES:
        return ()
    try:
        values = from_json(content)
        if values["schema"] != SCHEMA or values["sha256"] != sha256:
            return ()
        measurements = tuple(
            StoredMeasurement(str(one["identity"]), str(one["inputs"]), tuple(map(Score.from_json, one["scores"])))
            for one in values["measures"]
        )
    except (ValueError, KeyError, TypeError):
        return ()
    _KNOWN.put(where, etag, content, measurements)
    return measurements
