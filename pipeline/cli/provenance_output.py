"""The output of `marks` and `reproduce`, as text and as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from brandpress.pipeline.cli.text import plural
from brandpress.pipeline.run.marks import PictureMarks, present_marks
from brandpress.pipeline.run.reproduction import Reproduction
from brandpress.pipeline.spec.remote import HOSTS


def marks_json(marks: Sequence[PictureMarks]) -> dict[str, Any]:
    """`marks`: every picture with what it has and has lost."""
    return {
        "schema": "brandpress.marks/1",
        "complete": all(one.complete for one in marks),
        "pictures": [
            {
                "uri": one.uri,
                "marks": dict(present_marks(one.metadata)),
                "credentials": _credentials(one),
                "lost": list(one.lost),
                "delivered_as": one.delivered_as,
                "error": one.error,
            }
            for one in marks
        ],
    }


def marks_lines(marks: Sequence[PictureMarks]) -> Iterator[str]:
    """`marks`: a line for each picture, one for each host that this machine doesn't allow, and how many pictures have
    lost something."""
    forbidden = Counter(one.forbidden_host for one in marks if one.forbidden_host is not None)
    for one in marks:
        if one.forbidden_host is not None:
            if pictures := forbidden.pop(one.forbidden_host, 0):
                yield _forbidden_line(one.forbidden_host, pictures)
        elif one.error is not None:
            yield f"{one.uri}: {one.error}"
        else:
            credentials = _credentials(one)
            signed = "" if credentials == "absent" else f"; content credentials {credentials}"
            state = f"lost {', '.join(one.lost)}" if one.lost else "all marks"
            yield f"{one.uri}: {state}{signed}"
    incomplete = sum(not one.complete for one in marks)
    yield f"{plural(len(marks), 'picture')}, {incomplete:,} with lost marks or unreadable"


def _forbidden_line(host: str, pictures: int) -> str:
    download = "download it and name the file" if pictures == 1 else "download them and name the files"
    return (
        f"{host}: {plural(pictures, 'picture')} can't be fetched, because this machine doesn't allow this host; "
        f"{download}, or add the host to {HOSTS}"
    )


def _credentials(marks: PictureMarks) -> str:
    if marks.trust is not None:
        return marks.trust.name.lower()
    return "unchecked" if marks.has_credentials else "absent"


def reproduction_json(result: Reproduction) -> dict[str, Any]:
    """`reproduce`: what the delivered and the new picture have in common."""
    return {
        "schema": "brandpress.reproduction/1",
        "name": result.name,
        "render_key": result.render_key,
        "identical": result.identical,
        "signed": result.signed,
        "sha256": result.sha256,
        "rendered_sha256": result.rendered_sha256,
        "differing_pixels": result.pixels,
        "max_difference": result.max_difference,
        "metadata": list(result.metadata),
        "host": list(result.host),
    }


def reproduction_lines(result: Reproduction) -> Iterator[str]:
    """`reproduce`: whether the files are the same, and where they differ."""
    yield f"{result.name} ({result.render_key})"
    if result.identical:
        yield "identical byte for byte" + (", except for the signature" if result.signed else "")
        return
    if result.pixels is None:
        yield "different: the sizes differ, or one of the files can't be read"
    elif result.pixels:
        levels = plural(result.max_difference or 0, "level")
        yield f"different: {plural(result.pixels, 'pixel')}, by at most {levels} of 255"
    else:
        yield "the pixels are identical; the files differ"
    if result.metadata:
        yield f"metadata that differs: {', '.join(result.metadata)}"
    if result.host:
        yield f"rendered on another machine: {'; '.join(result.host)}"
