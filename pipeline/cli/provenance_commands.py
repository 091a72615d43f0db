"""The commands about where a picture comes from: marks and reproduce.

Each command imports what it calls, which keeps `--help` fast.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from brandpress.model.errors import RequestError
from brandpress.pipeline.cli.exit_codes import BROKEN, OK
from brandpress.pipeline.cli.options import Cpu, Deliver, Json

Uris = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="URI", help="Pictures: files, folders, https://… or s3://bucket/prefix.", show_default=False
    ),
]
File = Annotated[Path, typer.Argument(metavar="FILE", help="A delivered picture, or its record.", show_default=False)]
OfJob = Annotated[
    Path | None,
    typer.Option("--job", metavar="JOB", help="The campaign that the pictures are from.", show_default=False),
]
MadeBy = Annotated[
    Path, typer.Option("--job", metavar="JOB", help="The campaign that made the picture.", show_default=False)
]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Write the new picture here.", show_default=False)
]


def show_marks(uris: Uris = None, job: OfJob = None, deliver: Deliver = None, as_json: Json = False) -> int:
    """Show which marks of provenance pictures have. Exits with 3 if a picture has lost one.

    Without URIs, checks the pictures of --job at its public_url.
    """
    from brandpress.pipeline.cli.json_output import print_json
    from brandpress.pipeline.cli.provenance_output import marks_json, marks_lines
    from brandpress.pipeline.cli.text import print_lines
    from brandpress.pipeline.run.handover import open_handover
    from brandpress.pipeline.run.marks import DeliveredMarks, check_marks
    from brandpress.pipeline.run.picture_places import picture_places
    from brandpress.pipeline.spec.target import load_signing

    if job is None and (deliver is not None or not uris):
        raise RequestError("name pictures, or the job that published them with --job; --deliver needs --job")
    handover = None if job is None else open_handover(job, deliver)
    if not uris and handover is not None:
        uris = [picture.url for picture in handover.pictures() if picture.url is not None]
        if not uris:
            raise RequestError(f"{job} has no public_url:; name files or addresses: `brandpress marks FILE …`")
    delivered = None if handover is None else DeliveredMarks(handover.folder, handover.latest)
    signing = None if job is None else load_signing(job)
    places = (place for uri in uris or () for place in picture_places(uri))
    marks = tuple(check_marks(places, delivered, signing.anchors if signing else None))
    if as_json:
        print_json(marks_json(marks))
    else:
        print_lines(marks_lines(marks))
    return OK if all(one.complete for one in marks) else BROKEN


def reproduce_picture(
    context: typer.Context,
    file: File,
    job: MadeBy,
    deliver: Deliver = None,
    cpu: Cpu = False,
    out: Out = None,
    as_json: Json = False,
) -> int:
    """Render a delivered picture again from its record, and compare the two. Exits with 3 if they differ.

    A signature isn't compared: it is never the same twice.
    """
    from brandpress.pipeline.cli.json_output import print_json
    from brandpress.pipeline.cli.provenance_output import reproduction_json, reproduction_lines
    from brandpress.pipeline.cli.text import print_lines
    from brandpress.pipeline.render.worker.actor import RENDERER
    from brandpress.pipeline.run.reproduce import reproduce
    from brandpress.pipeline.spec.load import load_campaign

    campaign = load_campaign(job, deliver)
    result = reproduce(campaign, file, cpu=cpu, out=out, renderer=context.obj.renderer or RENDERER)
    if as_json:
        print_json(reproduction_json(result))
    else:
        print_lines(reproduction_lines(result))
    return OK if result.identical else BROKEN
