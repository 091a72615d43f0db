"""The commands for decisions about published pictures: approve, reject and pick.

They need neither the model nor the reference pictures. Each command imports what it calls, which keeps `--help` fast.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from brandpress.model.errors import RequestError
from brandpress.pipeline.cli.campaign_folder import check_owner, open_folder
from brandpress.pipeline.cli.exit_codes import BROKEN, OK
from brandpress.pipeline.cli.options import Deliver, Job, Json, TakeOver

if TYPE_CHECKING:
    from brandpress.pipeline.deliver.decisions import Decision, Verdict

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="NAME", help="Output names, as the manifest lists them, or globs.", show_default=False),
]
Reason = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why, for those who come after you.")]
By = Annotated[
    str | None, typer.Option("--by", metavar="WHO", help="Who decides (default: your user name).", show_default=False)
]
Undo = Annotated[bool, typer.Option("--undo", help="Take back the latest such decision about each NAME.")]
ListAll = Annotated[bool, typer.Option("--list", help="Only list the decisions.")]


def _command(verdict: Verdict, about: str) -> Callable[..., int]:
    """Returns the command for one kind of decision. about: its help."""

    def decide(
        job: Job,
        names: Names = None,
        deliver: Deliver = None,
        reason: Reason = None,
        by: By = None,
        undo: Undo = False,
        list_all: ListAll = False,
        take_over: TakeOver = False,
        as_json: Json = False,
    ) -> int:
        flags = {"undo": undo, "list_all": list_all, "take_over": take_over, "as_json": as_json}
        return _decide(verdict, job, deliver, names or (), by, reason, **flags)

    decide.__doc__ = about
    return decide


approve_pictures = _command("approved", "Approve published pictures. An approval lapses when the picture changes.")
reject_pictures = _command(
    "rejected",
    "Reject published pictures. The next render replaces each by that of the next seed, under the same name.",
)
pick_pictures = _command(
    "picked", "Pick one of several seeds. From the next render on, the manifest lists only the picked pictures."
)


def _decide(
    verdict: Verdict,
    job: Path,
    deliver: str | None,
    names: Sequence[str],
    by: str | None,
    reason: str | None,
    *,
    undo: bool,
    list_all: bool,
    take_over: bool,
    as_json: bool,
) -> int:
    from brandpress.pipeline.cli.json_output import print_json
    from brandpress.pipeline.cli.text import print_lines
    from brandpress.pipeline.deliver import choose
    from brandpress.pipeline.deliver.author import Author

    if bool(names) == list_all or (undo and list_all):
        raise RequestError("name the pictures (NAME…), or use --list alone to list all decisions")
    if (undo or list_all) and (by is not None or reason is not None):
        raise RequestError("--by and --reason belong to a new decision; remove them, or --undo or --list")
    target, folder = open_folder(job, deliver)
    if list_all:
        action, choice = "list", choose.Choice(choose.decisions_of(folder, verdict))
    else:
        check_owner(target, folder, take_over=take_over)
        if undo:
            action, choice = "undo", choose.Choice(choose.undo(folder, names, verdict, Author.of(by, reason)))
        else:
            decide = {"approved": choose.approve, "rejected": choose.reject, "picked": choose.pick}
            action, choice = "decide", decide[verdict](folder, names, Author.of(by, reason))
    if as_json:
        values = [decision.model_dump(mode="json", exclude={"schema_name"}) for decision in choice.decisions]
        head = {"schema": "brandpress.decisions/1", "action": action, "decision": verdict, "folder": folder.uri}
        later = [one.name for one in choice.overtaken]
        before = [one.name for one in choice.replaced]
        outdated = list(choice.outdated)
        print_json({**head, "decisions": values, "overtaken": later, "outdated": outdated, "replaced": before})
    else:
        print_lines(_lines(action, verdict, choice.decisions))
        print_lines(map(_replaced_line, choice.replaced), sys.stderr)
        print_lines(map(_overtaken_line, choice.overtaken), sys.stderr)
        print_lines(map(_outdated_line, choice.outdated), sys.stderr)
    return BROKEN if choice.overtaken else OK


def _lines(action: str, verdict: str, decisions: Sequence[Decision]) -> list[str]:
    from brandpress.pipeline.cli.text import plural, printable

    if action == "list":
        return [printable(_described(one)) for one in decisions] or [f"no picture is {verdict}"]
    prefix = "no longer " if action == "undo" else ""
    lines = [printable(f"{one.name}: {prefix}{one.decision}{_also(one)}") for one in decisions]
    return [*lines, f"{plural(len(lines), 'picture')} {prefix}{verdict}; run `brandpress render` to publish the change"]


def _replaced_line(decision: Decision) -> str:
    from brandpress.pipeline.cli.text import printable

    return printable(f"this replaces an earlier decision: {_described(decision)}")


def _overtaken_line(decision: Decision) -> str:
    from brandpress.pipeline.cli.text import printable

    when = f"{decision.at:%Y-%m-%d %H:%M} UTC"
    return printable(
        f"{decision.name}: refused: {decision.by} decided later, {when}: {decision.decision}; "
        "look at it, and run again to decide otherwise"
    )


def _outdated_line(name: str) -> str:
    from brandpress.pipeline.cli.text import printable

    return printable(
        f"warning: {name}: the published picture is of an earlier version of the job, and the decision is about that "
        "one; render first, then decide"
    )


def _also(decision: Decision) -> str:
    return f" (also as {', '.join(decision.also)})" if decision.also else ""


def _described(decision: Decision) -> str:
    reason = f": {decision.reason}" if decision.reason else ""
    by = f"by {decision.by}, {decision.at:%Y-%m-%d %H:%M} UTC"
    return f"{decision.name}: {decision.decision}{_also(decision)} {by}{reason}"
