"""Reads a YAML file safely and with positions: PyYAML's safe loader composes the nodes, this module turns them into
values.

Rejected: duplicate keys, keys that aren't text, tags beyond YAML's core, several documents, comments that were probably
meant as text, and files past the limits here and in `yaml_values`, which keep a hostile file from exhausting memory or
the stack.

A file that doesn't look like a brand spec or a campaign may be somebody's secrets, named by a stranger's job: messages
about it quote nothing of it.
"""

from __future__ import annotations

import re
import stat
from pathlib import Path

import yaml

from brandpress.pipeline.spec.document import Document
from brandpress.pipeline.spec.messages import quote
from brandpress.pipeline.spec.problem import Problem, SpecError
from brandpress.pipeline.spec.similar_path import similar_path
from brandpress.pipeline.spec.yaml_comments import COMMENT_RULE, comment_between
from brandpress.pipeline.spec.yaml_values import (
    MAX_DEPTH,
    MAX_NODES,
    QUOTE_HINT,
    TooDeepError,
    TooManyValuesError,
    ValueBuilder,
)

MAX_BYTES = 1_048_576

_SPEC_FIELD = re.compile(r"""^[\s{]*["']?(?:brand|campaign)["']?[ \t]*:""", re.MULTILINE)


def read_yaml(path: Path, label: str | None = None) -> Document:
    """Returns the file's document. Problems that leave the rest readable, such as a duplicate key, are in its
    `problems`. Raises SpecError if the file is missing, isn't valid YAML or exceeds a limit."""
    label = str(path) if label is None else label
    content = _read(path, label)
    text = _decode(content, label)
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
    except TooManyValuesError as error:
        raise SpecError([_too_many(label, error)]) from None
    except yaml.MarkedYAMLError as error:
        raise SpecError([_syntax(error, label, text)]) from None
    except yaml.reader.ReaderError as error:
        line, column = _place(text, error.position)
        what = f"the character {quote(chr(int(error.character)))} isn't allowed in YAML"
        raise SpecError([Problem(label, line, column, what, "remove it")]) from None
    if root is None:
        raise SpecError([Problem(label, 1, 1, "the file is empty", "write a YAML mapping")])
    builder = ValueBuilder(label, text, loader.nodes)
    try:
        data = builder.value(root, (), 0)
    except TooManyValuesError as error:
        raise SpecError([_too_many(label, error)]) from None
    except yaml.MarkedYAMLError as error:
        raise SpecError([_syntax(error, label, text)]) from None
    return Document(label, path, content, text, data, builder.values, builder.keys, tuple(builder.problems))


def _read(path: Path, label: str) -> bytes:
    def refuse(what: str, allowed: str = "", suggestion: str = "") -> SpecError:
        return SpecError([Problem(label, 1, 1, what, allowed, suggestion, of_file=True)])

    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise refuse(
                "this is a folder, not a file" if stat.S_ISDIR(mode) else "this isn't a file", "name a YAML file"
            )
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise refuse("there is no such file", suggestion=similar_path(path.name, path)) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise refuse(f"the file can't be read: {reason}") from None
    if len(content) > MAX_BYTES:
        raise refuse(f"the file is longer than {MAX_BYTES:,} bytes", f"allowed: at most {MAX_BYTES:,} bytes (1 MiB)")
    return content


def _decode(content: bytes, label: str) -> str:
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8", errors="replace")
        line, column = _place(before, len(before))
        what = f"the byte 0x{content[error.start]:02x} isn't UTF-8"
        raise SpecError([Problem(label, line, column, what, "save the file as UTF-8")]) from None


def _too_many(label: str, error: TooManyValuesError) -> Problem:
    return Problem(label, 1, 1, str(error), f"allowed: {MAX_NODES:,} values; split the file")


def _place(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - (text.rfind("\n", 0, offset) + 1) + 1


def _syntax(error: yaml.MarkedYAMLError, label: str, text: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    if isinstance(error, TooDeepError):
        return Problem(
            label,
            line,
            column,
            "the values are nested too deeply or contain themselves",
            f"allowed: {MAX_DEPTH} levels",
        )
    if error.problem and "but found another document" in error.problem:
        return Problem(label, line, column, "a second YAML document starts here", "allowed: one document per file")
    if not _SPEC_FIELD.search(text):
        return Problem(label, line, column, "this isn't valid YAML", "name a brand spec or a campaign's job")
    if mark and (comment := comment_between(text, error.context_mark or mark, mark)) is not None:
        line, column = _place(text, comment)
        word = quote(text[comment : comment + 60].split()[0])
        what = f"this isn't valid YAML, probably because {word} starts a comment"
        return Problem(label, line, column, what, COMMENT_RULE)
    context = f" ({error.context})" if error.context else ""
    lines = text.split("\n")
    hint = QUOTE_HINT if line <= len(lines) and any(c in lines[line - 1] for c in "{:#[&*!|>%@`") else ""
    if "\\t" in (error.problem or ""):
        hint = "indent with spaces, not with tabs"
    return Problem(label, line, column, f"this isn't valid YAML: {error.problem or 'unknown error'}{context}", hint)


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with limits of nesting and values."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.depth = self.nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.depth > MAX_DEPTH:
            raise TooDeepError(problem_mark=self.peek_event().start_mark)  # type: ignore[no-untyped-call]
        self.nodes += index is not None or parent is None  # keys don't count
        if self.nodes > MAX_NODES:
            raise TooManyValuesError
        self.depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1
