"""The reference lists every key of every `--json`, and no key that no command prints."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from brandpress.model.request import RenderRequest
from brandpress.pipeline.cli import app as cli
from brandpress.pipeline.cli.submission_output import submission_json, submissions_json
from brandpress.pipeline.deliver.choose import published_pictures
from brandpress.pipeline.deliver.delivery import deliver, file_record
from brandpress.pipeline.deliver.encode import Metadata, encode
from brandpress.pipeline.deliver.manifest import Manifest
from brandpress.pipeline.deliver.record import new_record, stamp_of
from brandpress.pipeline.deliver.resume import read_index
from brandpress.pipeline.plan.cost.prices import read_prices
from brandpress.pipeline.render.driver.picture_gate import GateOutcome
from brandpress.pipeline.render.driver.publishing import publish_index
from brandpress.pipeline.review.report.content import report_of
from brandpress.pipeline.review.report.json import report_json
from brandpress.pipeline.run.schedule_state import State, write_state
from brandpress.pipeline.run.submission import Submission
from brandpress.pipeline.store.folder import open_campaign
from tests.campaigns import draw_reference, plan_of, write_campaign
from tests.corpus.layout import lay_out
from tests.pipeline.review.page.reviewed import reviewed_pictures
from tests.reference_code import JSON_COMMANDS
from tests.reference_pages import ROOT, Step, covers, joined, paths_of, section, steps_of

STAND_IN = "tests.stand_in:load"
Outputs = dict[str, list[Any]]
"""Heading in json.md -> what the command printed."""

ONLY_IN_A_RUN = {
    *("failed[].name", "failed[].cause", "failed[].quarantined", "cache.<kind>.hits", "cache.<kind>.uses"),
    *(f"gate.{field.name}" for field in dataclasses.fields(GateOutcome)),
}
"""Keys of `render` that a run without work doesn't print; a slow test covers them."""


def printed(*arguments: object) -> Any:
    """Returns what a command prints with --json. Its exit code can be any."""
    output = StringIO()
    with redirect_stdout(output), redirect_stderr(StringIO()):
        cli.run([*map(str, arguments), "--json"], renderer=STAND_IN)
    return json.loads(output.getvalue())


def publish(job: Path, contents: Sequence[bytes] = (b"first", b"second")) -> None:
    """Publishes a job without rendering: a picture with each content, and a last variant that is held back."""
    plan = plan_of(job)
    campaign, stamp = plan.campaign, stamp_of(plan.model)
    folder = open_campaign(campaign.address, campaign.name)
    *done, last = plan.variants
    for variant, content in zip(done, contents, strict=True):
        deliver(folder, new_record(variant, stamp, "done"), variant.asset, content)
    file_record(folder, new_record(last, stamp, "quarantined", cause="its worker died", strikes=2))
    publish_index(folder, plan, stamp, read_index(folder), None)


def decided_twice(job: Path, command: str, name: str) -> list[Any]:
    """Returns what a command prints about a picture, the second time, and with --list."""
    return [printed(command, job, name), printed(command, job, name), printed(command, job, "--list")]


