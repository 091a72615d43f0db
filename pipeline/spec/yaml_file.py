"""Reads a YAML file safely and with positions: PyYAML's safe loader composes the nodes, this module turns them into
values.

Rejected: duplicate keys, keys that aren't text, tags beyond YAML's core, several documents, and files past the limits
below, which keep a hostile file from exhausting memory or the stack.
"""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import yaml

from brandpress.pipeline.spec.document import Document, Location, Spot
from brandpress.pipeline.spec.messages import kind, quote
from brandpress.pipeline.spec.problem import Problem, SpecError

MAX_BYTES = 1_048_576
MAX_DEPTH = 50
MAX_NODES = 100_000  # values and keys, with aliases expanded

_CORE_TAGS = {
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "seq", "map", "timestamp")
}
_MERGE_TAG = "tag:yaml.org,2002:merge"
_QUOTE_HINT = "put text that holds '{{', ': ' or ' #', or that starts with one of []{}&*!|>%@, in quotes"


def read_yaml(path: Path, label: str | None = None) -> Document:
    """Returns the file's document. Problems that leave the rest readable, such as a duplicate key, are in its
    `problems`. Raises SpecError if the file is missing, isn't valid YAML or exceeds a limit."""
    label = str(path) if label is None else label
    content = _read(path, label)
    text = _decode(content, label)
    try:
        root = _Loader(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        raise SpecError([_syntax(error, label, text)]) from None
    except yaml.reader.ReaderError as error:
        line, column = _place(text, error.position)
        what = f"the character {quote(chr(int(error.character)))} isn't allowed in YAML"
        raise SpecError([Problem(label, line, column, what, "remove it")]) from None
    if root is None:
        raise SpecError([Problem(label, 1, 1, "the file is empty", "write a YAML mapping")])
    builder = _Builder(label)
    try:
        data = builder.value(root, (), 0)
    except _TooManyValuesError:
        what = f"the file has more than {MAX_NODES:,} values with its aliases expanded"
        raise SpecError([Problem(label, 1, 1, what, f"allowed: {MAX_NODES:,} values")]) from None
    except yaml.MarkedYAMLError as error:
        raise SpecError([_syntax(error, label, text)]) from None
    return Document(label, path, content, text, data, builder.values, builder.keys, tuple(builder.problems))


def _read(path: Path, label: str) -> bytes:
    def refuse(what: str, allowed: str = "") -> SpecError:
        return SpecError([Problem(label, 1, 1, what, allowed)])

    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise refuse(
                "this is a folder, not a file" if stat.S_ISDIR(mode) else "this isn't a file", "name a YAML file"
            )
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise refuse("there is no such file") from None
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


def _place(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - (text.rfind("\n", 0, offset) + 1) + 1


def _syntax(error: yaml.MarkedYAMLError, label: str, text: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    if isinstance(error, _TooDeepError):
        return Problem(
            label,
            line,
            column,
            "the values are nested too deeply or contain themselves",
            f"allowed: {MAX_DEPTH} levels",
        )
    if error.problem and "but found another document" in error.problem:
        return Problem(label, line, column, "a second YAML document starts here", "allowed: one document per file")
    context = f" ({error.context})" if error.context else ""
    lines = text.split("\n")
    hint = _QUOTE_HINT if line <= len(lines) and any(c in lines[line - 1] for c in "{:#[&*!|>%@`") else ""
    if "\\t" in (error.problem or ""):
        hint = "indent with spaces, not with tabs"
    return Problem(label, line, column, f"this isn't valid YAML: {error.problem or 'unknown error'}{context}", hint)


class _TooDeepError(yaml.MarkedYAMLError):
    """Nesting past MAX_DEPTH, detected before Python's stack overflows."""


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with a nesting limit."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.depth > MAX_DEPTH:
            raise _TooDeepError(problem_mark=self.peek_event().start_mark)  # type: ignore[no-untyped-call]
        self.depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


class _TooManyValuesError(Exception):
    """More nodes than MAX_NODES."""


class _Builder:
    """Builds plain values from nodes, records their positions, and collects problems."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.problems: list[Problem] = []
        self.values: dict[Location, Spot] = {}
        self.keys: dict[Location, Spot] = {}
        self._scalars = yaml.SafeLoader("")
        self._count = 0

    def value(self, node: yaml.Node, location: Location, depth: int) -> object:
        """Returns the value of a node, or None if it can't be read. Records the positions of everything below it."""
        self._count_one()
        self.values[location] = _spot(node)
        if depth > MAX_DEPTH:
            raise _TooDeepError(problem_mark=node.start_mark)
        if isinstance(node, yaml.MappingNode) and node.tag in _CORE_TAGS:
            return self._mapping(node, location, depth)
        if isinstance(node, yaml.SequenceNode) and node.tag in _CORE_TAGS:
            return tuple(self.value(item, (*location, i), depth + 1) for i, item in enumerate(node.value))
        return self._scalar(node)

    def _count_one(self) -> None:
        self._count += 1
        if self._count > MAX_NODES:
            raise _TooManyValuesError

    def _mapping(self, node: yaml.MappingNode, location: Location, depth: int) -> dict[str, object]:
        own: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for key, value in node.value:
            if key.tag == _MERGE_TAG:
                continue
            name = self._key(key)
            if name is None:
                continue
            if name in own:
                first = own[name][0].start_mark.line + 1
                self._report(key, f"the key {quote(name)} is defined twice", f"first defined in line {first}")
                continue
            own[name] = (key, value)
        pairs = self._merged(node, depth) | own if any(key.tag == _MERGE_TAG for key, _ in node.value) else own
        result: dict[str, object] = {}
        for name, (key, value) in pairs.items():
            place = (*location, name)
            self.keys[place] = _spot(key)
            result[name] = self.value(value, place, depth + 1)
        return result

    def _merged(self, node: yaml.MappingNode, depth: int) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        """Returns the pairs of YAML's merge key `<<`. The first of several mappings wins, own keys win over all."""
        merged: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for key, value in node.value:
            if key.tag != _MERGE_TAG:
                continue
            sources = value.value if isinstance(value, yaml.SequenceNode) else [value]
            for source in sources:
                self._count_one()
                if not isinstance(source, yaml.MappingNode) or depth > MAX_DEPTH:
                    self._report(key, "'<<' merges mappings only", "write '<<: *name' with the anchor of a mapping")
                    continue
                inner = self._merged(source, depth + 1)
                for inner_key, inner_value in source.value:
                    name = None if inner_key.tag == _MERGE_TAG else self._key(inner_key)
                    if name is not None:
                        inner[name] = (inner_key, inner_value)
                merged = inner | merged
        return merged

    def _key(self, key: yaml.Node) -> str | None:
        if not isinstance(key, yaml.ScalarNode):
            self._report(key, "a key can't be a list or a mapping", _QUOTE_HINT)
            return None
        value = self._scalar(key)
        if isinstance(value, str):
            return value
        if key.tag in _CORE_TAGS and (value is not None or key.tag.endswith(":null")):
            what = f"the key {quote(key.value)} is read by YAML as {kind(value)}"
            self._report(key, what, f'put it in quotes: "{key.value}"')
        return str(key.value)

    def _scalar(self, node: yaml.Node) -> object:
        if not isinstance(node, yaml.ScalarNode) or node.tag not in _CORE_TAGS:
            self._report(
                node, f"the YAML tag {quote(node.tag)} isn't allowed", "write plain text, numbers, lists and mappings"
            )
            return None
        try:
            value: Any = self._scalars.construct_object(node)
        except (yaml.YAMLError, ValueError, OverflowError):
            name = {"timestamp": "date"}.get(node.tag.rpartition(":")[2], "number")
            self._report(node, f"{quote(node.value)} isn't a {name}", "put it in quotes if it's meant as text")
            return None
        if isinstance(value, str) and any("\ud800" <= c <= "\udfff" for c in value):
            self._report(node, "an unpaired surrogate isn't a character", "write the character itself")
            return None
        return value

    def _report(self, node: yaml.Node, what: str, allowed: str = "") -> None:
        mark = node.start_mark
        self.problems.append(Problem(self.label, mark.line + 1, mark.column + 1, what, allowed))


def _spot(node: yaml.Node) -> Spot:
    start, end = node.start_mark, node.end_mark
    return Spot(start.line + 1, start.column + 1, start.index, end.index)
