"""Specs, templates and YAML that a seeded generator breaks: each is valid, or has problems with positions.

`make test` runs 2,000 cases. FUZZ_CASES sets another number and FUZZ_SEED another seed; a failing case is printed.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
import yaml

from brandpress.pipeline.plan.validate import validate
from brandpress.pipeline.spec.template import TemplateRenderError, compile_template
from brandpress.pipeline.spec.template_check import check_template
from brandpress.pipeline.spec.template_values import CHOICE_ATTRIBUTES, Named
from tests.corpus.layout import CORPUS

CASES = int(os.environ.get("FUZZ_CASES", "2000"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))
PARTS = 8
"""Tests that share the cases, so that they can run in parallel."""

FILES = [
    *(path.read_text() for path in sorted((CORPUS / "good").glob("*.yaml"))),
    (CORPUS / "northwind" / "brand.yaml").read_text(),
]
TOKENS = [
    "{", "}", "[", "]", ":", ": ", ",", "- ", "&a ", "*a", "<<: *a", "<<: [*a, *a]", "!!bool ", "!!int ", "!!float ",
    "!!timestamp ", "!!null ", "!!map ", "!!seq ", "!!str ", "!!binary ", "!x ", "!<x> ", "%YAML 1.1\n", "---\n",
    "...\n",
    "| ", "> ", "|2\n", ">-\n", "'", '"', "#", " #x", "\t", "\n", "\n  ", "\n    ", "? ", "\\", "\x00", "\ud800",
    "\ufeff",
    "\u2028", "\x85", "~", "null", "true", "no", ".inf", "-.inf", ".nan", "0x" + "f" * 5000, "1" + ":1" * 3000,
    "9" * 5000, "0" + "7" * 5000, "1e999", "1_0", "00123", "2026-01-02", "0001-01-01T00:00:00+23:59", "12:30:45",
    '"\\ud800"', '"\\ud83c\\udfd6"', '"\\0"', "x-y: ", "campaign: ", "brand: ", "../", "/etc/passwd", "a" * 3000, "é",
    "{{ ", " }}", "{% if product %}", "{% endif %}", "{#", "#}", "{{ '\\ud800' }}", "{{ " + "9" * 5000 + " }}",
    "[" * 60, "{a: " * 60, "- " * 60,
]  # fmt: skip
EXPRESSIONS = [
    "a", "b", "a.name", "a.text", "a['name']", "zz", "seed", "1", "0x1F", "1.5", "1e9", "'x'", "'\\n'", "'\\ud800'",
    "none",
    "true", "[a, 1]", "(a, b)", "9" * 5000, "1e999", "a.__class__", "self", "'%s'", "{}", "a[0]", "a()",
]  # fmt: skip
OPERATORS = [
    " + ", " - ", " ~ ", " and ", " or ", " == ", " < ", " in ", " not in ", " if a else ", " is defined or ",
    " | lower + ",
    " * ", " ** ", " // ", " % ",
]  # fmt: skip
FILTERS = [
    "lower", "upper", "slug", "trim", "title", "capitalize", "tojson", "pad(3)", "pad('x')", "pad(999)",
    "replace('a', 'b')",
    "replace(1, 2)", "replace('', 'x')", "default('x')", "default(a, a, a, a)", "default(x=1)", "trim(1)", "nope",
    "replace(*a)", "replace(**a)", "attr('x')",
]  # fmt: skip
ODD = [None, True, 0, -1, 10**30, 3.5, float("nan"), "", "*", "{{ x", "{#", "é" * 9, [], [[]], {}, {"a": {}}, "a\x00"]
VARIABLES = {"a": CHOICE_ATTRIBUTES, "b": CHOICE_ATTRIBUTES, "seed": ()}
VALUES = {"a": Named.choice("on a beach", "beach", "on a beach"), "seed": 7}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, corpus: Path) -> Path:
    root = tmp_path_factory.mktemp("fuzz")
    for name in ("northwind", "klein", "klein-base"):
        shutil.copytree(corpus / name, root / name)
    (root / "good").mkdir()
    (root / ".git").mkdir()
    return root


def broken_text(random: Random) -> str:
    """Returns a file of the corpus with tokens inserted, lines moved, or pieces removed or repeated."""
    text = random.choice(FILES)
    for _ in range(random.randint(1, 4)):
        start = random.randrange(len(text) + 1)
        end = min(len(text), start + random.choice((0, 0, 1, 5, 40)))
        match random.randrange(4):
            case 0 | 1:
                text = text[:start] + random.choice(TOKENS) + text[end:]
            case 2:
                text = text[:start] + text[start:end] * random.choice((0, 2, 50)) + text[end:]
            case _:
                lines = text.splitlines(keepends=True)
                random.shuffle(lines)
                text = "".join(lines) if random.random() < 0.2 else text
    return text


def broken_values(random: Random) -> str:
    """Returns a file of the corpus in which one value is another file's value, or odd."""
    data = yaml.safe_load(random.choice(FILES))
    for _ in range(random.randint(1, 3)):
        places = [*_places(data)]
        container, step = random.choice(places)
        other_container, other_step = random.choice(places)
        container[step] = random.choice([*ODD, other_container[other_step]])  # also into itself: an endless structure
    return yaml.safe_dump(data, allow_unicode=random.random() < 0.5)


