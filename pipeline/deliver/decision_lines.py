"""Reads `decisions.yaml` line by line, as the review page writes it: one decision a line, with its values in JSON.

Such a file may have 64 MiB, which takes seconds. PyYAML takes minutes for a tenth of it.
"""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

from brandpress.pipeline.spec.problem import Problem, SpecError
from brandpress.pipeline.spec.yaml_file import MAX_BYTES as MAX_YAML_BYTES

MAX_BYTES = 64 * MAX_YAML_BYTES
LIMIT = f"{MAX_BYTES:,} bytes (64 MiB)"

_TEXT = r'"(?:[^"\\\x00-\x1f]|\\.){0,16384}"'
_HEAD = re.compile(rf"(?P<field>schema|campaign|by|at): (?P<value>{_TEXT}|brandpress\.decision-file/1)")
_DECISION = re.compile(
    rf"- \{{name: (?P<name>{_TEXT}), sha256: (?P<sha256>{_TEXT}), decision: (?P<decision>[a-z]+), at: (?P<at>{_TEXT})"
    rf"(?:, reason: (?P<reason>{_TEXT}))?\}}"
)

Line = tuple[int, Mapping[str, str]]
"""The number of a line and the values in it."""


def read_long_file(path: Path) -> tuple[Mapping[str, str], list[Line]] | None:
    """Returns the values above the decisions, and the decisions; None if the file is short enough for `read_yaml`.

    Raises SpecError for a line that the review page doesn't write.
    """
    try:
        size = path.stat()
        if not stat.S_ISREG(size.st_mode) or size.st_size <= MAX_YAML_BYTES:
            return None
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError):  # read_yaml says what is wrong
        return None
    if len(content) > MAX_BYTES:
        raise SpecError([Problem(str(path), 1, 1, f"the file is longer than {LIMIT}", "apply the decisions in parts")])
    head: dict[str, str] = {}
    decisions: list[Line] = []
    in_decisions = False
    for number, line in enumerate(BytesIO(content), 1):
        text = line.rstrip(b"\r\n")
        if not text or text.startswith(b"#"):
            continue
        if text == b"decisions:" and not in_decisions:
            in_decisions = True
            continue
        values = _values(_DECISION if in_decisions else _HEAD, text)
        if values is None or (not in_decisions and values["field"] in head):
            raise SpecError([_unknown_line(path, number)])
        if in_decisions:
            decisions.append((number, values))
        else:
            head[values["field"]] = values["value"]
    return head, decisions


def _values(pattern: re.Pattern[str], line: bytes) -> dict[str, str] | None:
    try:
        match = pattern.fullmatch(line.decode())
        texts = {} if match is None else {name: text for name, text in match.groupdict().items() if text is not None}
        values = {name: str(json.loads(text)) if text.startswith('"') else text for name, text in texts.items()}
        "".join(values.values()).encode()
        return values or None
    except ValueError:  # not UTF-8, an unknown escape, or half of a character
        return None


def _unknown_line(path: Path, number: int) -> Problem:
    what = "a file of more than 1 MiB is read line by line, and the review page doesn't write such a line"
    allowed = 'as in - {name: "mug/beach", sha256: "6b1f…", decision: approved, at: "2026-11-27T14:05:00Z"}'
    return Problem(str(path), number, 1, what, allowed)
