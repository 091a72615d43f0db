"""python -m tests.bench.measures --art DIR [--set noto] [--tuned-on] [--share 1.0] [--features FOLDER] [--write FILE]

Prints ROC areas and the gate's precision and recall, and writes them into docs/measures.md between its markers. Scores
are cached in DIR, so that the command continues after an interruption.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from brandpress.pipeline.review.measures.subject import SubjectLikeness
from brandpress.pipeline.review.measures.text import Text, load_reader
from brandpress.pipeline.review.score_cache import ScoreCache
from brandpress.pipeline.review.suite import load_network
from tests.bench.measures.art import HELD_OUT, TUNED_ON, drawings
from tests.bench.measures.document import figures_text, with_figures
from tests.bench.measures.evaluate import (
    areas,
    calibrated,
    gate_result,
    plain_areas,
    score_all,
    subject_of,
    thresholds_of,
)
from tests.bench.measures.labelled import labelled


def main() -> None:
    """Run the evaluation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--art", type=Path, required=True, help="the folder with node_modules")
    parser.add_argument("--set", default="noto", help="an icon set of @iconify-json")
    parser.add_argument("--tuned-on", action="store_true", help="the icons that constants were chosen with")
    parser.add_argument("--share", type=float, default=1.0, help="the share of the pictures to draw")
    parser.add_argument("--features", type=Path, help="a folder with DINOv2 or SigLIP weights")
    parser.add_argument("--write", type=Path, help="the document to write the figures into")
    options = parser.parse_args()
    subjects = drawings(options.art, options.set, TUNED_ON if options.tuned_on else HELD_OUT)
    by_name = {one.name: subject_of(one) for one in subjects}
    likeness, text = SubjectLikeness(load_network(options.features)), Text(load_reader())
    cache = ScoreCache(options.art / "scores")
    pictures = list(labelled(subjects, options.share))
    print(f"{len(pictures)} pictures drawn", flush=True)

    def show(number: int, total: int = len(pictures)) -> None:
        if number % 20 == 0:
            print(f"{number} of {total}", flush=True)

    calibration = calibrated(by_name, likeness, lambda done, total: print(f"calibrated {done} of {total}", flush=True))
    scored = score_all(pictures, by_name, likeness, text, cache, show)
    figures, shares = gate_result(scored, thresholds_of(calibration))
    lines = figures_text(options.set, scored, areas(scored), plain_areas(subjects, pictures), figures, shares)
    print(lines)
    if options.write is not None:
        options.write.write_text(with_figures(options.write.read_text("utf-8"), lines), "utf-8")


if __name__ == "__main__":
    main()
