from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from brandpress.pipeline.spec.problem import SpecError
from brandpress.pipeline.spec.yaml_file import MAX_BYTES, MAX_NODES, read_yaml


def document(tmp_path: Path, text: str | bytes):
    file = tmp_path / "file.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_yaml(file, "file.yaml")


def failure(tmp_path: Path, text: str | bytes) -> str:
    with pytest.raises(SpecError) as raised:
        document(tmp_path, text)
    return str(raised.value)


@pytest.mark.parametrize(
    ("text", "location", "value", "key"),
    [
        ("a: 1\nb: {c: [x, yy]}\n", ("b", "c", 1), (2, 12), None),
        ("a: 1\nb: {c: [x, yy]}\n", ("b", "c"), (2, 8), (2, 5)),
        ("a:\n  - b: >\n      long\n      text\n", ("a", 0, "b"), (2, 8), (2, 5)),
        ("x: &m {p: 1}\ny:\n  <<: *m\n  q: 2\n", ("y", "p"), (1, 11), (1, 8)),
        ("\ufeffä: ü\nb: 'é'\n", ("b",), (2, 4), (2, 1)),
        ("a: 1\r\nb: 2\r\n", ("b",), (2, 4), (2, 1)),
    ],
)
def test_positions(tmp_path, text, location, value, key) -> None:
    parsed = document(tmp_path, text)
    assert (parsed.values[location].line, parsed.values[location].column) == value
    if key:
        assert (parsed.keys[location].line, parsed.keys[location].column) == key


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcXYZ -_.", max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), plain, min_size=1))
def test_values_are_those_of_safe_load(tmp_path_factory, data) -> None:
    text = yaml.safe_dump(data, allow_unicode=True)
    parsed = document(tmp_path_factory.mktemp("yaml"), text)
    assert not parsed.problems
    assert parsed.data == as_tuples(yaml.safe_load(text))


def as_tuples(value: object) -> object:
    if isinstance(value, dict):
        return {key: as_tuples(inner) for key, inner in value.items()}
    return tuple(as_tuples(inner) for inner in value) if isinstance(value, list) else value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"a: caf\xe9\n", "file.yaml:1:7: the byte 0xe9 isn't UTF-8; save the file as UTF-8"),
        (b"a: 1\nb: \x00\n", "file.yaml:2:4: the character '\\x00' isn't allowed in YAML; remove it"),
        (b"a: " + b"x" * MAX_BYTES, f"file.yaml: the file is longer than {MAX_BYTES:,} bytes"),
        (b"a: [" + b"1," * MAX_NODES + b"1]", f"file.yaml:1:1: the file has more than {MAX_NODES:,} values"),
        (b"[" * 200_000, "the values are nested too deeply"),
        (b"&a {<<: [*a, *a]}", "file.yaml:1:1: the file has more than"),
        (b"&a [*a, *a]", "the values are nested too deeply or contain themselves"),
    ],
    ids=["latin-1", "nul", "bytes", "values", "deep", "merge-bomb", "cycle"],
)
def test_hostile_files_are_rejected(tmp_path, text, message) -> None:
    assert message in failure(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "data", "problems"),
    [
        ("a: 1\na: 2\na: 3\n", {"a": 1}, ["file.yaml:2:1", "file.yaml:3:1"]),
        ("on: 1\n2: x\n~: y\n", {"on": 1, "2": "x", "~": "y"}, ["file.yaml:1:1", "file.yaml:2:1", "file.yaml:3:1"]),
        ("a: !!binary aGk=\nb: !own x\n", {"a": None, "b": None}, ["file.yaml:1:4", "file.yaml:2:4"]),
        ("{[x]: 1, b: 2}\n", {"b": 2}, ["file.yaml:1:2"]),
        ("a: 2026-02-31\n", {"a": None}, ["file.yaml:1:4"]),
        (f"a: {'9' * 5000}\n", {"a": None}, ["file.yaml:1:4"]),
        ("b: {<<: 5, c: 1}\n", {"b": {"c": 1}}, ["file.yaml:1:5"]),
    ],
)
def test_the_rest_of_a_file_stays_readable(tmp_path, text, data, problems) -> None:
    parsed = document(tmp_path, text)
    assert parsed.data == data
    assert [
        str(problem).rsplit(": ", 1)[0][: len(start)] for problem, start in zip(parsed.problems, problems, strict=True)
    ] == problems


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("x: &m {a: 1, b: 2}\ny: {<<: *m, b: 3}\n", {"a": 1, "b": 3}),
        ("x: &m {a: 1}\nz: &n {a: 2, b: 2}\ny: {<<: [*m, *n]}\n", {"a": 1, "b": 2}),
        ("x: &m {a: 1}\nz: &n {<<: *m, b: 2}\ny: {<<: *n}\n", {"a": 1, "b": 2}),
    ],
)
def test_merge_keys_mean_what_yaml_says(tmp_path, text, data) -> None:
    parsed = document(tmp_path, text)
    assert parsed.data["y"] == data == yaml.safe_load(text)["y"]
    assert not parsed.problems


def test_a_mapping_is_read_once_whatever_the_number_of_its_aliases(tmp_path: Path) -> None:
    """Otherwise a small file takes long: each alias would report all repeated keys again."""
    repeated = ", ".join(["k: 1"] * 100)
    parsed = document(tmp_path, f"a: &a {{{repeated}}}\nb: [{', '.join(['*a'] * 100)}]\nc: {{<<: *a, d: 2}}\n")
    assert len(parsed.problems) == 99
    assert parsed.data == {"a": {"k": 1}, "b": ({"k": 1},) * 100, "c": {"k": 1, "d": 2}}


def test_missing_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"none\.yaml: there is no such file$"):
        read_yaml(tmp_path / "none.yaml")
    (tmp_path / "autumn.yaml").touch()
    with pytest.raises(SpecError, match=r"there is no such file; did you mean 'autumn\.yaml'\?$"):
        read_yaml(tmp_path / "autumn.yml")
    with pytest.raises(SpecError, match=f"^{re.escape(str(tmp_path))}: this is a folder, not a file; name a YAML file"):
        read_yaml(tmp_path)
