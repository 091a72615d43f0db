"""The commands for the first steps: init and schema. Each imports what it calls, which keeps `--help` fast."""

from __future__ import annotations

import shlex
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from brandpress.pipeline.cli.exit_codes import OK
from brandpress.pipeline.cli.options import Json


class Kind(StrEnum):
    """What a schema describes."""

    BRAND = "brand"
    CAMPAIGN = "campaign"


Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to write (default: here).", show_default=False)]
Force = Annotated[bool, typer.Option("--force", help="Overwrite files that exist.")]
SchemaKind = Annotated[
    Kind, typer.Argument(metavar="KIND", help="A brand spec, or a campaign's job.", show_default=False)
]


def start_project(folder: Folder = Path(), force: Force = False, as_json: Json = False) -> int:
    """Write a brand spec with two reference pictures, and a job that renders four pictures with nano."""
    from brandpress.pipeline.cli.json_output import print_json
    from brandpress.pipeline.cli.text import print_lines
    from brandpress.pipeline.spec.starter.write import JOB, write_starter

    starter = write_starter(folder, force=force)
    commands = [] if folder == Path() else [f"cd {shlex.quote(str(folder))}"]
    commands += [f"brandpress render {JOB}", f"brandpress sheet {JOB} --out out/first.png"]
    if as_json:
        values = {"folder": str(folder), "files": list(starter.written), "next": commands}
        print_json({"schema": "brandpress.init/1"} | values)
    else:
        print_lines([*(f"wrote {folder / file}" for file in starter.written), "next:"])
        print_lines(f"  {command}" for command in commands)
    if starter.kept_gitignore:
        print_lines(
            [f"{folder / '.gitignore'}: left as it is; add the line out/ to keep pictures out of git"], sys.stderr
        )
    return OK


def print_schema(kind: SchemaKind) -> int:
    """Print the JSON Schema of brand specs or of jobs, for editors.

    Editors with the YAML language server use it after the comment `# yaml-language-server: $schema=FILE`.
    """
    from brandpress.pipeline.cli.json_output import print_json
    from brandpress.pipeline.spec.json_schema import schema_of

    print_json(schema_of(kind.value))
    return OK
