"""The commands that work with what a campaign has delivered: status, verify, rollback, clean and sheet.

They need neither the model nor the reference pictures, and do less without them. Each command imports what it calls,
which keeps `--help` fast.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from brandpress.model.errors import CheckpointError, RequestError
from brandpress.pipeline.cli import options
from brandpress.pipeline.cli.campaign_folder import check_owner, open_folder
from brandpress.pipeline.cli.exit_codes import BROKEN, OK
from brandpress.pipeline.cli.options import Deliver, Job, Json
from brandpress.pipeline.spec.problem import SpecError

if TYPE_CHECKING:
    from brandpress.pipeline.deliver.repair import Repair
    from brandpress.pipeline.plan.expand import Plan
    from brandpress.pipeline.plan.variant import Variant
    from brandpress.pipeline.store.protocol import Store


def show_status(job: Job, deliver: Deliver = None, select: options.Select = None, as_json: Json = False) -> int:
    """Show what is done, failed and missing, and the latest manifest."""
    from brandpress.pipeline.cli.json_output import print_json, status_json
    from brandpress.pipeline.cli.text import print_lines, status_lines
    from brandpress.pipeline.deliver.admission import Admission
    from brandpress.pipeline.deliver.manifest import NothingPublishedError
    from brandpress.pipeline.deliver.status import campaign_status, published_status

    _, folder = open_folder(job, deliver)
    try:
        plan = _decided_plan(job, deliver, folder)
        variants = _selected(folder, plan, select) if select else plan.variants
        status = campaign_status(folder, variants, 0 if select else len(plan.picked_out), Admission.of(folder, plan))
    except (SpecError, CheckpointError, RequestError) as error:
        if select:  # a manifest's counts are those of the whole campaign
            raise
        try:
            status = published_status(folder, str(error))
        except NothingPublishedError:
            raise error from None
    if as_json:
        print_json(status_json(status, folder.uri))
    else:
        print_lines(status_lines(status, folder.uri))
    return OK


def verify_job(
    context: typer.Context,
    job: Job,
    deliver: Deliver = None,
    repair: options.Repair = False,
    no_render: options.NoRender = False,
    take_over: options.TakeOver = False,
    as_json: Json = False,
) -> int:
    """Read all delivered objects, and compare checksums and marks. Exits with 3 if an object is missing or changed.

    --repair copies them from other objects or renders them again, and exits with 0 if nothing is missing any more.
    """
    from brandpress.pipeline.cli.json_output import print_json, verification_json
    from brandpress.pipeline.cli.text import print_lines, verification_lines
    from brandpress.pipeline.deliver.verify import verify
    from brandpress.pipeline.render.driver.restore import restore
    from brandpress.pipeline.spec.target import load_signing

    if no_render and not repair:
        raise RequestError("--no-render: only together with --repair; remove it, or add --repair")
    if take_over and not repair:
        raise RequestError("--take-over: only together with --repair; remove it, or add --repair")
    target, folder = open_folder(job, deliver)
    signing = load_signing(job)
    check = partial(verify, anchors=signing.anchors if signing else None)
    verification, restoration = check(folder), None
    if repair and verification.broken:
        check_owner(target, folder, take_over=take_over)
        run = partial(_render_lost, context, job, deliver, take_over)
        restoration = restore(folder, verification, (lambda lost: None) if no_render else run, check)
    if as_json:
        print_json(verification_json(verification, folder.uri, restoration))
    else:
        print_lines(verification_lines(verification, folder.uri, restoration))
    return OK if (restoration.after if restoration else verification).intact else BROKEN


def _render_lost(
    context: typer.Context, job: Path, deliver: str | None, take_over: bool, lost: Repair
) -> frozenset[str] | None:
    """Renders pictures that are lost, and returns their names; None if the job can't be rendered on this machine."""
    from brandpress.pipeline.cli.progress import progress
    from brandpress.pipeline.plan.expand import make_plan
    from brandpress.pipeline.render.driver.restore import render_lost
    from brandpress.pipeline.render.worker.actor import RENDERER
    from brandpress.pipeline.review.picture_gate import CampaignGate
    from brandpress.pipeline.spec.load import load_campaign

    try:
        plan = make_plan(load_campaign(job, deliver), fetch=True, check=True)
        gate = CampaignGate.of(plan)
    except (SpecError, CheckpointError) as error:
        typer.echo(f"{error}\nlost pictures can't be rendered on this machine", err=True)
        return None
    context.obj.started = True
    with progress() as show, redirect_stdout(sys.stderr):  # Ray reports lost workers on stdout
        renderer = context.obj.renderer or RENDERER
        names = render_lost(plan, lost, on_event=show, renderer=renderer, take_over=take_over, gate=gate)
    context.obj.finished = True
    return names


