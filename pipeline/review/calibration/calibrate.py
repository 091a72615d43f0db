"""Calibrates the measures of subjects for a brand: a threshold for each subject and measure.

The subject's own scores come from its references against each other, and from each reference's subject on other
grounds: most brands have one reference per subject. The other scores come from other subjects' references, treated the
same.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from PIL import Image

from brandpress.model.errors import RequestError
from brandpress.pipeline.review.calibration.pictures import placed
from brandpress.pipeline.review.calibration.threshold import Calibrated, threshold_between
from brandpress.pipeline.review.measures.subject import SubjectLikeness
from brandpress.pipeline.review.measuring import in_threads
from brandpress.pipeline.review.sample import ReferencePicture, Sample, Subject
from brandpress.pipeline.spec.decode import flatten

PICTURES = 12
"""Pictures of the subject, and of others."""
MEASURES = ("subject", "colour")

Scores = Mapping[str, float]
"""Measure -> value of one picture."""


@dataclass(frozen=True)
class SubjectCalibration:
    """Measure -> threshold of one subject, and the digests of its references."""

    subject: str
    references: tuple[str, ...]
    measures: Mapping[str, Calibrated]


def calibrate(
    subjects: Sequence[Subject],
    likeness: SubjectLikeness,
    pictures: int = PICTURES,
    on_subject: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[SubjectCalibration, ...]:
    """Returns the calibration of each subject, which must have references. The result is always the same for the same
    references. pictures: of the subject and of others, at least 4. on_subject: called with the numbers of subjects done
    and of all. Raises RequestError without subjects."""
    if not subjects:
        raise RequestError("the brand has no characters or products with references, so there is nothing to calibrate")
    results = []
    for number, subject in enumerate(subjects, 1):
        own = [*_of_each_other(subject, likeness), *_of_placed([subject], subject, likeness, pictures)]
        rivals = [one for one in subjects if one.label != subject.label]
        others = _of_placed(_same_role_first(rivals, subject), subject, likeness, pictures) if rivals else []
        results.append(calibration_of(subject, own, others, likeness))
        on_subject(number, len(subjects))
    return tuple(results)


def calibration_of(
    subject: Subject, own: Sequence[Scores], others: Sequence[Scores], likeness: SubjectLikeness
) -> SubjectCalibration:
    """Returns the calibration of a subject from its scores in pictures of itself and of others. Raises ValueError for
    fewer than four of its own."""
    measures = {
        name: threshold_between(
            [scores[name] for scores in own], [scores[name] for scores in others], likeness.scales[name].better
        )
        for name in MEASURES
    }
    return SubjectCalibration(subject.label, tuple(one.sha256 for one in subject.references), measures)


def _of_placed(shown: Sequence[Subject], subject: Subject, likeness: SubjectLikeness, count: int) -> list[Scores]:
    """Returns the scores of `subject` in `count` pictures of the subjects `shown`, in turn. Where they may
    have holes, every other picture of them has."""
    references = [reference for one in _in_turn(shown) for reference in one]

    def scores_of(number: int) -> Scores:
        turn, place = divmod(number, len(references))
        cutouts = likeness.templates_of(references[place]).cutouts
        return scores_in(placed(cutouts[(turn + place) % len(cutouts)], number), subject, likeness)

    return list(in_threads(scores_of, range(count)))


def _in_turn(subjects: Sequence[Subject]) -> list[list[ReferencePicture]]:
    """Returns the first references of all subjects, then the second ones, and so on."""
    longest = max(len(one.references) for one in subjects)
    return [[one.references[i] for one in subjects if i < len(one.references)] for i in range(longest)]


def _of_each_other(subject: Subject, likeness: SubjectLikeness) -> list[Scores]:
    """Returns the scores of each reference as a picture, compared with the subject's other references."""
    results = []
    for index, reference in enumerate(subject.references):
        others = subject.references[:index] + subject.references[index + 1 :]
        if others:
            picture = flatten(reference.picture, "#ffffff")
            results.append(scores_in(picture, Subject(subject.role, subject.name, others), likeness))
    return results


def scores_in(picture: Image.Image, subject: Subject, likeness: SubjectLikeness) -> Scores:
    """Returns a subject's scores in a picture."""
    scores = likeness(Sample(picture, subjects=(subject,)))
    return {score.measure: score.value for score in scores if score.value is not None}


def _same_role_first(rivals: Sequence[Subject], subject: Subject) -> list[Subject]:
    """Returns other subjects in random but repeatable order, those of the same role first."""
    shuffled = random.Random(subject.label).sample(list(rivals), len(rivals))  # noqa: S311
    return sorted(shuffled, key=lambda one: one.role != subject.role)
