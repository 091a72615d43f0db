"""`brandpress export FORMAT`: what other programs need to run campaigns, or to use their pictures.

Each command imports what it calls, which keeps `--help` fast.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from brandpress.pipeline.cli.exit_codes import OK
from brandpress.pipeline.cli.options import Deliver, Job, Select
from brandpress.pipeline.cli.plain_help import PlainCommand

if TYPE_CHECKING:
    from brandpress.pipeline.run.kubernetes import Kind

Out = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Write here instead of to stdout.", show_default=False)
]
OutFolder = Annotated[
    Path | None,
    typer.Option("--out", metavar="FOLDER", help="Write the units here instead of to stdout.", show_default=False),
]
User = Annotated[
    str | None,
    typer.Option("--user", metavar="NAME", help="Who runs the service; by default root.", show_default=False),
]
Paths = Annotated[list[Path], typer.Argument(metavar="PATH", help="Jobs, and folders with jobs.", show_default=False)]
Image = Annotated[str, typer.Option("--image", metavar="NAME", help="Built with the Dockerfile.", show_default=False)]
Root = Annotated[str, typer.Option("--root", metavar="FOLDER", help="The folder in the image with jobs and specs.")]
Workers = Annotated[
    int, typer.Option("--workers", min=1, max=1000, metavar="N", help="Number of rendering pods; 1 for `cronjob`.")
]
Gpus = Annotated[int, typer.Option("--gpus", min=0, max=64, metavar="N", help="GPUs of each pod; 0 for CPUs only.")]
GpuResource = Annotated[str, typer.Option("--gpu-resource", metavar="NAME", help="What Kubernetes calls a GPU.")]
Cpus = Annotated[str, typer.Option("--cpus", metavar="QUANTITY", help="CPUs of each pod.")]
Memory = Annotated[str, typer.Option("--memory", metavar="QUANTITY", help="Memory of each pod.")]
Namespace = Annotated[str | None, typer.Option("--namespace", metavar="NAME", help="The namespace.")]
Queue = Annotated[str | None, typer.Option("--queue", metavar="NAME", help="Kueue's local queue.")]
Secrets = Annotated[
    list[str] | None,
    typer.Option("--secret", metavar="NAME", help="A secret whose entries become environment variables; repeatable."),
]
ServiceAccount = Annotated[str | None, typer.Option("--service-account", metavar="NAME", help="The service account.")]
Cache = Annotated[str | None, typer.Option("--cache", metavar="CLAIM", help="A volume for downloaded models.")]

export_app = typer.Typer(
    help="Write manifests for Kubernetes, units for systemd, or lists of pictures for other programs.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
)


def _kubernetes(kind: Kind, help_text: str) -> None:
    @export_app.command(kind, help=help_text, cls=PlainCommand)
    def export(
        job: Job,
        image: Image,
        deliver: Deliver = None,
        root: Root = "/campaigns",
        workers: Workers = 1,
        gpus: Gpus = 1,
        gpu_resource: GpuResource = "nvidia.com/gpu",
        cpus: Cpus = "4",
        memory: Memory = "32Gi",
        namespace: Namespace = None,
        queue: Queue = None,
        secret: Secrets = None,
        service_account: ServiceAccount = None,
        cache: Cache = None,
        out: Out = None,
    ) -> int:
        import yaml

        from brandpress.pipeline.run.kubernetes import Deployment, kubernetes_manifest

        deployment = Deployment(
            image=image,
            root=root,
            workers=workers,
            gpus=gpus,
            gpu_resource=gpu_resource,
            cpus=cpus,
            memory=memory,
            namespace=namespace,
            queue=queue,
            secrets=tuple(secret or ()),
            service_account=service_account,
            cache=cache,
        )
        manifest = kubernetes_manifest(kind, job, deployment, deliver)
        _write(yaml.safe_dump(manifest, sort_keys=False, width=120), out)
        return OK


_kubernetes("rayjob", "A RayJob for KubeRay that renders a job.")
_kubernetes("raycronjob", "A RayCronJob for KubeRay that renders a job on its schedule.")
_kubernetes("cronjob", "A CronJob that renders a job on its schedule in one pod.")


@export_app.command("systemd", cls=PlainCommand)
def export_systemd(paths: Paths, deliver: Deliver = None, user: User = None, out: OutFolder = None) -> int:
    """A service and a timer for systemd that render jobs on their schedules."""
    from brandpress.pipeline.cli.text import print_lines
    from brandpress.pipeline.run.systemd import systemd_units, unit_warnings

    units = systemd_units(paths, deliver, user)
    print_lines(unit_warnings(paths, deliver, user), sys.stderr)
    if out is not None:
        _make_folder(out)
    for name, text in units.items():
        if out is None:
            typer.echo(f"# {name}\n{text}")
        else:
            _write(text, out / name)
    return OK


Since = Annotated[
    int | None,
    typer.Option(
        "--since",
        min=1,
        metavar="N",
        help="Only what was added, replaced or withdrawn since manifest N.",
        show_default=False,
    ),
]
Main = Annotated[bool, typer.Option("--main", help="Make the first picture of each product its image_link.")]


class IdOption(StrEnum):
    """What a product's id in a feed is."""

    SKU = "sku"
    KEY = "key"


