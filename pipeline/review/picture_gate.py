"""Judges a campaign's delivered pictures: measures them, and stores the scores and the verdicts beside them.

A verdict is decided by the picture, the job's rules and the brand's calibration alone. A run that is killed in the
middle of judging therefore goes on where it was, and several runs come to the same verdicts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice

from PIL import Image

from brandpress.pipeline.deliver.delivery import parse_record
from brandpress.pipeline.deliver.record import Record
from brandpress.pipeline.deliver.verdicts import StoredVerdict, read_verdicts, write_verdicts
from brandpress.pipeline.plan.expand import Plan
from brandpress.pipeline.plan.verdict_basis import basis_of
from brandpress.pipeline.review.gate import Gate, Thresholds, verdict
from brandpress.pipeline.review.gate_check import loaded_suite, usable_calibration
from brandpress.pipeline.review.measure_campaign import sample_of, subjects, subjects_of
from brandpress.pipeline.review.measures.measure import Measure
from brandpress.pipeline.review.measuring import MeasuringAhead, in_threads
from brandpress.pipeline.review.sample import Sample
from brandpress.pipeline.review.score import Score
from brandpress.pipeline.review.stored_scores import (
    StoredMeasurement,
    inputs_digest,
    read_measurements,
    write_scores,
)
from brandpress.pipeline.spec.brand import BrandSpec
from brandpress.pipeline.spec.quality_gate import QualityGate
from brandpress.pipeline.store.protocol import Store

BATCH = 64
"""Pictures whose stored scores are read together."""
WRITE_SECONDS = 30.0
"""How often verdicts are stored. Those of a run that is killed before are decided again, from the stored scores."""

_BLANK = Image.new("RGB", (1, 1))


@dataclass(frozen=True, slots=True)
class Pending:
    """A picture to judge: its record with the axes of the variant, and the basis of its verdict."""

    record: Record
    basis: str


class CampaignGate:
    """The quality gate of a job, with its measures loaded."""

    def __init__(
        self, gate: QualityGate, brand: BrandSpec, rules: Gate, measures: Sequence[Measure], thresholds: Thresholds
    ) -> None:
        self._gate, self._rules, self._measures, self._thresholds = gate, rules, measures, thresholds
        self._subject_of, self._palette = subjects(brand), dict(brand.palette)
        self._ahead = MeasuringAhead()

    @classmethod
    def of(cls, plan: Plan) -> CampaignGate | None:
        """Returns the gate of a plan's job; None if it has none.

        Raises SpecError, at the place in the job, if a measure's package isn't installed, or if a subject has no
        calibrated threshold that fits its references of today.
        """
        gate = plan.campaign.job.quality_gate
        if gate is None:
            return None
        suite = loaded_suite(plan.campaign, gate)
        thresholds = usable_calibration(plan, gate, suite)
        return cls(gate, plan.campaign.brand, Gate.of(gate, suite.scales), suite.measures, thresholds)

    @contextmanager
    def measuring_ahead(self, folder: Store) -> Iterator[Callable[[Record], None]]:
        """See `PictureGate`."""

        def measure(record: Record) -> None:
            known = read_measurements(folder, [record.sha256 or ""])
            self._scores(folder, known, record)

        def start(record: Record) -> None:
            if record.status == "done" and record.sha256 is not None:
                self._ahead.start(record.sha256, lambda: measure(record))

        with self._ahead.running():
            yield start

    def judge(
        self,
        folder: Store,
        plan: Plan,
        done: Mapping[str, bytes],
        stopping: Callable[[], bool] = lambda: False,
        on_picture: Callable[[int, int], None] = lambda done, total: None,
    ) -> int:
        """See `PictureGate`."""
        waiting = self.pending(folder, plan, done)
        verdicts: list[StoredVerdict] = []
        written, judged = time.monotonic(), 0
        for number, (one, scores) in enumerate(self._scored(folder, waiting), 1):
            if scores is not None:
                sha256 = one.record.sha256 or ""
                result = verdict(scores, self._rules, self._thresholds, sha256)
                verdicts.append(StoredVerdict(one.record.render_key, sha256, one.basis, result))
                judged += 1
            on_picture(number, len(waiting))
            if time.monotonic() - written > WRITE_SECONDS:
                write_verdicts(folder, verdicts)
                verdicts, written = [], time.monotonic()
            if stopping():
                break
        write_verdicts(folder, verdicts)
        return judged

    def pending(self, folder: Store, plan: Plan, done: Mapping[str, bytes]) -> tuple[Pending, ...]:
        """Returns the pictures of a decided plan without a verdict, each once. Those that people have accepted need
        none. Raises StoreError."""
        stored, basis = read_verdicts(folder), basis_of(self._gate, plan.campaign.brand)
        waiting: dict[tuple[str, str], Pending] = {}
        for variant in plan.variants:
            line = done.get(variant.render_key)
            key = (variant.render_key, basis(variant))
            if line is None or key in waiting:
                continue
            record = parse_record(line, variant.name)
            if plan.gate is not None and plan.gate.is_accepted(variant.name, record.sha256):
                continue
            if (*key, record.sha256) not in stored.by_file:
                waiting[key] = Pending(record.model_copy(update={"axes": dict(variant.axes)}), key[1])
        return tuple(waiting.values())

    def _scored(self, folder: Store, waiting: Iterable[Pending]) -> Iterator[tuple[Pending, tuple[Score, ...] | None]]:
        """Yields each picture with its scores; None if the picture can't be read."""
        left = iter(waiting)
        while batch := list(islice(left, BATCH)):
            records = [one.record for one in batch]
            digests = [record.sha256 or "" for record in records]
            self._ahead.hand_over(digests)
            known = read_measurements(folder, digests)
            yield from zip(batch, in_threads(partial(self._scores, folder, known), records), strict=True)

    def _scores(
        self, folder: Store, known: Mapping[str, Sequence[StoredMeasurement]], record: Record
    ) -> tuple[Score, ...] | None:
        """Returns the scores of a picture: stored ones that are still valid, and new ones, which it stores. None if the
        picture can't be read."""
        usable, missing = self._split(record, known)
        new: list[StoredMeasurement] = []
        if missing:
            sample = sample_of(folder, record, self._palette, self._subject_of)
            if isinstance(sample, str):
                return None
            new = [StoredMeasurement.of(measure, sample, measure(sample)) for measure in missing]
            write_scores(folder, sample.file_sha256, new)
        return tuple(score for one in (*usable, *new) for score in one.scores)

    def _split(
        self, record: Record, known: Mapping[str, Sequence[StoredMeasurement]]
    ) -> tuple[list[StoredMeasurement], list[Measure]]:
        """Returns the stored measurements that are still valid, and the measures to compute."""
        shown = subjects_of(record, self._subject_of)
        compared = Sample(_BLANK, record.prompt, shown, self._palette, record.sha256 or "")
        stored = {(one.identity, one.inputs): one for one in known.get(record.sha256 or "", ())}
        usable, missing = [], []
        for measure in self._measures:
            one = stored.get((measure.identity, inputs_digest(measure, compared)))
            if one is None:
                missing.append(measure)
            else:
                usable.append(one)
        return usable, missing
