"""`brandpress regenerate`, typed as a CI job types it, in the environment of GitHub Actions and without it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

from brandpress.pipeline.cli import app as cli
from tests.campaigns import plan_of, write_campaign
from tests.github_api import TOKEN, GitHub, running_github
from tests.pipeline.run.published import publish_plan

STAND_IN = "tests.stand_in:load"


@pytest.fixture
def actions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The environment of a step of GitHub Actions, without a pull request; returns the folder with its files."""
    folder = tmp_path / "runner"
    folder.mkdir()
    for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
        (folder / name).touch()
        monkeypatch.setenv(name, str(folder / name))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    monkeypatch.delenv("GITHUB_EVENT_PATH", raising=False)
    return folder


@pytest.fixture
def github(actions: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHub]:
    """The same for pull request 7, with a local server as GitHub's API."""
    with running_github() as github:
        (actions / "event.json").write_text('{"pull_request": {"number": 7}}')
        monkeypatch.setenv("GITHUB_EVENT_PATH", str(actions / "event.json"))
        monkeypatch.setenv("GITHUB_REPOSITORY", "acme/campaigns")
        monkeypatch.setenv("GITHUB_API_URL", github.url)
        monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
        yield github


def outputs(actions: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in (actions / "GITHUB_OUTPUT").read_text().splitlines())


