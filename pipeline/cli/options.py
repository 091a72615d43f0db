"""The arguments and options of the commands, with their help texts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from brandpress.pipeline.render.limits import MAX_WORKERS_PER_GPU

Files = Annotated[list[Path], typer.Argument(metavar="FILE", help="Brand specs and campaigns.")]
Job = Annotated[Path, typer.Argument(metavar="JOB", help="The campaign's file.", show_default=False)]
Deliver = Annotated[
    str | None, typer.Option("--deliver", metavar="URI", help="Deliver to this address instead of the job's.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

Select = Annotated[
    list[str] | None,
    typer.Option(
        "--select",
        metavar="TERM",
        help="Only variants that match, such as product:mug, state:stale, seed:3, 'mug/*' or '!style:noir'. Repeat it "
        "to add alternatives of the same key, or conditions on other keys.",
        show_default=False,
    ),
]
Locked = Annotated[
    bool,
    typer.Option("--locked", help="Require that model, feeds and references are as `brandpress lock` recorded them."),
]

Order = Annotated[Path, typer.Argument(metavar="JOB", help="The campaign's file, or a saved plan.", show_default=False)]
SavePlan = Annotated[
    Path | None,
    typer.Option(
        "--out", "-o", metavar="FILE", help="Save the plan, for `brandpress render FILE`.", show_default=False
    ),
]
Show = Annotated[
    int | None,
    typer.Option(
        "--show",
        min=0,
        metavar="N",
        help="How many changes to list at most (default: 20, all with --json).",
        show_default=False,
    ),
]
Markdown = Annotated[bool, typer.Option("--markdown", help="Print a comment for a pull request.")]
LockOut = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="The lock's file (default: JOB with .lock).", show_default=False),
]

Check = Annotated[
    bool, typer.Option("--check", help="Exit with 2 if there is something to render, to publish or to remove.")
]
First = Annotated[int, typer.Option("--first", min=0, metavar="N", help="How many variants to show.")]
GpuMemory = Annotated[
    float | None,
    typer.Option("--gpu-memory", min=1, max=10_000, metavar="GB", help="Plan for a GPU of this size."),
]
Gpu = Annotated[
    str | None,
    typer.Option(
        "--gpu",
        metavar="NAME",
        help="Estimate time and money for this GPU, such as H100 or L40S (default: this machine's).",
        show_default=False,
    ),
]
Prices = Annotated[
    Path | None,
    typer.Option(
        "--prices", metavar="FILE", help="Your own prices (YAML), in place of the published ones.", show_default=False
    ),
]
BudgetMinutes = Annotated[
    float | None,
    typer.Option(
        "--budget-gpu-minutes", min=0.001, max=1e9, metavar="N", help="Stop before a run takes more GPU minutes."
    ),
]
BudgetPictures = Annotated[
    int | None, typer.Option("--budget-pictures", min=1, max=10**9, metavar="N", help="Stop after this many pictures.")
]
BudgetMoney = Annotated[
    float | None,
    typer.Option("--budget-money", min=0.001, max=1e9, metavar="N", help="Stop before a run costs more."),
]
WithoutAsking = Annotated[bool, typer.Option("-y", "--yes", help="Render without asking, however large the run is.")]

Workers = Annotated[
    int | None,
    typer.Option(
        "--workers", min=1, metavar="N", help="Number of workers (default: as many as fit the GPUs, or one on a CPU)."
    ),
]
WorkersPerGpu = Annotated[
    int,
    typer.Option(
        "--workers-per-gpu",
        min=1,
        max=MAX_WORKERS_PER_GPU,
        metavar="N",
        help="How many workers share a GPU and its memory; useful for small models.",
    ),
]
Cpu = Annotated[bool, typer.Option("--cpu", help="Render on CPUs, and ask Ray for no GPU.")]
Limit = Annotated[int | None, typer.Option("--limit", min=1, metavar="N", help="Render at most this many pictures.")]
RetryFailed = Annotated[
    bool,
    typer.Option("--retry-failed", help="Render only pictures that failed before, including quarantined ones."),
]
Deadline = Annotated[
    float | None,
    typer.Option(
        "--deadline",
        min=1,
        max=1e9,
        metavar="SECONDS",
        help="Time limit per picture (default: an hour for the first three, then 4 times the median, but at least 5 "
        "minutes).",
    ),
]
Compile = Annotated[
    bool | None,
    typer.Option(
        "--compile/--no-compile",
        help="Compile the model's kernels: with Triton on a GPU (default: on), with torch.compile on a CPU "
        "(default: off).",
    ),
]

Join = Annotated[bool, typer.Option("--join", help="Share the work of a run of this campaign that is at work.")]
TakeOver = Annotated[
    bool,
    typer.Option("--take-over", help="Go on even if another brand or job file published a campaign of this name here."),
]
Repair = Annotated[
    bool,
    typer.Option("--repair", help="Restore missing and changed objects: copy them, or render them again."),
]
NoRender = Annotated[bool, typer.Option("--no-render", help="With --repair: leave lost pictures to the next render.")]

To = Annotated[
    int | None,
    typer.Option(
        "--to",
        min=1,
        metavar="N",
        help="Number of the manifest (default: the one before the latest that wasn't withheld).",
    ),
]
ListOnly = Annotated[bool, typer.Option("--list", help="Only list the manifests.")]

Keep = Annotated[int, typer.Option("--keep", min=1, metavar="N", help="How many of the newest manifests to keep.")]
Hours = Annotated[
    float,
    typer.Option("--hours", min=0, max=1e6, metavar="HOURS", help="Never delete objects younger than this."),
]
Yes = Annotated[bool, typer.Option("--yes", help="Delete the listed objects.")]

Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="The sheet's file (default: CAMPAIGN.png).", show_default=False),
]
Rows = Annotated[
    str | None,
    typer.Option("--rows", metavar="AXIS", help="A row for each value of this axis, or of `seed`.", show_default=False),
]
Columns = Annotated[
    str | None,
    typer.Option(
        "--columns",
        metavar="AXIS|N",
        help="A column for each value of this axis, or N pictures per row.",
        show_default=False,
    ),
]

LiveReview = Annotated[
    bool,
    typer.Option("--review", help="Write the review page while pictures are delivered: out/review/CAMPAIGN."),
]

Get = Annotated[
    str | None,
    typer.Option(
        "--get", metavar="NAME", help="Download this model's weights and print their folder.", show_default=False
    ),
]