def roll_back(
    job: Job,
    deliver: Deliver = None,
    to: options.To = None,
    list_only: options.ListOnly = False,
    take_over: options.TakeOver = False,
    as_json: Json = False,
) -> int:
    """Make an earlier manifest the latest. No picture is deleted, and the next render publishes the job again."""
    from brandpress.pipeline.cli.json_output import history_json, print_json
    from brandpress.pipeline.cli.text import history_lines, print_lines
    from brandpress.pipeline.deliver.aliases import check_aliases, update_aliases
    from brandpress.pipeline.deliver.manifest import read_pointer
    from brandpress.pipeline.deliver.rollback import history, rollback

    if list_only and (to is not None or take_over):
        raise RequestError("--list only lists the manifests; remove --to and --take-over, or --list")
    target, folder = open_folder(job, deliver)
    if not list_only:
        check_owner(target, folder, take_over=take_over)
        if target.aliases:
            check_aliases(folder)  # before anything changes
        rollback(folder, to)
        if target.aliases:
            update_aliases(folder)
    pointer = read_pointer(folder)
    latest = pointer.manifest if pointer else ""
    if as_json:
        print_json(history_json(history(folder), latest))
    else:
        print_lines(history_lines(history(folder), latest))
    return OK


def clean_job(
    job: Job,
    deliver: Deliver = None,
    keep: options.Keep = 10,
    hours: options.Hours = 24,
    yes: options.Yes = False,
    take_over: options.TakeOver = False,
    as_json: Json = False,
) -> int:
    """List old manifests and unused objects. --yes deletes them.

    An object is unused if neither a kept manifest nor the job refers to it.
    """
    from brandpress.pipeline.cli.json_output import garbage_json, print_json
    from brandpress.pipeline.cli.text import garbage_lines, print_lines
    from brandpress.pipeline.deliver.clean import delete_garbage, find_garbage

    target, folder = open_folder(job, deliver)
    check_owner(target, folder, take_over=take_over)
    variants: tuple[Variant, ...] | None
    try:
        plan = _decided_plan(job, deliver, folder)
        variants = (*plan.variants, *plan.picked_out, *plan.passed)
    except (SpecError, CheckpointError, RequestError) as error:
        variants = None
        typer.echo(f"{error}\nkeeping everything that was written after the latest manifest", err=True)
    garbage = find_garbage(folder, variants, now=time.time(), keep=keep, hours=hours)
    if yes:
        for _ in delete_garbage(folder, garbage):
            pass
    if as_json:
        print_json(garbage_json(garbage, folder.uri, deleted=yes))
    else:
        print_lines(garbage_lines(garbage, folder.uri, deleted=yes))
    return OK


def draw_sheet(
    job: Job,
    deliver: Deliver = None,
    select: options.Select = None,
    out: options.Out = None,
    rows: options.Rows = None,
    columns: options.Columns = None,
) -> int:
    """Draw a campaign's pictures on one page, beside their references. Exits with 3 if a picture is missing.

    With --rows, it's a table by axes, with the verdicts of the quality gate.
    """
    from brandpress.pipeline.cli.text import broken_picture_lines, print_lines
    from brandpress.pipeline.deliver.published_selection import published_names
    from brandpress.pipeline.review.axis_sheet import axis_sheet, parse_columns
    from brandpress.pipeline.review.contact_sheet import check_suffix, contact_sheet, reference_files, save
    from brandpress.pipeline.spec.load import load_campaign

    if out is not None:
        check_suffix(out)
    target, folder = open_folder(job, deliver)
    campaign = None
    try:
        campaign = load_campaign(job, deliver)
    except SpecError as error:
        typer.echo(f"{error}\ndrawing the sheet without reference pictures", err=True)
    names = published_names(folder, select, campaign) if select else None
    broken: list[str] = []
    by = parse_columns(columns, rows)
    if rows is not None:
        sheet = axis_sheet(folder, rows, by, broken.append, names)
    else:
        references = reference_files(campaign) if campaign else {}
        sheet = contact_sheet(folder, references, by if isinstance(by, int) else None, broken.append, names)
    typer.echo(save(sheet, out or Path(f"{target.campaign}.png")))
    print_lines(broken_picture_lines(broken), sys.stderr)
    return BROKEN if broken else OK


def _decided_plan(job: Path, deliver: str | None, folder: Store) -> Plan:
    """Returns the job's plan as its reviewers decided it. Needs its references and its model."""
    from brandpress.pipeline.deliver.decided_plan import decided
    from brandpress.pipeline.plan.expand import make_plan
    from brandpress.pipeline.spec.load import load_campaign

    return decided(folder, make_plan(load_campaign(job, deliver)))


def _selected(folder: Store, plan: Plan, select: Sequence[str]) -> tuple[Variant, ...]:
    """Returns the variants of a decided plan that terms select."""
    from brandpress.pipeline.deliver.plan_summary import selected_variants
    from brandpress.pipeline.plan.selection import campaign_selection

    selection = campaign_selection(select, plan.campaign, plan.variants)
    return plan.variants if selection is None else selected_variants(folder, plan, selection)
