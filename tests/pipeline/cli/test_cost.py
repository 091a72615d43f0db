"""The options about costs, and the question before a large run, asked on a real terminal."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from brandpress.pipeline.cli import cost
from tests.campaigns import write_campaign
from tests.pipeline.cli.test_render import run, run_json

ROOT = Path(__file__).parents[3]
RUN = """
import sys
from brandpress.pipeline.cli import app
from brandpress.pipeline.plan.cost import confirmation
confirmation.MANY_PICTURES = int(sys.argv[1])
sys.exit(app.run(sys.argv[2:], renderer="tests.stand_in:load"))
"""
TIMEOUT_SECONDS = 240


def on_terminal(answer: str, most: int, *arguments: object, **environment: str) -> tuple[int, str]:
    """Runs `render` on a terminal of its own, where questions are answered with `answer`; returns the exit code and
    what the terminal shows. most: number of pictures above which it asks."""
    command = [sys.executable, "-c", RUN, str(most), *map(str, arguments)]
    variables = {name: value for name, value in os.environ.items() if name not in ("CI", "RAY_ADDRESS")}
    path = os.pathsep.join((str(ROOT / "build" / "checkout"), str(ROOT)))
    controller, terminal = pty.openpty()
    with subprocess.Popen(
        command,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env=variables | {"PYTHONPATH": path, "TERM": "dumb"} | environment,
    ) as process:
        os.close(terminal)
        os.write(controller, answer.encode())
        shown = b""
        try:
            while block := os.read(controller, 4096):
                shown += block
        except OSError:  # the terminal has no other end any more
            pass
        os.close(controller)
        return process.wait(TIMEOUT_SECONDS), shown.decode()


def test_a_large_run_that_is_refused_renders_nothing(tmp_path: Path) -> None:
    job = write_campaign(tmp_path, 2)
    code, shown = on_terminal("n\n", 3, "render", job)
    assert code == 1
    assert "Render 4 pictures, about 0.0" in shown and " GPU minutes? [y/N]" in shown
    assert shown.rstrip().endswith("nothing was rendered")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "most", "options", "environment", "confirms"),
    [
        ("y\n", 3, (), {}, True),
        ("n\n", 3, ("-y",), {}, False),
        ("n\n", 3, ("--json",), {}, False),
        ("n\n", 3, (), {"CI": "true"}, False),
        ("n\n", 4, (), {}, False),
        ("n\n", 3, ("--limit", "3"), {}, False),
        ("n\n", 3, ("--budget-pictures", "3"), {}, False),
    ],
)
def test_who_is_asked(
    tmp_path: Path, answer: str, most: int, options: tuple[str, ...], environment: dict[str, str], confirms: bool
) -> None:
    code, shown = on_terminal(answer, most, "render", write_campaign(tmp_path, 2), *options, **environment)
    assert ("[y/N]" in shown) is confirms
    assert code == 0, shown


def test_nobody_is_asked_without_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not cost.can_ask()
    monkeypatch.delenv("CI", raising=False)
    completed = subprocess.run(
        [sys.executable, "-c", "from brandpress.pipeline.cli.cost import can_ask; print(can_ask())"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT / "build" / "checkout"), str(ROOT)))},
    )
    assert completed.stdout == "False\n"


def test_plan_shows_the_cost_and_what_exceeds_the_budget(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = write_campaign(tmp_path, 3, model="nano", size="256x256", budget={"pictures": 5})
    code, out, _ = run(capsys, "plan", job, "--gpu", "L40S", "--budget-money", 20)
    text = " ".join(out.split())
    assert code == 0
    assert (
        "GPU second" in text
        and " of them for loading the model, on L40S, by the operations of the model, not measured; " in text
    )
    assert "budget 5 pictures, 20 USD" in text
    assert "warning: the budget doesn't suffice for everything" in text
    comment = run(capsys, "plan", job, "--gpu", "L40S", "--markdown")[1]
    assert "\n- cost: `" in comment
    assert "\n- budget: `5 pictures`\n" in comment
    code, values = run_json(capsys, "plan", job, "--budget-pictures", 4)
    assert (code, values["cost"]["pictures"], values["cost"]["budget"]["pictures"]) == (0, 6, 4)
    assert (values["cost"]["basis"], values["cost"]["budget"]["exceeded"]) == ("model", ["pictures"])


@pytest.mark.usefixtures("ray")
def test_render_stops_at_the_budget_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = write_campaign(tmp_path, 3)
    code, out, err = run(capsys, "render", job, "--budget-pictures", 4)
    assert code == 0
    assert "stopping at the budget: 4 pictures" in err
    assert "4 pictures; the budget is 4 pictures\n" in out
    assert out.endswith("stopped at the budget with 2 left; run the same command again to spend as much once more\n")
    code, values = run_json(capsys, "render", job, "--budget-pictures", 1)
    assert (code, values["stopped_by"], values["counts"]["left"], values["spent"]["pictures"]) == (0, "budget", 1, 1)
    code, values = run_json(capsys, "render", job)
    assert (code, values["stopped_by"], values["counts"]["left"]) == (0, None, 0)


@pytest.mark.usefixtures("ray")
def test_what_was_rendered_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = write_campaign(tmp_path, 3)
    assert run(capsys, "render", job, "--limit", 4)[0] == 0
    code, values = run_json(capsys, "plan", job, "--gpu", "stand-in")
    assert (code, values["cost"]["basis"], values["cost"]["pictures"]) == (0, "measured", 2)
    assert values["cost"]["groups"][0]["records"] == 4
    assert values["cost"]["megabytes_basis"] == "measured"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--budget-pictures", "0"), "--budget-pictures"),
        (("--budget-money", "-1"), "--budget-money"),
        (("--budget-gpu-minutes", "nan"), "'--budget-gpu-minutes'"),
        (("--prices", "none.yaml"), "none.yaml: there is no such file"),
    ],
)
@pytest.mark.parametrize("command", ["plan", "render"])
def test_wrong_options_are_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, options: tuple[str, ...], words: str
) -> None:
    code, out, err = run(capsys, command, write_campaign(tmp_path, 1), *options)
    assert (code, out) == (1, "")
    assert words in err
    assert "Traceback" not in err


def test_own_prices_are_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text("as_of: 2026-12-01\ncurrency: EUR\ngpu_hours: {H100: 2}\n")
    job = write_campaign(tmp_path, 3, model="nano")
    code, values = run_json(capsys, "plan", job, "--gpu", "H100", "--prices", prices)
    money = values["cost"]["money"]
    assert (code, money["currency"], money["as_of"]) == (0, "EUR", "2026-12-01")
    assert money["expected"] == pytest.approx(values["cost"]["gpu_minutes"]["expected"] * 2 / 60, abs=1e-4)


def test_minutes_of_a_hosted_tier_are_a_mistake_in_the_job(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = write_campaign(tmp_path, 1, model="flux.2-pro", budget={"gpu_minutes": 5})
    code, _, err = run(capsys, "plan", job)
    assert code == 1
    assert "the model 'flux.2-pro' is a hosted model and uses no GPU here; allowed: pictures and money" in err


def test_plan_loads_neither_torch_nor_ray_for_costs(tmp_path: Path) -> None:
    job = write_campaign(tmp_path, 1, model="nano")
    code = (
        "import sys; from brandpress.pipeline.cli import app; "
        f"code = app.run(['plan', {str(job)!r}, '--json']); "
        "sys.exit(code or bool({'torch', 'ray'} & set(sys.modules)))"
    )
    variables = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT / "build" / "checkout"), str(ROOT)))}
    completed = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=False)
    assert completed.returncode == 0, completed.stderr
    assert json.loads(completed.stdout)["cost"]["device"]["kind"] in ("cpu", "gpu")
