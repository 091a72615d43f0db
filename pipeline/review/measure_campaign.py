"""Measures the pictures of a campaign's latest manifest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from brandpress.model.request import MAX_PIXELS
from brandpress.pipeline.deliver.manifest import read_records, require_latest
from brandpress.pipeline.deliver.record import Record
from brandpress.pipeline.plan.verdict_basis import SUBJECT_ROLES
from brandpress.pipeline.review.measures.measure import Comparison, Measure
from brandpress.pipeline.review.measuring import in_threads
from brandpress.pipeline.review.sample import ReferencePicture, Sample, Subject
from brandpress.pipeline.review.score import Score
from brandpress.pipeline.review.score_cache import ScoreCache
from brandpress.pipeline.spec.brand import BrandSpec
from brandpress.pipeline.spec.decode import PictureError, decode
from brandpress.pipeline.store.protocol import Store, sha256_hex

REFERENCE_PIXELS = 1_048_576
"""Larger references are scaled down to this area."""
MAX_SUBJECTS = 64
"""Products and characters whose references are kept in memory."""


@dataclass(frozen=True)
class MeasuredPicture:
    """The scores of one picture. sha256: of its file."""

    name: str
    asset: str
    sha256: str
    scores: tuple[Score, ...]


@dataclass(frozen=True)
class MeasuredCampaign:
    """The pictures of a manifest with their scores, by name, and the pictures that are missing or can't be read."""

    manifest: str
    pictures: tuple[MeasuredPicture, ...]
    broken: tuple[str, ...] = ()


def measure_campaign(
    folder: Store,
    brand: BrandSpec,
    measures: Sequence[Measure],
    comparisons: Sequence[Comparison],
    scores_of: ScoreCache,
    on_picture: Callable[[int, int], None] = lambda done, total: None,
) -> MeasuredCampaign:
    """Returns the scores of the latest manifest's pictures. on_picture: called with the numbers of pictures done and of
    all.

    Raises StoreError if nothing is published or the store can't be read, and MissingPackageError.
    """
    latest = require_latest(folder)
    records = [record for record in read_records(folder, latest) if record.asset is not None]
    subject_of, palette = subjects(brand), dict(brand.palette)

    def measured(record: Record) -> tuple[Score, ...] | str:
        sample = sample_of(folder, record, palette, subject_of)
        if isinstance(sample, str):
            return sample
        return tuple(score for one in measures for score in scores_of.scores(one, sample))

    scores: dict[str, tuple[Score, ...]] = {}
    broken = []
    for number, (record, result) in enumerate(zip(records, in_threads(measured, records), strict=True), 1):
        if isinstance(result, str):
            broken.append(result)
        else:
            scores[record.name] = result
        on_picture(number, len(records))
    compared = [
        comparison({name: [one for one in own if one.measure == comparison.needs] for name, own in scores.items()})
        for comparison in comparisons
    ]
    pictures = tuple(
        MeasuredPicture(
            record.name,
            record.asset or "",
            record.sha256 or "",
            (*scores[record.name], *(score for result in compared for score in result.get(record.name, ()))),
        )
        for record in records
        if record.name in scores
    )
    return MeasuredCampaign(latest.pointer.manifest, pictures, tuple(broken))


def sample_of(
    folder: Store, record: Record, palette: Mapping[str, str], subject_of: Callable[[str, str], Subject | None]
) -> Sample | str:
    """Returns the sample of a record, or what is wrong with its picture."""
    key = record.asset or ""
    data = folder.read(key)
    if data is None:
        return f"{folder.uri}/{key}: the picture is missing"
    digest = sha256_hex(data)
    if record.sha256 is not None and digest != record.sha256:
        return f"{folder.uri}/{key}: the picture has changed"
    try:
        picture = decode(data, record.name, background="#ffffff", max_pixels=MAX_PIXELS).picture
    except PictureError:
        return f"{folder.uri}/{key}: the picture can't be read"
    return Sample(picture.convert("RGB"), record.prompt, subjects_of(record, subject_of), palette, digest)


def subjects_of(record: Record, subject_of: Callable[[str, str], Subject | None]) -> tuple[Subject, ...]:
    """Returns the subjects that a record's picture should show."""
    shown = (subject_of(role, record.axes[role]) for role in SUBJECT_ROLES if role in record.axes)
    return tuple(subject for subject in shown if subject is not None)


def subjects(brand: BrandSpec) -> Callable[[str, str], Subject | None]:
    """Returns a function from role and name to the brand's subject, None if the brand lacks it. The last MAX_SUBJECTS
    are kept: a reference of a megapixel takes 4 MB."""

    @lru_cache(MAX_SUBJECTS)
    def subject(role: str, name: str) -> Subject | None:
        if name not in brand.entities(role):
            return None
        references = (
            ReferencePicture(
                decode(picture.path.read_bytes(), picture.file, max_pixels=REFERENCE_PIXELS).picture, picture.sha256
            )
            for picture in brand.pictures_of(role, name)
        )
        return Subject(role, name, tuple(references))

    return subject


def all_subjects(brand: BrandSpec) -> Iterator[Subject]:
    """Yields the brand's products and characters that have references."""
    subject_of = subjects(brand)
    for role in SUBJECT_ROLES:
        for name in brand.entities(role):
            if (subject := subject_of(role, name)) is not None and subject.references:
                yield subject


def by_measure(pictures: Sequence[MeasuredPicture]) -> Mapping[tuple[str, str | None], list[tuple[str, Score]]]:
    """Returns (measure, subject) -> (picture's name, score) of all scores that have a value."""
    groups: dict[tuple[str, str | None], list[tuple[str, Score]]] = {}
    for picture in pictures:
        for score in picture.scores:
            if score.value is not None:
                groups.setdefault((score.measure, score.subject), []).append((picture.name, score))
    return groups