def decision_file(job: Path) -> Path:
    """Writes decisions about a picture that is published, and about one that has changed."""
    picture = published_pictures(open_campaign(str(job.parent / "out"), "spring"))[0]
    digests = picture.sha256, "a" * 64
    decisions = [{"name": picture.name, "sha256": sha256, "decision": "approved"} for sha256 in digests]
    file = job.with_name("decisions.yaml")
    file.write_text(json.dumps({"campaign": "spring", "decisions": decisions}))
    return file


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Outputs:
    """What the commands print about small campaigns: published ones with failures, damage, garbage and changes, and
    files with mistakes, warnings, a feed, a lock, a composed model and a hosted one."""
    tmp, corpus = tmp_path_factory.mktemp("campaign"), lay_out(tmp_path_factory.mktemp("corpus"))
    job = write_campaign(
        tmp,
        3,
        products=("mug",),
        model="nano",
        schedule={"cron": "0 3 * * *"},
        budget={"pictures": 9},
        alt="{{ product.description }} {{ scene }}",
    )
    Image.new("RGB", (96, 80), "teal").save(tmp / "mug.png", icc_profile=b"broken")
    wrong = tmp / "wrong.yaml"
    wrong.write_text(job.read_text().replace('"product": ["mug"]', '"product": ["mgu"]'))
    publish(job)
    folder = tmp / "out" / "spring"
    (folder / "assets" / "stray.0123456789abcdef.png").write_bytes(b"stray")
    now = datetime.now(UTC)
    write_state(open_campaign(str(folder.parent), folder.name), State(due=now, run="1", started=now, alive=now), None)
    marked = tmp / "marked.png"
    marked.write_bytes(encode(Image.new("RGB", (64, 64)), "png", Metadata("ab" * 32, "brandpress 0", alt="a mug")))
    done = next(file for file in (folder / "records").iterdir() if '"status":"done"' in file.read_text())
    submission = Submission("brandpress-spring-0", "spring", "RUNNING", started=now)  # a cluster takes long to start
    report = report_of(reviewed_pictures(20), [{"cause": "out of memory"}], read_prices())
    result: Outputs = {
        "brandpress init --json": [printed("init", tmp / "new")],
        "brandpress validate --json": [printed("validate", job, wrong)],
        "brandpress lock --json": [printed("lock", job)],
        "brandpress render --json": [printed("render", job)],
        "brandpress status --json": [printed("status", job)],
        "brandpress clean --json": [printed("clean", job, "--hours", 0)],
        "brandpress rollback --json": [printed("rollback", job, "--list")],
        "brandpress marks --json": [printed("marks", marked, tmp / "none.png")],
        "brandpress reproduce --json": [printed("reproduce", done, "--job", job)],
        "brandpress models --json": [printed("models"), printed("models", "--get", "nano")],
        "brandpress review --json": [printed("review", job, "--out", tmp / "page", "--upload")],
        "brandpress report --json": [report_json(report, "spring.html", ["mug/a: missing"], ["not installed"])],
        "brandpress decide --json": [printed("decide", job, decision_file(job))],
        "brandpress approve --json": decided_twice(job, "approve", "mug/scene00"),
        "brandpress reject --json": decided_twice(job, "reject", "mug/scene00"),
        "brandpress pick --json": decided_twice(job, "pick", "mug/scene01"),
        "brandpress regenerate --json": [printed("regenerate", job, "--plan-only")],
        "brandpress schedule --json": [printed("schedule", job, "--list")],
        "brandpress submit --json": [submission_json(submission)],
        "brandpress stop --json": [submission_json(submission)],
        "brandpress jobs --json": [submissions_json([submission])],
        "Errors": [printed("plan", wrong)],
    }
    job.write_text(job.read_text().replace("in scene 0", "at night"))
    draw_reference(tmp / "mug.png", "navy")
    hosted = corpus / "good" / "hosted.yaml"
    with (corpus / "shop" / "feed.csv").open("a") as feed:
        feed.write("15;;in_stock;;;;mugs\n")  # without a title, which is its description
    plans = [job, corpus / "good" / "composition.yaml", corpus / "good" / "feed.yaml", hosted]
    options = ("--gpu", "H100", "--budget-money", 1, "--select", "state:stale")
    result["brandpress plan --json"] = [*(printed("plan", one) for one in plans), printed("plan", job, *options)]
    next((folder / "assets" / "mug").iterdir()).unlink()
    result["brandpress verify --json"] = [printed("verify", job, "--repair", "--no-render")]
    return result


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Outputs:
    """What `calibrate` and `measure` print about a campaign, most of whose pictures show its reference."""
    folder = tmp_path_factory.mktemp("measured")
    job = write_campaign(folder, 4, products=("mug",), model="nano")
    noise, shown = folder / "noise.png", (folder / "mug.png").read_bytes()
    Image.effect_noise((96, 80), 60).convert("RGB").save(noise)
    publish(job, [shown, noise.read_bytes(), shown])
    return {
        "brandpress calibrate --json": [printed("calibrate", job, "--pictures", 4)],
        "brandpress measure --json": [printed("measure", job, "--only", "subject", "--no-cache")],
    }


def documented_in(heading: str) -> dict[str, tuple[Step, ...]]:
    """Returns the paths in the tables of a section of json.md, and their steps."""
    return {name: steps_of(name) for name in section("json.md", heading).rows("key")}


MEASURING = ("brandpress measure --json", "brandpress calibrate --json")
HEADINGS = [
    "Errors",
    *(
        pytest.param(f"{command} --json", marks=[pytest.mark.slow] if f"{command} --json" in MEASURING else [])
        for command in JSON_COMMANDS
    ),
]