def _places(value: object, depth: int = 0) -> list[tuple[dict[object, object] | list[object], object]]:
    if depth > 8 or not isinstance(value, dict | list):
        return []
    steps: list[object] = [*value] if isinstance(value, dict) else [*range(len(value))]
    return [(value, step) for step in steps] + [
        place
        for step in steps
        for place in _places(value[step], depth + 1)  # type: ignore[call-overload]
    ]


def expression(random: Random, depth: int = 0) -> str:
    """Returns an expression of a template, valid or not, of any depth."""
    return _expression(random, depth)[:6_000]


def _expression(random: Random, depth: int) -> str:
    if depth > 4 or random.random() < 0.3:
        return random.choice(EXPRESSIONS)
    match random.randrange(5):
        case 0:
            return expression(random, depth + 1) + f" | {random.choice(FILTERS)}" * random.choice((1, 2, 60, 2000))
        case 1:
            return random.choice(OPERATORS).join([expression(random, depth + 1)] * random.choice((2, 3, 60, 2000)))
        case 2:
            return random.choice(("not ", "-", "(")) * random.choice((1, 60, 2000)) + expression(random, depth + 1)
        case 3:
            return f"({expression(random, depth + 1)})"
        case _:
            return expression(random, depth + 1) + random.choice(
                (" if a else ", " is defined", " is nope", ".x", "[1:]")
            )


def template(random: Random) -> str:
    """Returns a template of a few pieces, at most as long as a prompt can be."""
    pieces = []
    for _ in range(random.randint(1, 4)):
        count = random.choice((1, 1, 2, 50, 300))
        pieces.append(
            random.choice(
                (
                    f"{{{{ {expression(random)} }}}}",
                    f"{{% if {expression(random)} %}}" * count + "x" + "{% endif %}" * count,
                    "{% if a %}x" + f"{{% elif {random.choice(EXPRESSIONS)} %}}y" * count + "{% endif %}",
                    "plain {text} " * count,
                    random.choice(TOKENS),
                )
            )
        )
    return "".join(pieces)[:20_000]


def check_file(folder: Path, text: str) -> None:
    is_brand = text.startswith("brand:") and "campaign:" not in text
    file = folder / ("northwind" if is_brand else "good") / "fuzz.yaml"
    file.write_text(text, encoding="utf-8", errors="surrogatepass")
    for problem in validate(file).problems:
        assert problem.line >= 1 and problem.column >= 1
        assert "this is a bug" not in problem.allowed, problem
        str(problem).encode("utf-8", "strict")


def check_source(source: str) -> None:
    errors = check_template(source, VARIABLES)
    if not errors:
        try:
            compile_template(source, VARIABLES).render(VALUES).encode()
        except TemplateRenderError:
            return


@pytest.mark.parametrize("part", [0, *(pytest.param(part, marks=pytest.mark.slow) for part in range(1, PARTS))])
def test_nothing_ends_in_a_traceback(folder: Path, part: int) -> None:
    random = Random(SEED * 1000 + part)
    makers: list[tuple[Callable[[Random], str], Callable[[str], None]]] = [
        (broken_text, lambda text: check_file(folder, text)),
        (broken_values, lambda text: check_file(folder, text)),
        (template, check_source),
        (template, check_source),
    ]
    for number in range(CASES // PARTS):
        make, check = makers[number % len(makers)]
        case = make(random)
        try:
            check(case)
        except Exception as error:
            raise AssertionError(f"case {number} of part {part}: {type(error).__name__}: {case[:2000]!r}") from error
