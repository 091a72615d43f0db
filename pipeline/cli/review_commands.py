"""The commands that measure what a campaign has delivered: measure and calibrate.

Each command imports what it calls, which keeps `--help` fast.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from brandpress.pipeline.cli.exit_codes import BROKEN, OK
from brandpress.pipeline.cli.options import Deliver, Job, Json

Only = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="MEASURE",
        help="Only this measure; may be repeated, or a list with commas (default: all that are installed).",
        show_default=False,
    ),
]
Features = Annotated[
    Path | None,
    typer.Option(
        "--features",
        metavar="FOLDER",
        help="Compare subjects with the DINOv2 or SigLIP weights in this folder (default: EfficientNet-lite0).",
        show_default=False,
    ),
]
Worst = Annotated[int, typer.Option("--worst", min=0, metavar="N", help="How many of the worst pictures to list.")]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Measure every picture again.")]
Delivered = Annotated[
    bool,
    typer.Option("--delivered", help="Use the campaign's delivered pictures, most of which must be right."),
]
Pictures = Annotated[
    int,
    typer.Option("--pictures", min=4, max=200, metavar="N", help="Pictures per subject that thresholds are set with."),
]


def measure_job(
    job: Job,
    deliver: Deliver = None,
    only: Only = None,
    features: Features = None,
    worst: Worst = 20,
    no_cache: NoCache = False,
    as_json: Json = False,
) -> int:
    """Measure the pictures of the latest manifest: figures per measure and subject, and the worst pictures.

    Exits with 3 if a picture is missing.
    """
    from brandpress.pipeline.cli.count_progress import count_progress
    from brandpress.pipeline.cli.json_output import print_json
    from brandpress.pipeline.cli.measures_text import measures_lines, unmeasured_lines
    from brandpress.pipeline.cli.text import print_lines
    from brandpress.pipeline.review.calibration.file import calibration_path, read_calibration, usable_thresholds
    from brandpress.pipeline.review.figures import figures
    from brandpress.pipeline.review.figures import worst as worst_of
    from brandpress.pipeline.review.measure_campaign import measure_campaign
    from brandpress.pipeline.review.measures_json import measures_json
    from brandpress.pipeline.review.score_cache import ScoreCache
    from brandpress.pipeline.review.suite import load_suite
    from brandpress.pipeline.spec.load import load_campaign
    from brandpress.pipeline.store.folder import open_campaign

    names = [name.strip() for text in only or () for name in text.split(",") if name.strip()]
    campaign = load_campaign(job, deliver)
    suite = load_suite(names, features)
    thresholds, warnings = {}, list(dict.fromkeys(suite.missing.values()))
    if suite.likeness is not None:
        stored = read_calibration(calibration_path(campaign.brand))
        usable = usable_thresholds(stored, campaign.brand, suite.likeness.identity)
        thresholds, warnings = dict(usable.thresholds), [*warnings, *usable.warnings]
    folder = open_campaign(campaign.address, campaign.name)
    with count_progress("pictures measured") as show:
        cache = ScoreCache(None) if no_cache else ScoreCache.of_user()
        measured = measure_campaign(folder, campaign.brand, suite.measures, suite.comparisons, cache, show)
    rows = figures(measured.pictures, suite.scales, thresholds)
    outliers = worst_of(measured.pictures, suite.scales, thresholds, worst)
    print_lines([f"warning: {warning}" for warning in warnings], sys.stderr)
    if as_json:
        print_json(measures_json(campaign.name, folder.uri, measured, suite, rows, outliers, warnings))
    else:
        print_lines(measures_lines(measured, suite.scales, rows, outliers))
    print_lines(unmeasured_lines(measured.broken), sys.stderr)
    return BROKEN if measured.broken else OK


def calibrate_job(
    job: Job,
    deliver: Deliver = None,
    delivered: Delivered = False,
    features: Features = None,
    pictures: Pictures = 12,
    as_json: Json = False,
) -> int:
    """Set a threshold per subject for `measure`, from the brand's references, and write them beside the brand spec."""
    from brandpress.pipeline.cli.count_progress import count_progress
    from brandpress.pipeline.cli.json_output import print_json
    from brandpress.pipeline.cli.measures_text import calibration_lines
    from brandpress.pipeline.cli.text import print_lines
    from brandpress.pipeline.review.calibration.calibrate import calibrate
    from brandpress.pipeline.review.calibration.delivered import calibrate_delivered
    from brandpress.pipeline.review.calibration.file import Basis, calibration_json, calibration_path, write
    from brandpress.pipeline.review.calibration.plot import calibration_svg
    from brandpress.pipeline.review.measure_campaign import all_subjects
    from brandpress.pipeline.review.measures.subject import SubjectLikeness
    from brandpress.pipeline.review.suite import load_network
    from brandpress.pipeline.spec.load import load_campaign
    from brandpress.pipeline.store.folder import open_campaign

    campaign = load_campaign(job, deliver)
    brand = campaign.brand
    likeness = SubjectLikeness(load_network(features))
    with count_progress("subjects calibrated") as show:
        if delivered:
            folder = open_campaign(campaign.address, campaign.name)
            results = calibrate_delivered(folder, brand, likeness, pictures, show)
        else:
            results = calibrate(tuple(all_subjects(brand)), likeness, pictures, show)
    basis: Basis = "delivered" if delivered else "references"
    content = calibration_json(brand.name, likeness.identity, basis, results)
    path = calibration_path(brand)
    drawing = path.with_suffix(".svg")
    write(path, json.dumps(content, indent=1) + "\n")
    write(drawing, calibration_svg(brand.name, results, likeness.scales))
    if as_json:
        summary = content | {"schema": "brandpress.calibration-summary/1"}
        print_json(summary | {"file": str(path), "drawing": str(drawing)})
    else:
        print_lines(calibration_lines(results, path, drawing))
    return OK
