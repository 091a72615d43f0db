"""The commands that work with what a campaign has delivered: status, verify, rollback, clean and sheet.

They need neither the model nor the reference pictures, and do less without them. Each command imports what it calls,
which keeps `--help` fast.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from brandpress.model.errors import CheckpointError
from brandpress.pipeline.cli import options
from brandpress.pipeline.cli.exit_codes import BROKEN, OK
from brandpress.pipeline.cli.options import Deliver, Job, Json
from brandpress.pipeline.spec.problem import SpecError

if TYPE_CHECKING:
    from brandpress.pipeline.plan.variant import Variant
    from brandpress.pipeline.spec.target import Target
    from brandpress.pipeline.store.protocol import Store


def show_status(job: Job, deliver: Deliver = None, select: options.Select = None, as_json: Json = False) -> int:
    """Show what is done, failed and missing, and the latest manifest."""
    from brandpress.pipeline.cli.json_output import print_json, status_json
    from brandpress.pipeline.cli.text import print_lines, status_lines
    from brandpress.pipeline.deliver.status import campaign_status, published_status

    _, folder = _open(job, deliver)
    try:
        status = campaign_status(folder, _selected(job, deliver, select) if select else _variants(job, deliver))
    except (SpecError, CheckpointError) as error:
        if select:  # a manifest's counts are those of the whole campaign
            raise
        status = published_status(folder, str(error))
    if as_json:
        print_json(status_json(status, folder.uri))
    else:
        print_lines(status_lines(status, folder.uri))
    return OK


def verify_job(job: Job, deliver: Deliver = None, repair: options.Repair = False, as_json: Json = False) -> int:
    """Read all delivered objects and compare checksums. Exits with 3 if an object is missing or changed."""
    from brandpress.pipeline.cli.json_output import print_json, verification_json
    from brandpress.pipeline.cli.text import print_lines, verification_lines
    from brandpress.pipeline.deliver import verify

    target, folder = _open(job, deliver)
    verification = verify.verify(folder)
    deleted: tuple[str, ...] = ()
    if repair and not verification.intact:
        _check_owner(target, folder, take_over=False)
        deleted = verify.repair(folder, verification)
    if as_json:
        print_json(verification_json(verification, folder.uri, deleted))
    else:
        print_lines(verification_lines(verification, folder.uri, deleted))
    return OK if verification.intact else BROKEN


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
    from brandpress.pipeline.deliver.manifest import read_pointer
    from brandpress.pipeline.deliver.rollback import history, rollback

    target, folder = _open(job, deliver)
    if not list_only:
        _check_owner(target, folder, take_over=take_over)
        rollback(folder, to)
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

    target, folder = _open(job, deliver)
    _check_owner(target, folder, take_over=take_over)
    variants: tuple[Variant, ...] | None
    try:
        variants = _variants(job, deliver)
    except (SpecError, CheckpointError) as error:
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
    columns: options.Columns = None,
) -> int:
    """Draw a campaign's pictures on one page, beside their references. Exits with 3 if a picture is missing."""
    from brandpress.pipeline.cli.text import broken_picture_lines, print_lines
    from brandpress.pipeline.deliver.published_selection import published_names
    from brandpress.pipeline.review.contact_sheet import check_suffix, contact_sheet, reference_files, save
    from brandpress.pipeline.spec.load import load_campaign

    if out is not None:
        check_suffix(out)
    target, folder = _open(job, deliver)
    campaign = None
    try:
        campaign = load_campaign(job, deliver)
    except SpecError as error:
        typer.echo(f"{error}\ndrawing the sheet without reference pictures", err=True)
    names = published_names(folder, select, campaign) if select else None
    broken: list[str] = []
    references = reference_files(campaign) if campaign else {}
    sheet = contact_sheet(folder, references, columns, broken.append, names)
    typer.echo(save(sheet, out or Path(f"{target.campaign}.png")))
    print_lines(broken_picture_lines(broken), sys.stderr)
    return BROKEN if broken else OK


def _open(job: Path, deliver: str | None) -> tuple[Target, Store]:
    """Returns what a job delivers where, and its folder in the store. Needs neither references nor the model."""
    from brandpress.pipeline.spec.target import load_target
    from brandpress.pipeline.store.folder import open_campaign

    target = load_target(job, deliver)
    return target, open_campaign(target.address, target.campaign)


def _variants(job: Path, deliver: str | None) -> tuple[Variant, ...]:
    """Returns the job's variants. Needs its references and its model."""
    from brandpress.pipeline.plan.expand import make_plan
    from brandpress.pipeline.spec.load import load_campaign

    return make_plan(load_campaign(job, deliver)).variants


def _selected(job: Path, deliver: str | None, select: Sequence[str]) -> tuple[Variant, ...]:
    """Returns the job's variants that terms select. Needs what `_variants` needs."""
    from brandpress.pipeline.deliver.plan_summary import selected_variants
    from brandpress.pipeline.plan.expand import make_plan
    from brandpress.pipeline.plan.selection import campaign_selection
    from brandpress.pipeline.spec.load import load_campaign

    plan = make_plan(load_campaign(job, deliver))
    selection = campaign_selection(select, plan.campaign, plan.variants)
    return plan.variants if selection is None else selected_variants(plan, selection)


def _check_owner(target: Target, folder: Store, *, take_over: bool) -> None:
    from brandpress.pipeline.deliver.ownership import check_owner

    check_owner(folder, target.brand, target.job, take_over=take_over)
