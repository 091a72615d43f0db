"""Scores labelled pictures with the measures, and computes ROC areas and the gate's precision and recall."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from PIL import Image

from brandpress.model.nano.evaluation.finding import scaled
from brandpress.pipeline.review.calibration.calibrate import SubjectCalibration, calibrate
from brandpress.pipeline.review.gate import Gate, Rule, Thresholds, verdict
from brandpress.pipeline.review.measures.duplicate import Duplicate, Fingerprint
from brandpress.pipeline.review.measures.ground import GroundAndFill
from brandpress.pipeline.review.measures.measure import Measure
from brandpress.pipeline.review.measures.noise import Noise
from brandpress.pipeline.review.measures.palette import Palette
from brandpress.pipeline.review.measures.spread import Spread
from brandpress.pipeline.review.measures.subject import SubjectLikeness
from brandpress.pipeline.review.sample import ReferencePicture, Sample, Subject
from brandpress.pipeline.review.score import Score
from brandpress.pipeline.review.score_cache import ScoreCache
from brandpress.pipeline.store.protocol import sha256_hex
from tests.bench.measures.art import Drawing
from tests.bench.measures.labelled import FAULTS, RIGHT, Labelled
from tests.bench.measures.plain import PALETTE, cases, repeated
from tests.bench.measures.roc import GateFigures, auc, gate_figures

REFERENCE_SIDE, REFERENCE_MARGIN = 512, 0.1
TEXT_LIMIT = 0.2
GATE = Gate((Rule("subject", "higher"), Rule("colour", "lower"), Rule("text", "lower", TEXT_LIMIT)))
BETTER = {"subject": 1, "colour": -1, "text": -1, "spread": -1}
"""Measure -> 1 if higher values are better, otherwise -1."""


@dataclass(frozen=True)
class Scored:
    """A labelled picture's label and scores."""

    label: str
    scores: tuple[Score, ...]

    def worst(self, measure: str) -> float | None:
        """Returns the picture's worst value, negated if lower is better; None without any."""
        values = [one.value for one in self.scores if one.measure == measure and one.value is not None]
        return min((BETTER[measure] * value for value in values), default=None)


def subject_of(drawing: Drawing) -> Subject:
    """Returns a drawing as a subject with one reference, on white as most brands have them."""
    reference = Image.new("RGB", (REFERENCE_SIDE, REFERENCE_SIDE), "white")
    item = scaled(drawing.cutout, REFERENCE_SIDE * (1 - 2 * REFERENCE_MARGIN))
    reference.paste(item, ((REFERENCE_SIDE - item.width) // 2, (REFERENCE_SIDE - item.height) // 2), item)
    role, name = drawing.entity.split(":")
    return Subject(role, name, (ReferencePicture(reference, sha256_hex(reference.tobytes())),))


def score_all(
    pictures: Sequence[Labelled],
    subjects: Mapping[str, Subject],
    likeness: SubjectLikeness,
    text: Measure,
    cache: ScoreCache,
    on_picture: Callable[[int], None],
) -> list[Scored]:
    """Returns the scores of all pictures. The text is read only where the prompt quotes copy."""
    scored = []
    for number, one in enumerate(pictures, 1):
        wanted = tuple(subjects[subject.name] for subject in one.subjects)
        sample = Sample(one.picture, one.prompt, wanted, {}, sha256_hex(one.picture.tobytes()))
        measures: tuple[Measure, ...] = (likeness, text) if '"' in one.prompt else (likeness,)
        scored.append(Scored(one.label, tuple(score for m in measures for score in cache.scores(m, sample))))
        on_picture(number)
    spread = Spread()({str(index): one.scores for index, one in enumerate(scored)})
    return [Scored(one.label, (*one.scores, *spread.get(str(index), ()))) for index, one in enumerate(scored)]


def areas(scored: Sequence[Scored]) -> dict[str, dict[str, float]]:
    """Returns measure -> fault -> ROC area of right pictures against pictures with that fault, by the worst subject."""
    table: dict[str, dict[str, float]] = {}
    for measure in BETTER:
        right = [value for one in scored if one.label == RIGHT and (value := one.worst(measure)) is not None]
        for fault in FAULTS:
            wrong = [value for one in scored if one.label == fault and (value := one.worst(measure)) is not None]
            if right and wrong:
                table.setdefault(measure, {})[fault] = auc(right, wrong)
    return table


def thresholds_of(calibrated: Sequence[SubjectCalibration]) -> Thresholds:
    """Returns (measure, subject) -> threshold."""
    return {(name, one.subject): result.threshold for one in calibrated for name, result in one.measures.items()}


def gate_result(scored: Sequence[Scored], thresholds: Thresholds) -> tuple[GateFigures, dict[str, float]]:
    """Returns the gate's figures, and the share of pictures that it blocks, by label."""
    blocked = [(one, verdict(_with_text(one), GATE, thresholds).outcome == "block") for one in scored]
    figures = gate_figures([(one.label != RIGHT, wrong) for one, wrong in blocked])
    shares = {
        label: sum(wrong for one, wrong in blocked if one.label == label) / sum(one.label == label for one in scored)
        for label in dict.fromkeys(one.label for one in scored)
    }
    return figures, shares


def _with_text(one: Scored) -> tuple[Score, ...]:
    """Returns the scores; pictures without copy weren't read, so their text doesn't apply."""
    has_text = any(score.measure == "text" for score in one.scores)
    return one.scores if has_text else (*one.scores, Score("text", None, reason="the prompt quotes no copy"))


def plain_areas(subjects: Sequence[Drawing], pictures: Sequence[Labelled]) -> dict[str, float]:
    """Returns the ROC areas of the measures that need no network, each on its own small set."""
    right_pictures = [one for one in pictures if one.label == RIGHT]
    measures: dict[str, tuple[Measure, int]] = {
        "palette": (Palette(), -1),
        "ground": (GroundAndFill(), 1),
        "fill": (GroundAndFill(), 1),
        "noise": (Noise(), -1),
    }
    values: dict[tuple[str, bool], list[float]] = {}
    for case in cases(subjects, right_pictures):
        measure, sign = measures[case.measure]
        for score in measure(Sample(case.picture, palette=PALETTE)):
            if score.measure == case.measure and score.value is not None:
                values.setdefault((case.measure, case.right), []).append(sign * score.value)
    table = {name: auc(values[name, True], values[name, False]) for name in measures}
    twins = repeated(right_pictures)
    hashes = {name: Fingerprint()(Sample(picture)) for name, (picture, _) in twins.items()}
    bits = {name: scores[0].value or 0.0 for name, scores in Duplicate()(hashes).items()}
    single = [bits[name] for name, (_, right) in twins.items() if right]
    return table | {"duplicate": auc(single, [bits[name] for name, (_, right) in twins.items() if not right])}


def calibrated(
    subjects: Mapping[str, Subject], likeness: SubjectLikeness, on_subject: Callable[[int, int], None]
) -> tuple[SubjectCalibration, ...]:
    """Returns the calibration of all subjects with the defaults of `brandpress calibrate`."""
    return calibrate(tuple(subjects.values()), likeness, on_subject=on_subject)