def test_a_bad_spec_is_annotated_at_its_place(
    tmp_path: Path, actions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = write_campaign(tmp_path / "jobs", 1, sizes="64x64")
    files = {"--junit": tmp_path / "junit.xml", "--code-quality": tmp_path / "quality.json"}
    options = [str(word) for pair in files.items() for word in pair]
    assert cli.run(["regenerate", str(job), "--plan-only", *options]) == 1
    err = capsys.readouterr().err
    assert "::error file=jobs/spring.yaml,line=1,col=" in err
    assert "title=brandpress::unknown field 'sizes'" in err
    assert "unknown field 'sizes'" in (actions / "GITHUB_STEP_SUMMARY").read_text()
    assert json.loads(files["--code-quality"].read_text())[0]["location"]["path"] == "jobs/spring.yaml"
    assert 'failures="1"' in files["--junit"].read_text()
    assert outputs(actions) == {}


def test_an_error_without_a_place_is_an_annotation_too(
    tmp_path: Path, actions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = write_campaign(tmp_path / "jobs", 1)
    publish_plan(plan_of(job))
    job.rename(job.with_name("summer.yaml"))
    assert cli.run(["regenerate", str(job.with_name("summer.yaml")), "--plan-only"]) == 1
    assert "::error title=brandpress::" in capsys.readouterr().err


def test_the_plan_is_one_comment_on_the_pull_request(
    tmp_path: Path, actions: Path, github: GitHub, capsys: pytest.CaptureFixture[str]
) -> None:
    job = write_campaign(tmp_path / "jobs", 2, products=("mug",))
    arguments = ["regenerate", str(job), "--plan-only", "--comment"]
    assert cli.run(arguments) == 0
    assert capsys.readouterr().out == "2 planned: 0 done, 2 new, 0 stale\n"
    (comment,) = github.comments
    assert cli.run(["plan", str(job), "--markdown"]) == 0
    assert comment["body"] == capsys.readouterr().out
    assert comment["body"].startswith("<!-- brandpress:plan spring -->\n### brandpress plan: `spring`\n")
    assert "- `+` `mug/scene01` new" in comment["body"]
    publish_plan(plan_of(job))
    write_campaign(tmp_path / "jobs", {"scene00": "elsewhere", "scene01": "in scene 1"}, products=("mug",))
    assert cli.run(arguments) == 0
    (comment,) = github.comments
    assert "| 0 | 1 | 1 | 0 | 0 |" in comment["body"]
    assert "- `~` `mug/scene00` stale: `prompt: a mug [-in scene 0-] {+elsewhere+}`" in comment["body"]
    assert outputs(actions) == {
        "new": "0", "stale": "1", "publish": "0", "remove": "0", "rendered": "0", "failed": "0",
        "dropped": "0", "unapproved": "0", "cost": "", "manifest": "", "sheet": "",
    }  # fmt: skip
    assert not any(name in comment["body"] for name in (TOKEN, "<script"))


@pytest.mark.parametrize("mistake", ["size: [64]\n", "size: {\n", "model: nanoo\n"])
def test_mistakes_replace_the_plan_in_the_comment(
    tmp_path: Path, actions: Path, github: GitHub, monkeypatch: pytest.MonkeyPatch, mistake: str
) -> None:
    job = write_campaign(tmp_path / "jobs", 1, model="nano")
    fields = json.loads(job.read_text())
    valid = "".join(f"{name}: {json.dumps(value)}\n" for name, value in fields.items())
    broken = "".join(f"{line}\n" for line in valid.splitlines() if not line.startswith(mistake.partition(":")[0]))
    arguments = ["regenerate", str(job.rename(job.with_name("job.yaml"))), "--plan-only", "--comment"]
    job = job.with_name("job.yaml")
    job.write_text(valid)
    assert cli.run(arguments) == 0
    (actions / "GITHUB_STEP_SUMMARY").write_text("")
    job.write_text(broken + mistake)
    assert cli.run(arguments) == 1
    (comment,) = github.comments
    summary = (actions / "GITHUB_STEP_SUMMARY").read_text()
    assert comment["body"] == f"<!-- brandpress:plan spring -->\n{summary}"
    assert "The specs have problems; nothing can be rendered." in summary
    monkeypatch.delenv("GITHUB_TOKEN")
    assert cli.run(arguments) == 1
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    job.write_text(valid)
    assert cli.run(arguments) == 0
    assert "### brandpress plan: `spring`" in comment["body"]
    assert " on the machine that made this plan (" in comment["body"]
    assert len(github.comments) == 1


def test_a_pull_request_from_a_fork_gets_a_warning_instead_of_a_comment(
    tmp_path: Path, github: GitHub, capsys: pytest.CaptureFixture[str]
) -> None:
    github.refusal = 403
    assert cli.run(["regenerate", str(write_campaign(tmp_path, 1)), "--plan-only", "--comment"]) == 0
    assert "::warning title=brandpress::GitHub doesn't let this token comment (status 403)" in capsys.readouterr().err


def test_a_comment_outside_of_github_is_a_warning(
    tmp_path: Path, actions: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In GitHub Actions, a workflow that runs for something else than a pull request is none."""
    arguments = ["regenerate", str(write_campaign(tmp_path, 1)), "--plan-only", "--comment"]
    assert cli.run(arguments) == 0
    assert capsys.readouterr().err == ""
    monkeypatch.delenv("GITHUB_ACTIONS")
    assert cli.run(arguments) == 0
    assert capsys.readouterr().err == "warning: --comment: this isn't GitHub Actions, so there is no comment\n"


def test_names_cant_inject_markdown(tmp_path: Path, actions: Path) -> None:
    job = write_campaign(tmp_path, 1, products=("mug",), output={"name": "{{ product }}/@here <img> & ![x](y)"})
    assert cli.run(["regenerate", str(job), "--plan-only"]) in (0, 1)
    summary = (actions / "GITHUB_STEP_SUMMARY").read_text()
    for line in summary.splitlines():
        assert "<img>" not in line or line.count("`") == 2


def test_what_is_only_to_be_published_or_removed_is_counted(
    tmp_path: Path, actions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """New alt texts and a dropped scene, as of a feed with another price: nothing to render, and yet work."""
    write = partial(write_campaign, tmp_path, products=("mug", "bottle"))
    job = write({"beach": "on a beach", "snow": "in snow", "sea": "at sea"})
    publish_plan(plan_of(job))
    write({"beach": "on a beach", "snow": "in snow"}, alt="{{ product.description }}, 9 euros")
    assert cli.run(["plan", str(job), "--check"]) == 2
    capsys.readouterr()
    assert cli.run(["regenerate", str(job), "--plan-only"]) == 0
    assert capsys.readouterr().out == "4 planned: 4 done, 0 new, 0 stale, 4 to publish, 2 to remove\n"
    values = outputs(actions)
    assert {name: values[name] for name in ("new", "stale", "publish", "remove")} == {
        "new": "0", "stale": "0", "publish": "4", "remove": "2",
    }  # fmt: skip
    assert "4 to publish, 2 to remove" in (actions / "GITHUB_STEP_SUMMARY").read_text()
    assert cli.run(["regenerate", str(job), "--plan-only", "--json", "--select", "product:mug"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert (values["publish"], values["remove"]) == (2, 1)


def test_decisions_of_reviewers_count(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A rejected picture is stale, and seeds that aren't picked are no work."""
    names = {"name": "{{ product }}-{{ scene }}-s{{ seed }}"}
    job = write_campaign(tmp_path, 2, products=("mug",), seeds=2, output=names)
    publish_plan(plan_of(job))
    assert cli.run(["reject", str(job), "mug-scene00-s0"]) == 0
    assert cli.run(["pick", str(job), "mug-scene01-s1"]) == 0
    capsys.readouterr()
    assert cli.run(["regenerate", str(job), "--plan-only", "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert (values["new_names"], values["stale_names"]) == ([], ["mug-scene00-s0"])


@pytest.mark.usefixtures("ray")
def test_it_renders_what_is_new_or_stale_and_publishes(
    tmp_path: Path, actions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fields = {"public_url": "https://cdn.example/pictures"}
    job = write_campaign(tmp_path, {"beach": "on a beach", "snow": "in snow"}, products=("mug",), **fields)
    publish_plan(plan_of(job))
    write_campaign(
        tmp_path, {"beach": "on a wide beach", "snow": "in snow", "sea": "at sea"}, products=("mug",), **fields
    )
    sheet = tmp_path / "sheet.png"
    code = cli.run(["regenerate", str(job), "--sheet", str(sheet), "--json"], renderer=STAND_IN)
    shown = capsys.readouterr()
    assert code == 0, shown.err
    values = json.loads(shown.out)
    assert values["schema"] == "brandpress.regeneration/1"
    assert (values["new_names"], values["stale_names"]) == (["mug/sea"], ["mug/beach"])
    manifest = f"{tmp_path}/out/spring/manifests/00000002/manifest.json"
    assert outputs(actions) == {
        "new": "1", "stale": "1", "publish": "0", "remove": "0", "rendered": "2", "failed": "0",
        "dropped": "0", "unapproved": "0", "cost": "", "manifest": manifest, "sheet": str(sheet),
    }  # fmt: skip
    summary = (actions / "GITHUB_STEP_SUMMARY").read_text()
    assert summary.count('<img src="https://cdn.example/pictures/spring/assets/mug/') == 2
    assert f"Contact sheet: `{sheet}`" in summary
    assert Image.open(sheet).format == "PNG"


@pytest.mark.usefixtures("ray")
def test_failures_are_reported_and_the_exit_code_is_that_of_render(
    tmp_path: Path, actions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without GitHub: options name the files."""
    for name in ("GITHUB_ACTIONS", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name)
    job = write_campaign(tmp_path, {"good": "here", "bad": "[raise]"}, products=("mug",))
    options = [
        "--junit",
        tmp_path / "junit.xml",
        "--outputs",
        tmp_path / "out.env",
        "--summary",
        tmp_path / "summary.md",
    ]
    assert cli.run(["regenerate", str(job), *map(str, options)], renderer=STAND_IN) == 3
    assert 'name="mug/bad"' in (tmp_path / "junit.xml").read_text()
    assert "failed=1\n" in (tmp_path / "out.env").read_text()
    assert "| failed | 1 |" in (tmp_path / "summary.md").read_text()


@pytest.mark.usefixtures("ray")
def test_a_selection_and_a_budget(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = write_campaign(tmp_path, 3)
    words = ["regenerate", str(job), "--select", "product:mug"]
    assert cli.run([*words, "--plan-only"]) == 0
    assert capsys.readouterr().out == "3 planned: 0 done, 3 new, 0 stale\n"
    assert cli.run([*words, "--budget-pictures", "2", "--quiet"], renderer=STAND_IN) == 0
    shown = capsys.readouterr()
    assert "6 planned: 0 done before, 2 rendered now, 0 failed, 3 not selected, 1 left" in shown.out
    assert shown.err.endswith("stopping at the budget: 2 pictures\n")


def test_a_lock_can_be_required(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = str(write_campaign(tmp_path, 1))
    assert cli.run(["regenerate", job, "--plan-only", "--locked"]) != 0
    assert "lock" in capsys.readouterr().err
    assert cli.run(["lock", job]) == 0
    assert cli.run(["regenerate", job, "--plan-only", "--locked"]) == 0
    capsys.readouterr()
