"""Calibrates with a campaign's delivered pictures: those that should show a subject, and those that should not.

A model's pictures of a subject differ more from its references than the references do on other grounds. Most of the
pictures must be right: the threshold cuts off the worst of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from brandpress.model.errors import RequestError
from brandpress.pipeline.deliver.manifest import read_records, require_latest
from brandpress.pipeline.deliver.record import Record
from brandpress.pipeline.review.calibration.calibrate import Scores, SubjectCalibration, calibration_of, scores_in
from brandpress.pipeline.review.calibration.threshold import LEAST_SCORES
from brandpress.pipeline.review.measure_campaign import all_subjects, sample_of
from brandpress.pipeline.review.measures.subject import SubjectLikeness
from brandpress.pipeline.review.sample import Sample, Subject
from brandpress.pipeline.spec.brand import BrandSpec
from brandpress.pipeline.store.protocol import Store


def calibrate_delivered(
    folder: Store,
    brand: BrandSpec,
    likeness: SubjectLikeness,
    pictures: int,
    on_subject: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[SubjectCalibration, ...]:
    """Returns the calibration of each subject that at least four pictures of the latest manifest should show.

    pictures: at most so many of the subject and of others, spread evenly over the manifest. Raises RequestError if no
    subject has four pictures, and StoreError.
    """
    records = [record for record in read_records(folder, require_latest(folder)) if record.asset is not None]
    subjects = list(all_subjects(brand))
    results = []
    for number, subject in enumerate(subjects, 1):
        delivered = [record for record in records if record.axes.get(subject.role) == subject.name]
        others = [record for record in records if record.axes.get(subject.role) != subject.name]
        own = _scores(folder, brand, subject, likeness, evenly(delivered, pictures))
        if len(own) >= LEAST_SCORES:
            other = _scores(folder, brand, subject, likeness, evenly(others, pictures))
            results.append(calibration_of(subject, own, other, likeness))
        on_subject(number, len(subjects))
    if not results:
        raise RequestError(
            f"{folder.uri}: no subject has {LEAST_SCORES} pictures in the latest manifest; run `brandpress render`, or "
            "calibrate without --delivered"
        )
    return tuple(results)


def evenly(records: Sequence[Record], count: int) -> list[Record]:
    """Returns at most `count` records at even distances."""
    step = max(1.0, len(records) / count)
    return [records[int(index * step)] for index in range(min(count, len(records)))]


def _scores(
    folder: Store, brand: BrandSpec, subject: Subject, likeness: SubjectLikeness, records: Iterable[Record]
) -> list[Scores]:
    """Returns the subject's scores in the pictures that can be read."""
    samples = (sample_of(folder, record, brand.palette, lambda role, name: None) for record in records)
    return [scores_in(one.picture, subject, likeness) for one in samples if isinstance(one, Sample)]
