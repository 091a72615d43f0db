"""Turns PyYAML's nodes into plain values, with their positions and problems."""

from __future__ import annotations

from typing import Any

import yaml

from brandpress.pipeline.spec.document import Location, Spot
from brandpress.pipeline.spec.messages import kind, quote
from brandpress.pipeline.spec.problem import Problem
from brandpress.pipeline.spec.written import remember
from brandpress.pipeline.spec.yaml_comments import COMMENT_RULE, comment_after

MAX_DEPTH = 50
MAX_NODES = 100_000  # values, with aliases expanded
MIN_MERGED, MERGED_PER_NODE = (
    10_000,
    5,
)  # keys that a file may merge with `<<`, in all and more for each value
MAX_NUMBER = 40  # characters of a number: reading one takes time that grows with the square of its length

_CORE_TAGS = {
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "seq", "map", "timestamp")
}
EXTENSION = "x-"
"""What the names of top-level fields start with that are ignored, such as `x-defaults` with shared anchors."""

_SCALAR_TAGS = _CORE_TAGS - {"tag:yaml.org,2002:seq", "tag:yaml.org,2002:map"}
_NUMBER_TAGS = {"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}
_TEXT_TAG, _NULL_TAG = "tag:yaml.org,2002:str", "tag:yaml.org,2002:null"
_MERGE_TAG = "tag:yaml.org,2002:merge"
QUOTE_HINT = "put text that holds '{{', ': ' or ' #', or that starts with one of []{}&*!|>%@, in quotes"

_Pairs = dict[str, tuple[yaml.Node, yaml.Node]]


class TooDeepError(yaml.MarkedYAMLError):
    """Nesting past MAX_DEPTH, detected before Python's stack overflows."""


class TooManyValuesError(Exception):
    """More values than a file may have; the message says which."""

    def __init__(self, what: str = f"the file has more than {MAX_NODES:,} values with its aliases expanded") -> None:
        super().__init__(what)


class ValueBuilder:
    """Builds plain values from nodes, records their positions, and collects problems."""

    def __init__(self, label: str, text: str, nodes: int) -> None:
        self.label = label
        self._max_merged = MIN_MERGED + MERGED_PER_NODE * nodes
        self._text = text
        self.problems: list[Problem] = []
        self.values: dict[Location, Spot] = {}
        self.keys: dict[Location, Spot] = {}
        self._scalars = yaml.SafeLoader("")
        self._count = self._merged_count = 0
        self._names: dict[int, str | None] = {}
        self._merges: dict[int, _Pairs | None] = {}
        self._own_pairs: dict[int, _Pairs] = {}
        self._pairs: dict[int, _Pairs] = {}

    def value(self, node: yaml.Node, location: Location, depth: int) -> object:
        """Returns the value of a node, or None if it can't be read. Records the positions of everything below it."""
        self._count_one()
        self.values[location] = _spot(node)
        if depth > MAX_DEPTH:
            raise TooDeepError(problem_mark=node.start_mark)
        if isinstance(node, yaml.MappingNode) and node.tag in _CORE_TAGS:
            return self._mapping(node, location, depth)
        if isinstance(node, yaml.SequenceNode) and node.tag in _CORE_TAGS:
            return tuple(self.value(item, (*location, i), depth + 1) for i, item in enumerate(node.value))
        if isinstance(node, yaml.ScalarNode) and node.tag in (_TEXT_TAG, _NULL_TAG) and not _ignored(location):
            self._report_comment(node, location)
        return self._scalar(node)

    def _report_comment(self, node: yaml.ScalarNode, location: Location) -> None:
        """Reports a comment behind a text, or in the place of one, that was probably meant as part of it."""
        offset = comment_after(node, self._text)
        if offset is None or (node.tag == _NULL_TAG and node.value):
            return
        line = self._text.count("\n", 0, offset) + 1
        column = offset - self._text.rfind("\n", 0, offset)
        end = self._text.find("\n", offset)
        comment = quote(self._text[offset : len(self._text) if end < 0 else end].rstrip())
        self.problems.append(Problem(self.label, line, column, f"from here on it's a comment: {comment}", COMMENT_RULE))
        if node.tag == _NULL_TAG:  # that the value is missing isn't another problem
            self.values[location] = Spot(line, column, offset, offset)

    def _count_one(self) -> None:
        self._count += 1
        if self._count > MAX_NODES:
            raise TooManyValuesError

    def _mapping(self, node: yaml.MappingNode, location: Location, depth: int) -> dict[str, object]:
        if id(node) not in self._pairs:
            self._pairs[id(node)] = self._merged(node) | self._own(node)
        result: dict[str, object] = {}
        for name, (key, value) in self._pairs[id(node)].items():
            place = (*location, name)
            self.keys[place] = _spot(key)
            result[name] = self.value(value, place, depth + 1)
        return result

    def _own(self, node: yaml.MappingNode) -> _Pairs:
        """Returns a mapping's pairs without those of `<<`. The first of several equal keys counts, the others are
        problems. Each mapping is read once, whatever the number of its aliases."""
        if id(node) in self._own_pairs:
            return self._own_pairs[id(node)]
        own = self._own_pairs[id(node)] = {}
        for key, value in node.value:
            name = None if key.tag == _MERGE_TAG else self._key(key)
            if name is None:
                continue
            if name in own:
                first = own[name][0].start_mark.line + 1
                self._report(key, f"the key {quote(name)} is defined twice", f"first defined in line {first}")
                continue
            own[name] = (key, value)
        return own

    def _merged(self, node: yaml.MappingNode) -> _Pairs:
        """Returns the pairs of YAML's merge key `<<`. The first of several mappings wins, own keys win over all. Each
        mapping is merged once, whatever the number of its aliases."""
        if id(node) in self._merges:
            known = self._merges[id(node)]
            if known is None:  # the mapping merges itself
                raise TooManyValuesError
            return known
        self._merges[id(node)] = None
        merged: _Pairs = {}
        for key, value in node.value:
            if key.tag != _MERGE_TAG:
                continue
            for source in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                if not isinstance(source, yaml.MappingNode):
                    self._report(key, "'<<' merges mappings only", "write '<<: *name' with the anchor of a mapping")
                    continue
                self._add_missing(merged, source)
        self._merges[id(node)] = merged
        return merged

    def _add_missing(self, merged: _Pairs, source: yaml.MappingNode) -> None:
        own, inherited = self._own(source), self._merged(source)
        self._merged_count += 1 + len(own) + len(inherited)
        if self._merged_count > self._max_merged:
            raise TooManyValuesError(f"the file merges more than {self._max_merged:,} keys with '<<'")
        for name, pair in (*own.items(), *inherited.items()):
            merged.setdefault(name, pair)

    def _key(self, key: yaml.Node) -> str | None:
        """Returns a key's name, None if it has none. Reads each key once, whatever the number of its aliases."""
        if id(key) not in self._names:
            self._names[id(key)] = self._read_key(key)
        return self._names[id(key)]

    def _read_key(self, key: yaml.Node) -> str | None:
        if not isinstance(key, yaml.ScalarNode):
            self._report(key, "a key can't be a list or a mapping", QUOTE_HINT)
            return None
        value = self._scalar(key)
        if isinstance(value, str):
            return value
        if key.tag in _CORE_TAGS and (value is not None or key.tag.endswith(":null")):
            what = f"the key {quote(key.value)} is read by YAML as {kind(value)}"
            self._report(key, what, f'put it in quotes: "{key.value}"')
        return str(key.value).encode("utf-8", "replace").decode()

    def _scalar(self, node: yaml.Node) -> object:
        if not isinstance(node, yaml.ScalarNode) or node.tag not in _SCALAR_TAGS:
            self._report(
                node, f"the YAML tag {quote(node.tag)} isn't allowed", "write plain text, numbers, lists and mappings"
            )
            return None
        if node.tag in _NUMBER_TAGS and len(node.value) > MAX_NUMBER:
            what = f"the number {quote(node.value)} has {len(node.value):,} characters"
            self._report(node, what, f"allowed: at most {MAX_NUMBER}; put it in quotes if it's meant as text")
            return None
        try:
            value: Any = self._scalars.construct_object(node)
        except (yaml.YAMLError, ValueError, ArithmeticError, LookupError, AttributeError, TypeError):
            tag = node.tag.rpartition(":")[2]
            name = {"timestamp": "date", "bool": "boolean"}.get(tag, "number")
            self._report(node, f"{quote(node.value)} isn't a {name}", "put it in quotes if it's meant as text")
            return None
        if isinstance(value, str) and any("\ud800" <= c <= "\udfff" for c in value):
            try:  # JSON writes other characters as pairs of surrogates
                return value.encode("utf-16", "surrogatepass").decode("utf-16")
            except UnicodeDecodeError:
                self._report(node, "an unpaired surrogate isn't a character", "write the character itself")
                return None
        return remember(value, node.value)

    def _report(self, node: yaml.Node, what: str, allowed: str = "") -> None:
        mark = node.start_mark
        self.problems.append(Problem(self.label, mark.line + 1, mark.column + 1, what, allowed))


def _ignored(location: Location) -> bool:
    return bool(location) and str(location[0]).startswith(EXTENSION)


def _spot(node: yaml.Node) -> Spot:
    start, end = node.start_mark, node.end_mark
    return Spot(start.line + 1, start.column + 1, start.index, end.index)
