"""A cache of scores in the user's cache folder, keyed by the picture's digest, the method and what it compares with."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from brandpress.model.user_cache import user_cache
from brandpress.pipeline.review.measures.measure import Measure
from brandpress.pipeline.review.sample import Sample
from brandpress.pipeline.review.score import Score

MAX_ENTRY_BYTES = 4_000_000


@dataclass(frozen=True)
class ScoreCache:
    """A folder of JSON files. folder: None caches nothing. Broken and unwritable files are ignored."""

    folder: Path | None

    @classmethod
    def of_user(cls) -> ScoreCache:
        """Returns the cache in the user's cache folder; one that caches nothing for a user without such a folder."""
        base = user_cache()
        return cls(base / "measures" if base else None)

    def scores(self, measure: Measure, sample: Sample) -> tuple[Score, ...]:
        """Returns the scores of a sample, computed unless they were computed before."""
        file = self._file(measure, sample)
        if file is not None and (cached := _read(file)) is not None:
            return cached
        scores = tuple(measure(sample))
        if file is not None:
            _write(file, scores)
        return scores

    def _file(self, measure: Measure, sample: Sample) -> Path | None:
        if self.folder is None or not sample.file_sha256:
            return None
        parts = [measure.identity, sample.file_sha256, measure.inputs(sample)]
        digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
        return self.folder / digest[:2] / f"{digest}.json"


def _read(file: Path) -> tuple[Score, ...] | None:
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_ENTRY_BYTES + 1)
        return tuple(map(Score.from_json, json.loads(content)))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(file: Path, scores: Sequence[Score]) -> None:
    temporary = file.with_name(f".{secrets.token_hex(8)}")
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps([score.to_json() for score in scores]), "utf-8")
        temporary.replace(file)