@pytest.fixture
def outputs_of(request: pytest.FixtureRequest) -> Callable[[str], list[Any]]:
    """Returns what the commands print below a heading."""

    def find(heading: str) -> list[Any]:
        printed_below: Outputs = request.getfixturevalue("measured" if heading in MEASURING else "outputs")
        assert heading in printed_below, f"no example of `{heading}` is printed by this test"
        return printed_below[heading]

    return find


@pytest.mark.parametrize("heading", HEADINGS)
def test_every_output_starts_with_its_schema(heading: str, outputs_of: Callable[[str], list[Any]]) -> None:
    text = section("json.md", heading).text
    for value in outputs_of(heading):
        name, schema = next(iter(value.items()))
        assert name == "schema"
        assert re.fullmatch(r"brandpress\.[a-z-]+/\d+", schema)
        assert f"`{schema}`" in text


@pytest.mark.parametrize("heading", HEADINGS)
def test_every_key_is_documented(heading: str, outputs_of: Callable[[str], list[Any]]) -> None:
    lacking = undocumented(heading, outputs_of(heading))
    assert not lacking, f"{section('json.md', heading)} lacks: {', '.join(lacking)}"


@pytest.mark.parametrize("heading", HEADINGS)
def test_every_documented_key_is_printed(heading: str, outputs_of: Callable[[str], list[Any]]) -> None:
    paths = {path for value in outputs_of(heading) for path in paths_of(value)}
    not_printed = [
        name for name, steps in documented_in(heading).items() if not any(covers(steps, path) for path in paths)
    ]
    if heading == "brandpress render --json":
        not_printed = sorted(set(not_printed) - ONLY_IN_A_RUN)
    assert not not_printed, f"{section('json.md', heading)} has what isn't printed: {', '.join(not_printed)}"


def test_rollback_prints_the_headers_of_manifests(outputs: Outputs) -> None:
    (header, *_) = outputs["brandpress rollback --json"][0]["manifests"]
    names = {info.alias or name for name, info in Manifest.model_fields.items()}
    assert set(header) == names - {"parts", *Manifest.omit_default} | {"manifest"}


@pytest.mark.slow
def test_the_keys_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run with a picture and a failure prints every key of `render`, and its records have no undocumented one."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    gate = {"measures": {"noise": 0.5}}
    job = write_campaign(tmp_path, {"good": "here", "bad": "[raise]"}, products=("mug",), quality_gate=gate)
    heading = "brandpress render --json"
    outcome = printed("render", job)
    assert undocumented(heading, [outcome]) == []
    paths = set(paths_of(outcome))
    for name in ONLY_IN_A_RUN:
        assert any(covers(steps_of(name), path) for path in paths), name
    fields = section("store.md", "Record").rows("field")
    for file in (tmp_path / "out" / "spring" / "records").iterdir():
        assert set(json.loads(file.read_text())) <= set(fields)


@pytest.mark.slow
def test_what_nano_reports_about_a_picture() -> None:
    from brandpress.model.renderer import Renderer  # imports torch

    renderer = Renderer.load("nano", device="cpu")
    request = RenderRequest("a mug", references=(Image.new("RGB", (64, 64)),), width=64, height=64, steps=1)
    (rendered,) = renderer.stream([request])
    place = section("store.md", "Record")
    assert set(rendered.timings) <= set(place.rows("in `timings`"))
    assert set(rendered.cache) == set(place.rows("in `cache`"))
    assert set(renderer.host()) <= set(place.rows("in `host`"))


def undocumented(heading: str, values: list[Any]) -> list[str]:
    """Returns the paths that the section of json.md lacks."""
    documented = documented_in(heading).values()
    paths = dict.fromkeys(path for value in values for path in paths_of(value))
    lacking = [path for path in paths if not any(covers(steps, path) for steps in documented)]
    # The keys of a mapping with free keys, such as `axes.<axis>`, needn't be documented by themselves.
    return [joined(path) for path in lacking if not any(_is_above(path, steps) for steps in documented)]


def _is_above(path: tuple[Step, ...], documented: tuple[Step, ...]) -> bool:
    """Whether a path leads to a mapping of which a documented path shows the keys below a placeholder."""
    return (
        len(documented) > len(path)
        and documented[len(path) - 1].startswith("<")
        and covers(documented[: len(path)], path)
    )
