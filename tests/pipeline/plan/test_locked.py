"""Plans without the model's files, and what happens when a model differs from its lock."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from brandpress.model.errors import CheckpointError, RequestError
from brandpress.pipeline.plan.expand import make_plan
from brandpress.pipeline.plan.lock import lock_file, lock_of
from brandpress.pipeline.plan.locked import OutdatedLockError, require_renderable
from brandpress.pipeline.plan.memory import memory_of
from brandpress.pipeline.plan.stored_file import write_stored
from brandpress.pipeline.plan.validate import validate
from brandpress.pipeline.plan.warnings import warnings_of
from brandpress.pipeline.spec.load import load_campaign
from tests.campaigns import draw_reference, plan_of, write_campaign


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """A job with its lock."""
    file = write_campaign(tmp_path, 2)
    plan = plan_of(file)
    write_stored(lock_file(file), lock_of(plan.campaign, plan.model))
    return file


def change_model(job: Path) -> None:
    """Change the model's files."""
    index = job.parent / "checkpoint" / "model_index.json"
    index.write_text(json.dumps(json.loads(index.read_text()) | {"num_inference_steps": 7}))


def test_without_the_weights_a_plan_is_the_same(job: Path) -> None:
    before = plan_of(job)
    assert before.lock is not None
    assert before.lock.missing is None
    shutil.move(job.parent / "checkpoint", job.parent / "elsewhere")
    plan = make_plan(load_campaign(job), check=True, locked=True)
    assert plan.variants == before.variants
    assert plan.lock is not None
    assert "checkpoint" in (plan.lock.missing or "")
    with pytest.raises(CheckpointError, match="checkpoint"):
        require_renderable(plan.lock)
    assert memory_of(plan) is None
    assert warnings_of(plan) == ()


def test_long_prompts_cannot_be_checked_without_the_weights(job: Path) -> None:
    shutil.rmtree(job.parent / "checkpoint")
    job.write_text(job.read_text().replace("in scene 1", "far " * 500))
    [warning] = warnings_of(plan_of(job))
    assert warning == "can't check whether prompts are too long: the model's files aren't here"


def test_without_the_weights_a_campaign_is_valid(job: Path) -> None:
    shutil.rmtree(job.parent / "checkpoint")
    assert validate(job).problems == ()
    assert validate(job, locked=True).problems == ()
    lock_file(job).unlink()
    [problem] = validate(job).problems
    assert "checkpoint" in problem.what


def test_the_capabilities_of_a_locked_model_are_checked(job: Path) -> None:
    shutil.rmtree(job.parent / "checkpoint")
    job.write_text(json.dumps(json.loads(job.read_text()) | {"negative_prompt": "blur"}))
    [problem] = validate(job).problems
    assert "takes no negative prompt" in problem.what


def test_without_weights_and_lock_the_error_says_how_to_make_one(job: Path) -> None:
    lock_file(job).unlink()
    shutil.rmtree(job.parent / "checkpoint")
    job.write_text(job.read_text().replace('"checkpoint"', '"./checkpoint"'))
    with pytest.raises(CheckpointError, match=r"run `brandpress lock .*spring\.yaml` on a machine that has them"):
        plan_of(job)


def test_a_lock_of_another_model_is_no_replacement(job: Path) -> None:
    job.write_text(job.read_text().replace('"checkpoint"', '"./other"'))
    with pytest.raises(CheckpointError, match=r"spring\.lock is of another model, 'checkpoint'"):
        plan_of(job)


def test_other_weights_are_a_warning_and_a_render_refuses_them(job: Path) -> None:
    require_renderable(plan_of(job).lock)
    change_model(job)
    plan = plan_of(job)
    [warning] = warnings_of(plan)
    assert "spring.lock is outdated (weights_digest: " in warning
    assert warning.endswith("run `brandpress lock`; `brandpress render` refuses this")
    with pytest.raises(OutdatedLockError, match=r"weights_digest.*steps.*run `brandpress lock`"):
        require_renderable(plan.lock)
    [warned] = validate(job).warnings
    assert "weights_digest" in warned.what
    [problem] = validate(job, locked=True).problems
    assert "--locked" in problem.what


def test_locked_asks_for_a_current_lock(job: Path) -> None:
    campaign = load_campaign(job)
    make_plan(campaign, locked=True)
    draw_reference(job.parent / "mug.png", "#000000")
    make_plan(load_campaign(job))
    with pytest.raises(OutdatedLockError, match=r"--locked: .*spring\.lock is outdated \(reference 'mug\.png'"):
        make_plan(load_campaign(job), locked=True)
    lock_file(job).unlink()
    with pytest.raises(OutdatedLockError, match=r"there is no .*spring\.lock; write it with `brandpress lock"):
        make_plan(campaign, locked=True)


def test_a_damaged_lock_is_reported_even_if_the_weights_are_here(job: Path) -> None:
    lock_file(job).write_text("{}")
    with pytest.raises(RequestError, match=r"spring\.lock: not a valid lock"):
        plan_of(job)
    [problem] = validate(job).problems
    assert (problem.file, problem.line) == (str(lock_file(job)), 1)
    assert problem.what.startswith("not a valid lock")


def test_a_hosted_model_needs_no_weights(job: Path) -> None:
    values = json.loads(job.read_text()) | {"model": "flux.2-pro", "size": "256x256"}
    lock_file(job).unlink()
    job.write_text(json.dumps(values))
    plan = plan_of(job)
    write_stored(lock_file(job), lock_of(plan.campaign, plan.model))
    assert make_plan(load_campaign(job), locked=True).lock is not None