Id = Annotated[
    IdOption, typer.Option("--id", metavar="ID", help="A product's id: its sku, or the key that its feed has.")
]


@export_app.command("csv", cls=PlainCommand)
def export_csv(job: Job, deliver: Deliver = None, select: Select = None, since: Since = None, out: Out = None) -> int:
    """The published pictures as CSV."""
    from brandpress.pipeline.run.handover import open_handover
    from brandpress.pipeline.run.picture_lists import csv_lines

    _write_lines(csv_lines(open_handover(job, deliver, select or ()), since), out)
    return OK


@export_app.command("jsonl", cls=PlainCommand)
def export_jsonl(job: Job, deliver: Deliver = None, select: Select = None, since: Since = None, out: Out = None) -> int:
    """The records of the published pictures as lines of JSON."""
    from brandpress.pipeline.run.handover import open_handover
    from brandpress.pipeline.run.picture_lists import json_lines

    _write_lines(json_lines(open_handover(job, deliver, select or ()), since), out)
    return OK


@export_app.command("google-supplemental", cls=PlainCommand)
def export_google(
    job: Job, deliver: Deliver = None, select: Select = None, main: Main = False, id: Id = IdOption.SKU, out: Out = None
) -> int:
    """A supplemental feed for Google's Merchant Center: each product's id and the URLs of its pictures."""
    from brandpress.pipeline.run.handover import open_handover
    from brandpress.pipeline.run.picture_lists import google_lines, ids_differ

    handover = open_handover(job, deliver, select or ())
    _write_lines(google_lines(handover, main=main, ids=id.value), out)
    if id is IdOption.SKU and ids_differ(handover):
        text = "warning: the ids are SKUs, which aren't the keys of the products' feed; --id key writes those"
        print(text, file=sys.stderr)
    return OK


def _write_lines(lines: Iterable[str], out: Path | None) -> None:
    if out is None:
        for line in lines:
            sys.stdout.write(line)
        sys.stdout.flush()
    else:
        _write("".join(lines), out)


def _make_folder(out: Path) -> None:
    """Makes a folder unless there is one. Raises RequestError if it can't be made."""
    from brandpress.model.errors import RequestError

    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = error.strerror or error
        raise RequestError(f"--out: the folder {out} can't be made: {why}; name another one") from None


def _write(text: str, out: Path | None) -> None:
    """Writes text to a file, whose name is then printed, or to stdout. Raises RequestError if it can't be written."""
    from brandpress.model.errors import RequestError

    if out is None:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    try:
        out.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise RequestError(f"--out: {out} can't be written: {error.strerror or error}") from None
    typer.echo(out)
