"""The commands of people who review: review, decide and report.

Each command imports what it calls, which keeps `--help` fast.
"""

from __future__ import annotations

import sys
from collections.abc import Set
from contextlib import ExitStack
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Annotated, Any

import typer

from brandpress.model.errors import RequestError
from brandpress.pipeline.cli.campaign_folder import check_owner, open_folder
from brandpress.pipeline.cli.decision_commands import By
from brandpress.pipeline.cli.exit_codes import BROKEN, OK
from brandpress.pipeline.cli.options import Deliver, Job, Json, Prices, Select, TakeOver

if TYPE_CHECKING:
    from brandpress.pipeline.deliver.proposal import Answer
    from brandpress.pipeline.review.page.content import ReviewedPictures
    from brandpress.pipeline.spec.campaign import Campaign
    from brandpress.pipeline.store.protocol import Store

PageFolder = Annotated[
    Path | None,
    typer.Option(
        "--out", metavar="FOLDER", help="The page's folder (default: out/review/CAMPAIGN).", show_default=False
    ),
]
Upload = Annotated[bool, typer.Option("--upload", help="Also write the page into the campaign's folder: review/.")]
Serve = Annotated[bool, typer.Option("--serve", help="Serve the page on 127.0.0.1 and save decisions to the store.")]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, metavar="N", help="With --serve: the port (0: any).")]
NoOpen = Annotated[bool, typer.Option("--no-open", help="With --serve: only print the address, open no browser.")]
MeasureNow = Annotated[bool, typer.Option("--measure", help="Measure the pictures now, as `measure` does.")]
DecisionFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="decisions.yaml from the review page.", show_default=False)
]
ReportFile = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="FILE",
        help="The report's file, .html or .md (default: out/report/CAMPAIGN.html).",
        show_default=False,
    ),
]
Worst = Annotated[int, typer.Option("--worst", min=0, max=200, metavar="N", help="How many of the worst pictures.")]


def review_job(
    job: Job,
    deliver: Deliver = None,
    select: Select = None,
    out: PageFolder = None,
    upload: Upload = False,
    serve: Serve = False,
    port: Port = 0,
    no_open: NoOpen = False,
    by: By = None,
    measure: MeasureNow = False,
    take_over: TakeOver = False,
    as_json: Json = False,
) -> int:
    """Write a page to look at a campaign's pictures, compare them and decide about them.

    The page opens from disk; with --serve, decisions reach the store at once. Exits with 3 if a picture is missing.
    """
    from brandpress.pipeline.cli.json_output import print_json
    from brandpress.pipeline.cli.text import broken_picture_lines, print_lines
    from brandpress.pipeline.deliver.published_selection import reviewed_names
    from brandpress.pipeline.review.page.content import PageSettings
    from brandpress.pipeline.review.page.folder import INDEX, default_folder, pictures_address, upload_page, write_page
    from brandpress.pipeline.review.page.load import BrandContext, read_reviewed

    if serve and (upload or as_json or measure):
        raise RequestError("--serve: remove --upload, --measure and --json, which write a page instead")
    if not serve and (port or no_open or by is not None):
        raise RequestError("--port, --no-open and --by belong to --serve; add it, or remove them")
    if take_over and not (serve or upload):
        raise RequestError("--take-over: only together with --upload or --serve; remove it, or add one of them")
    target, folder = open_folder(job, deliver)
    campaign = _campaign(job, deliver)
    context = BrandContext.of(campaign)
    out = out or default_folder(target.campaign)
    names = reviewed_names(folder, select, campaign) if select else None
    if serve:
        check_owner(target, folder, take_over=take_over)
        return _serve(folder, context, out, names, by, port, no_open)
    reviewed = read_reviewed(folder, context).only(names)
    warnings: tuple[str, ...] = ()
    if measure:
        reviewed, warnings = _measured(folder, campaign, reviewed)
    public_url = campaign.job.public_url if campaign else None
    settings = PageSettings(pictures_address(out, target.address, target.campaign, public_url))
    from brandpress.pipeline.cli.count_progress import count_progress

    with count_progress("thumbnails made") as show:
        broken = write_page(out, folder, reviewed, context, settings, show)
    uploaded = None
    if upload:
        check_owner(target, folder, take_over=take_over)
        uploaded = f"{folder.uri}/{upload_page(folder, out, reviewed)}"
    print_lines([f"warning: {warning}" for warning in warnings], sys.stderr)
    if as_json:
        head = {"schema": "brandpress.review-page/1", "page": str(out / INDEX), "uploaded": uploaded}
        print_json({**head, "pictures": len(reviewed.records), "broken": list(broken), "warnings": list(warnings)})
    else:
        print_lines([str(out / INDEX), *([uploaded] if uploaded else [])])
    print_lines(broken_picture_lines(broken), sys.stderr)
    return BROKEN if broken else OK


def _serve(
    folder: Store, context: Any, out: Path, names: Set[str] | None, by: str | None, port: int, no_open: bool
) -> int:
    from brandpress.pipeline.cli.text import print_lines, printable
    from brandpress.pipeline.review.page.redirect import redirect_file
    from brandpress.pipeline.review.page.server import ReviewServer, desk_of

    desk = desk_of(folder, context, out, by, names)
    desk.page()  # reports what is wrong with the store before a browser is opened
    with ExitStack() as stack:
        server = stack.enter_context(ReviewServer(desk, port, lambda line: typer.echo(printable(line), err=True)))
        print_lines([server.url])
        typer.echo(f"decisions are saved as {printable(desk.by)}; press Ctrl-C to end", err=True)
        if not no_open and sys.stdout.isatty():
            # A browser for terminals would keep this thread from serving.
            file = stack.enter_context(redirect_file(server.url))
            Thread(target=typer.launch, args=(str(file),), daemon=True).start()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            typer.echo("ended", err=True)
    return OK


