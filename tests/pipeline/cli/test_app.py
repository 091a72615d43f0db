"""The command line: exit codes, stdout and stderr, and heavy imports."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from brandpress.pipeline.cli import app as cli

Capture = pytest.CaptureFixture[str]
ROOT = Path(__file__).parents[3]


@pytest.fixture
def good(corpus: Path) -> str:
    return str(corpus / "good" / "design.yaml")


def test_validate_good_files(good: str, corpus: Path, capsys: Capture) -> None:
    brand = str(corpus / "northwind" / "brand.yaml")
    assert cli.run(["validate", good, brand]) == 0
    output = capsys.readouterr()
    assert output.out.splitlines() == [f"{good}: ok, campaign spring, 12 variants", f"{brand}: ok, brand northwind"]
    assert output.err == ""


def test_validate_prints_a_shared_problem_once(corpus: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(corpus / "bad" / "many-in-both-files")
    assert cli.run(["validate", "job.yaml", "brand.yaml"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == len(set(lines)) == 12
    assert lines[-1] == "11 problems in 2 files"


def test_validate_as_json(corpus: Path, good: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(corpus / "bad" / "wrong-product")
    assert cli.run(["validate", "job.yaml", good, "--json"]) == 1
    output = capsys.readouterr()
    values = json.loads(output.out)
    assert (values["ok"], [file["ok"] for file in values["files"]]) == (False, [False, True])
    [problem] = values["files"][0]["problems"]
    assert (problem["file"], problem["line"], problem["column"]) == ("job.yaml", 5, 13)
    assert problem["suggestion"] == "'mug'"
    assert problem["message"].startswith("job.yaml:5:13: unknown product 'mgu'; allowed: 'mug', 'bottle'")
    assert output.err == ""


def test_plan_shows_counts_and_writes_nothing(good: str, tmp_path: Path, capsys: Capture) -> None:
    assert cli.run(["plan", good, "--deliver", str(tmp_path / "out")]) == 0
    text = capsys.readouterr().out
    for part in ("spring", "northwind", "12: 0 done, 12 to render", "Apache-2.0", "3 reference sets", "mug/fox-snow"):
        assert part in text
    assert not (tmp_path / "out").exists()


def test_plan_as_json(good: str, tmp_path: Path, capsys: Capture) -> None:
    assert cli.run(["plan", good, "--deliver", str(tmp_path), "--json", "--first", "3"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert (values["variants"], values["to_render"], len(values["first"])) == (12, 12, 3)
    assert values["deliver"] == str(tmp_path)


def test_check_exits_with_2_if_there_is_work(good: str, tmp_path: Path) -> None:
    assert cli.run(["plan", good, "--deliver", str(tmp_path), "--check"]) == 2


@pytest.mark.parametrize("name", ["wrong-product", "yaml-syntax", "many-mistakes"])
def test_plan_of_a_bad_file(name: str, corpus: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(corpus / "bad" / name)
    assert cli.run(["plan", "job.yaml", "--check"]) == 1
    output = capsys.readouterr()
    expected = Path("expected.txt").read_text().splitlines()
    assert output.err.splitlines() == expected
    assert output.out == ""


def test_a_missing_model_exits_with_4(corpus: Path, tmp_path: Path, capsys: Capture) -> None:
    text = (corpus / "good" / "smallest.yaml").read_text().replace("../northwind", f"{corpus}/northwind")
    (tmp_path / "job.yaml").write_text(text.replace("../klein", "nanoo"))
    assert cli.run(["plan", str(tmp_path / "job.yaml")]) == 4
    assert "nanoo" in capsys.readouterr().err


def test_an_unreachable_store(corpus: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """`plan` works without it; `plan --check`, which needs it, exits with its error."""
    for name, value in {
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "hush",
        "AWS_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    good = str(corpus / "good" / "smallest.yaml")
    assert cli.run(["plan", good, "--deliver", "s3://assets"]) == 0
    assert "unknown" in capsys.readouterr().out
    assert cli.run(["plan", good, "--deliver", "s3://assets", "--check"]) == 4
    error = capsys.readouterr().err
    assert "assets" in error
    assert "hush" not in error


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["plan"], "Missing argument 'JOB'"),
        (["plna"], "No such command 'plna'"),
        (["plan", "x", "--chek"], "No such option"),
        (["plan", "none.yaml"], "none.yaml: there is no such file"),
        (["plan", "x.yaml", "--first", "-1"], "--first"),
        (["plan", "x.yaml", "--gpu-memory", "inf"], "Input should be less than or equal to"),
        (["plan", "x.yaml", "--gpu-memory", "nan"], "Input should be less than or equal to"),
        (["plan", "x.yaml", "--budget-money", "nan"], "Input should be less than or equal to"),
        (["plan", "x.yaml", "--budget-gpu-minutes", "nan"], "Input should be less than or equal to"),
        (["render", "x.yaml", "--deadline", "inf"], "Input should be less than or equal to"),
        (["clean", "x.yaml", "--hours", "inf"], "Input should be less than or equal to"),
        (["clean", "x.yaml", "--hours", "nan"], "Input should be less than or equal to"),
        (["validate"], "Missing argument"),
    ],
)
def test_a_wrong_command_line_exits_with_1(arguments: list[str], text: str, capsys: Capture) -> None:
    assert cli.run(arguments) == 1
    assert text in capsys.readouterr().err


def test_a_wrong_address_exits_with_1(good: str, capsys: Capture) -> None:
    assert cli.run(["plan", good, "--deliver", "gs://assets"]) == 1
    assert capsys.readouterr().err.startswith("--deliver: 'gs://' isn't a kind of store; allowed: s3://bucket/prefix")


def brandpress(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "brandpress.pipeline.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False, **options)  # type: ignore[call-overload, no-any-return]


def test_as_a_process(good: str, corpus: Path) -> None:
    assert brandpress("validate", good).returncode == 0
    bad = brandpress("validate", str(corpus / "bad" / "wrong-product" / "job.yaml"))
    assert (bad.returncode, bad.stdout) == (1, "")
    assert "Traceback" not in bad.stderr
    version = brandpress("--version")
    assert (version.returncode, version.stdout.split()[0]) == (0, "brandpress")
    without_arguments = brandpress()
    assert "validate" in without_arguments.stdout + without_arguments.stderr


def test_a_closed_pipe_is_no_error(good: str, tmp_path: Path) -> None:
    plan = f"{sys.executable} -m brandpress.pipeline.cli plan {good} --deliver {tmp_path} --json --first 12"
    completed = subprocess.run(
        ["bash", "-c", f"{plan} | head -c 1"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert (completed.stdout, completed.stderr) == ("{", "")


@pytest.mark.parametrize("arguments", [["--help"], ["validate", "<good>"], ["plan", "<good>", "--deliver", "<out>"]])
def test_heavy_packages_are_not_imported(arguments: list[str], good: str, tmp_path: Path) -> None:
    filled = [argument.replace("<good>", good).replace("<out>", str(tmp_path)) for argument in arguments]
    code = (
        "import sys; from brandpress.pipeline.cli import app; app.run(sys.argv[1:]);"
        "print([n for n in ('torch', 'ray', 'transformers', 'diffusers', 'boto3', 'numpy') if n in sys.modules])"
    )
    command = [sys.executable, "-c", code, *filled]
    completed = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert completed.stdout.splitlines()[-1] == "[]"


def test_counting_tokens_imports_neither_torch_nor_ray(corpus: Path, tmp_path: Path) -> None:
    text = (corpus / "good" / "smallest.yaml").read_text().replace("../northwind", f"{corpus}/northwind")
    (tmp_path / "job.yaml").write_text(
        text.replace("../klein", "nano").replace('"{{ product }}"', f'"{"very " * 90}{{{{ product }}}}"')
    )
    code = (
        "import sys; from brandpress.pipeline.cli import app; app.run(['plan', sys.argv[1]]);"
        "print([n for n in ('tokenizers', 'torch', 'ray') if n in sys.modules])"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "job.yaml")]
    completed = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert "1 of 1 prompts are longer than 64 tokens" in completed.stdout
    assert completed.stdout.splitlines()[-1] == "['tokenizers']"


def test_an_interrupt_exits_with_130(good: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(path: Path, *, locked: bool) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("brandpress.pipeline.plan.validate.validate", interrupted)
    assert cli.run(["validate", good]) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_an_error_that_quotes_the_store_can_not_control_the_terminal(
    good: str, tmp_path: Path, capsys: Capture
) -> None:
    lease = {"run": "a", "host": "\x1b[2Jhost", "pid": 1, "started": "2026-11-27T00:00:00Z"}
    folder = tmp_path / "out" / "spring"
    folder.mkdir(parents=True)
    expires = (datetime.now(UTC) + timedelta(seconds=80)).isoformat()
    (folder / "lease.json").write_text(json.dumps(lease | {"expires": expires}))
    assert cli.run(["render", good, "--deliver", str(tmp_path / "out")]) == 5
    error = capsys.readouterr().err
    assert "\x1b" not in error
    assert "\\x1b[2Jhost" in error
