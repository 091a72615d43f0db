"""The examples of the reference: its YAML is valid, and its commands print what it shows."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
import yaml

from brandpress.pipeline.cli import app as cli
from brandpress.pipeline.plan.cost.prices import read_prices
from brandpress.pipeline.plan.validate import validate
from brandpress.pipeline.spec.brand_file import examine_brand
from brandpress.pipeline.spec.load import load_campaign
from tests.certificates import Authority
from tests.reference_pages import ROOT, Example, covers, examples, paths_of, section, steps_of

STAND_IN = "tests.stand_in:load"
BRAND, JOB = Path("specs/acme/brand.yaml"), Path("jobs/spring.yaml")
SHOP = Path("shop/brand.yaml")
EXAMPLES = examples()
FRAGMENTS = {"yaml brand fields": BRAND, "yaml campaign fields": JOB}
"""Kinds of examples that replace fields of a complete one, and its file."""

COMPLETE = ("yaml brand", "yaml campaign", "yaml prices", "yaml wrong")
"""Kinds of examples that begin with their path as a comment. Behind `csv`, the path is in the info."""

KINDS = {*COMPLETE, *FRAGMENTS, "console", "sh"}
CONSOLES = [example for example in EXAMPLES if example.info == "console"]
PAGES_WITH_CONSOLES = sorted({example.page for example in CONSOLES})
RENDERING = "$ brandpress render"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with the files that the reference shows, and the pictures that they name; the working directory."""
    (tmp_path / ".git").mkdir()
    for example in EXAMPLES:
        if example.info in COMPLETE or is_csv(example):
            file = tmp_path / file_of(example)
            file.parent.mkdir(parents=True, exist_ok=True)
            assert not file.exists(), f"{example}: another example is written to {file_of(example)}"
            file.write_text(example.text)
    authority, signing = Authority(), tmp_path / JOB.parent / "signing"
    signing.mkdir()
    (signing / "chain.pem").write_bytes(authority.issue().certificate)
    (signing / "root.pem").write_bytes(authority.certificate)
    for spec in (BRAND, SHOP):
        shutil.copytree(ROOT / "specs" / "northwind" / "references", (tmp_path / spec).parent / "references")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    return tmp_path


def file_of(example: Example) -> str:
    """Returns the path in the comment that a complete file begins with, or behind `csv`."""
    if is_csv(example):
        return example.info.split()[1]
    path = re.match(r"# (\S+\.yaml)\n", example.text)
    assert path is not None, f"{example}: a complete file begins with its path as a comment"
    return path[1]


def is_csv(example: Example) -> bool:
    return example.info.startswith("csv ")


def test_every_example_is_of_a_kind_that_is_checked() -> None:
    others = [example for example in EXAMPLES if not is_csv(example)]
    unchecked = [f"{example} ({example.info})" for example in others if example.info not in KINDS]
    assert not unchecked


@pytest.mark.parametrize("example", [one for one in EXAMPLES if one.info.startswith("yaml")], ids=str)
def test_yaml_examples_are_valid(example: Example, folder: Path) -> None:
    """A model that this machine doesn't have isn't described."""
    if example.info in FRAGMENTS:
        file = FRAGMENTS[example.info]
        fields = yaml.safe_load(example.text)
        rest = {name: value for name, value in yaml.safe_load(file.read_text()).items() if name not in fields}
        file.write_text(yaml.safe_dump(rest, sort_keys=False) + example.text)
    file = FRAGMENTS.get(example.info) or Path(file_of(example))
    if example.info == "yaml wrong":
        assert validate(file).problems
    elif example.info == "yaml prices":
        assert read_prices(file)
    elif example.info.startswith("yaml brand"):
        assert examine_brand(file).problems == ()
    else:
        points = load_campaign(file).points
        for number in re.findall(r"# (\d+) variants", example.text):
            assert len(points) == int(number)
        if yaml.safe_load(file.read_text())["model"] == "nano":
            assert validate(file).problems == ()


@pytest.mark.parametrize(
    ("kind", "page", "heading", "below"),
    [
        ("yaml brand", "brand-spec.md", "Fields", ()),
        ("yaml brand", "brand-spec.md", "Feeds", ("products",)),
        ("yaml campaign", "campaign.md", "Fields", ()),
        ("yaml prices", "prices.md", "Fields", ()),
    ],
)
def test_every_field_has_an_example(kind: str, page: str, heading: str, below: tuple[str, ...]) -> None:
    """below: where a file has the fields of the section."""
    values = [yaml.safe_load(one.text) for one in EXAMPLES if one.info in (kind, f"{kind} fields")]
    shown = {path for value in values for path in paths_of(value)}
    fields = section(page, heading).rows("field")
    lacking = [field for field in fields if not any(covers((*below, *steps_of(field)), path) for path in shown)]
    assert not lacking, f"no example shows: {', '.join(lacking)}"


@pytest.mark.parametrize("page", PAGES_WITH_CONSOLES, ids=lambda page: page.stem)
def test_commands_that_render_nothing(page: Path, folder: Path) -> None:
    """Those of a page before the first one that renders."""
    for example in CONSOLES:
        if example.page == page:
            if RENDERING in example.text:
                return
            run_console(example)


@pytest.mark.slow
@pytest.mark.parametrize(
    "page",
    [page for page in PAGES_WITH_CONSOLES if RENDERING in page.read_text()],
    ids=lambda page: page.stem,
)
def test_all_commands(page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a stand-in for the model."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    for example in CONSOLES:
        if example.page == page:
            run_console(example)


def run_console(example: Example) -> None:
    """Runs the commands of a block and compares what they print; `…` stands for any text."""
    code: int | None = None
    for command, expected in commands_of(example):
        if command == "echo $?":
            printed = f"{code}\n"
        else:
            code, printed = run(command)
        pattern = ".*".join(re.escape(part) for part in expected.strip().split("…"))
        shown = "\n".join(line.rstrip() for line in printed.strip().splitlines())
        assert re.fullmatch(pattern, shown, re.DOTALL), f"{example}: $ {command}\n{shown}"


def commands_of(example: Example) -> Iterator[tuple[str, str]]:
    """Yields (command, output) of a block with `$` in front of the commands."""
    _, *blocks = re.split(r"^\$ ", example.text, flags=re.MULTILINE)
    for block in blocks:
        command, _, output = block.partition("\n")
        yield command, output


def run(command: str) -> tuple[int, str]:
    """Returns a command's exit code, and its stdout, or its stderr if it has printed nothing else."""
    program, *arguments = shlex.split(command)
    assert program == "brandpress", command
    output, errors = StringIO(), StringIO()
    with redirect_stdout(output), redirect_stderr(errors):
        code = cli.run(arguments, renderer=STAND_IN)
    return code, output.getvalue() or errors.getvalue()


def test_placeholders_stand_for_any_text() -> None:
    """A test of this file's own comparison: a wrong output fails."""
    page = ROOT / "docs" / "reference.md"
    run_console(Example(page, 1, "console", "$ brandpress --version\nbrandpress …\n$ echo $?\n0\n"))
    with pytest.raises(AssertionError):
        run_console(Example(page, 1, "console", "$ brandpress --version\nanother …\n"))