def decide_job(
    job: Job,
    file: DecisionFile,
    deliver: Deliver = None,
    by: By = None,
    take_over: TakeOver = False,
    as_json: Json = False,
) -> int:
    """Apply the decisions that somebody downloaded from the review page.

    A decision about a picture that has changed since, or about which somebody decided later, is refused; then the exit
    code is 3.
    """
    from brandpress.pipeline.cli.json_output import print_json
    from brandpress.pipeline.cli.text import print_lines
    from brandpress.pipeline.deliver.author import Author
    from brandpress.pipeline.deliver.decision_file import read_decision_file
    from brandpress.pipeline.deliver.proposal import apply

    target, folder = open_folder(job, deliver)
    proposals = read_decision_file(file, target.campaign, Author.of(by, None).by)
    check_owner(target, folder, take_over=take_over)
    answers = apply(folder, proposals)
    refused = [answer for answer in answers if answer.state == "refused"]
    if as_json:
        values = [_answer_json(answer) for answer in answers]
        print_json({"schema": "brandpress.decided/1", "folder": folder.uri, "decisions": values})
    else:
        print_lines(_decided_lines(answers))
        print_lines((_refused_line(answer) for answer in refused), sys.stderr)
    return BROKEN if refused else OK


def report_job(
    job: Job,
    deliver: Deliver = None,
    out: ReportFile = None,
    worst: Worst = 20,
    prices: Prices = None,
    measure: MeasureNow = False,
    as_json: Json = False,
) -> int:
    """Write a report about a campaign: scores per measure and subject, the worst pictures, decisions, time and cost.

    Exits with 3 if one of the worst pictures is missing.
    """
    from brandpress.pipeline.cli.json_output import print_json
    from brandpress.pipeline.cli.text import broken_picture_lines, print_lines
    from brandpress.pipeline.plan.cost.prices import read_prices
    from brandpress.pipeline.review.page.load import BrandContext, read_reviewed
    from brandpress.pipeline.review.report.json import report_json
    from brandpress.pipeline.review.report.write import default_file, read_report, write_report

    target, folder = open_folder(job, deliver)
    campaign = _campaign(job, deliver)
    reviewed = read_reviewed(folder, BrandContext.of(campaign))
    warnings: tuple[str, ...] = ()
    if measure:
        reviewed, warnings = _measured(folder, campaign, reviewed)
    report = read_report(folder, reviewed, read_prices(prices), worst)
    file = out or default_file(target.campaign)
    broken = write_report(report, file, folder)
    print_lines([f"warning: {warning}" for warning in warnings], sys.stderr)
    if as_json:
        print_json(report_json(report, str(file), list(broken), list(warnings)))
    else:
        typer.echo(file)
    print_lines(broken_picture_lines(broken), sys.stderr)
    return BROKEN if broken else OK


def _measured(
    folder: Store, campaign: Campaign | None, reviewed: ReviewedPictures
) -> tuple[ReviewedPictures, tuple[str, ...]]:
    """Returns the pictures with scores that are measured now, and warnings."""
    from dataclasses import replace

    from brandpress.pipeline.cli.count_progress import count_progress
    from brandpress.pipeline.review.fresh_scores import measure_now

    if campaign is None:
        raise RequestError("--measure: the job or its brand spec can't be read, see above; correct it first")
    with count_progress("pictures measured") as show:
        fresh = measure_now(folder, campaign, show)
    fixed = reviewed.thresholds  # the job's
    calibrated = {place: limit for place, limit in fresh.thresholds.items() if (place[0], None) not in fixed}
    return replace(reviewed, scores=fresh.scores, thresholds={**calibrated, **fixed}), fresh.warnings


def _decided_lines(answers: tuple[Answer, ...]) -> list[str]:
    from brandpress.pipeline.cli.text import plural, printable

    applied = [answer for answer in answers if answer.state == "applied"]
    unchanged = sum(answer.state == "unchanged" for answer in answers)
    lines = [printable(f"{one.proposal.name}: {one.proposal.decision}") for one in applied]
    same = f", {unchanged:,} decided like this before" if unchanged else ""
    return [*lines, f"{plural(len(applied), 'decision')} applied{same}; run `brandpress render` to publish the change"]


def _refused_line(answer: Answer) -> str:
    from brandpress.pipeline.cli.text import printable

    return printable(f"refused: {answer.proposal.name}: {answer.proposal.decision}: {answer.why}")


def _answer_json(answer: Answer) -> dict[str, Any]:
    proposal = answer.proposal
    return {
        "name": proposal.name,
        "sha256": proposal.sha256,
        "decision": proposal.decision,
        "reason": proposal.reason,
        "by": proposal.by,
        "at": proposal.at.isoformat(),
        "state": answer.state,
        "why": answer.why,
    }


def _campaign(job: Path, deliver: str | None) -> Campaign | None:
    """Returns the job's campaign; None if it can't be read, which is said on stderr."""
    from brandpress.pipeline.spec.load import load_campaign
    from brandpress.pipeline.spec.problem import SpecError

    try:
        return load_campaign(job, deliver)
    except SpecError as error:
        typer.echo(f"{error}\ngoing on without reference pictures", err=True)
        return None
