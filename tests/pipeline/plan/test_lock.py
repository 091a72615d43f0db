"""Locks: what they hold, and how they differ from what is here now."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from brandpress.model.checkpoint.describe import ModelDescription, describe
from brandpress.model.choice import LoraChoice, ModelChoice
from brandpress.model.errors import RequestError
from brandpress.model.sampler_version import SAMPLER
from brandpress.pipeline.plan.lock import (
    Lock,
    LockedModel,
    input_differences,
    lock_file,
    lock_of,
    locked_choice,
    locked_description,
    model_differences,
    pinned,
    read_lock,
)
from brandpress.pipeline.plan.stored_file import write_stored
from brandpress.pipeline.spec.load import load_campaign
from tests.campaigns import draw_reference, plan_of, write_campaign
from tests.pipeline.plan.keys import model

COMMIT = "0123456789" * 4


@pytest.fixture
def job(tmp_path: Path) -> Path:
    return write_campaign(tmp_path, 2)


def locked(job: Path) -> Lock:
    plan = plan_of(job)
    return lock_of(plan.campaign, plan.model)


def test_a_lock_holds_all_that_planning_needs(job: Path) -> None:
    """Every field of a description, except its files; `choice` is as the job writes it."""
    names = {field.name for field in fields(ModelDescription)}
    assert LockedModel.model_fields.keys() == names - {"parts"}
    write_stored(lock_file(job), locked(job))
    lock = read_lock(job)
    assert lock is not None
    assert replace(plan_of(job).model, parts=None) == locked_description(lock, job.parent)
    assert str(job.parent) not in lock_file(job).read_text()


def test_a_composed_model_survives(corpus: Path) -> None:
    campaign = load_campaign(corpus / "good" / "composition.yaml")
    description = describe(campaign.choice, campaign.path.parent)
    lock = Lock.model_validate_json(lock_of(campaign, description).model_dump_json(by_alias=True))
    assert locked_choice(lock) == campaign.choice
    assert locked_description(lock, campaign.path.parent) == replace(description, parts=None)


def test_the_references_are_those_that_the_campaign_uses(job: Path) -> None:
    draw_reference(job.parent / "spare.png", "#000000")
    brand = json.loads((job.parent / "brand.yaml").read_text())
    brand["products"]["spare"] = {"description": "a spare", "references": ["spare.png"]}
    (job.parent / "brand.yaml").write_text(json.dumps(brand))
    assert [one.file for one in locked(job).references] == ["bottle.png", "mug.png"]


def test_a_changed_reference_differs(job: Path) -> None:
    lock = locked(job)
    assert input_differences(lock, load_campaign(job)) == ()
    draw_reference(job.parent / "mug.png", "#000000")
    [difference] = input_differences(lock, load_campaign(job))
    old = lock.references[1].sha256
    assert difference.startswith(f"reference 'mug.png': {old[:12]}…, now ")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"weights_digest": "cd" * 32}, "weights_digest: abababababab…, now cdcdcdcdcdcd…"),
        ({"sampler": "euler/9"}, f"sampler: {SAMPLER}, now euler/9"),
        ({"guidance": None}, "guidance: 4.0, now none"),
        ({"revision": COMMIT}, f"revision: none, now {COMMIT}"),
    ],
)
def test_a_changed_model_differs(change: dict[str, Any], expected: str, job: Path) -> None:
    campaign = load_campaign(job)
    lock = lock_of(campaign, model())
    assert model_differences(lock, campaign.choice, model()) == ()
    assert model_differences(lock, campaign.choice, model(**change)) == (expected,)


def test_without_files_only_the_choice_and_the_sampler_can_differ(job: Path) -> None:
    campaign = load_campaign(job)
    lock = lock_of(campaign, model())
    assert model_differences(lock, campaign.choice, None) == ()
    [difference] = model_differences(lock, ModelChoice("flux.2-dev"), None)
    assert difference == "the model's choice: locked for 'some-model', the job has 'flux.2-dev' now"
    [difference] = model_differences(lock_of(campaign, model(sampler="euler/1")), campaign.choice, None)
    assert difference.startswith("sampler: euler/1, now ")


def test_a_model_of_the_hub_is_pinned_to_the_locked_revision(job: Path) -> None:
    campaign = load_campaign(job)
    choice = ModelChoice("owner/name")
    lock = lock_of(
        replace(campaign, job=campaign.job.model_copy(update={"model": "owner/name"})), model(revision=COMMIT)
    )
    assert pinned(choice, lock) == ModelChoice(f"owner/name@{COMMIT}")
    assert locked_description(lock, job.parent).choice.base == f"owner/name@{COMMIT}"
    assert pinned(ModelChoice("owner/name@main"), lock) == ModelChoice("owner/name@main")
    assert pinned(ModelChoice("owner/name", loras=(LoraChoice("a"),)), lock).base == "owner/name"
    assert pinned(choice, None) == choice


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("weights_digest", "x"), ("steps", {"standard": 10**9}), ("guidance", 1e9), ("max_references", 1000),
        ("revision", "main"), ("reference_pixels", 10**12), ("text_length", 0), ("kv", "yes"), ("family", "x" * 2000),
    ],
)  # fmt: skip
def test_values_out_of_range_are_refused(field: str, value: object, job: Path) -> None:
    values = json.loads(locked(job).model_dump_json(by_alias=True))
    values["model"][field] = value
    lock_file(job).write_text(json.dumps(values))
    with pytest.raises(RequestError, match=rf"spring\.lock: not a valid lock .*model\.{field}"):
        read_lock(job)


def test_a_job_without_a_lock(job: Path) -> None:
    assert lock_file(job) == job.parent / "spring.lock"
    assert lock_file(Path("jobs/odd.lock")) == Path("jobs/odd.lock.lock")
    assert read_lock(job) is None
    lock_file(job).symlink_to("nowhere")
    with pytest.raises(RequestError, match=r"spring\.lock: the lock can't be read: No such file"):
        read_lock(job)
