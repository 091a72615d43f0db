"""Finding the jobs with a schedule."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from brandpress.pipeline.run.scheduled_jobs import load_schedule, load_scheduled, nothing_scheduled
from brandpress.pipeline.spec.problem import SpecError
from tests.campaigns import write_campaign


@pytest.fixture
def jobs(tmp_path: Path) -> Path:
    """A folder with the scheduled job `spring.yaml`, its brand spec, and `summer.yaml` without a schedule."""
    job = write_campaign(tmp_path / "jobs", 1, schedule={"cron": "0 3 * * MON"})
    fields = json.loads(job.read_text())
    del fields["schedule"]
    (job.parent / "summer.yaml").write_text(json.dumps(fields | {"campaign": "summer"}))
    return job.parent


def test_a_folder_gives_its_scheduled_jobs(jobs: Path) -> None:
    (jobs / "notes.txt").write_text("not a job")
    loaded = load_scheduled([jobs])
    assert [(job.path.name, job.target.campaign) for job in loaded.jobs] == [("spring.yaml", "spring")]
    assert (loaded.problems, loaded.others) == ((), 2)
    assert str(loaded.jobs[0].schedule.cron) == "0 3 * * MON"


def test_a_file_that_is_named_must_have_a_schedule(jobs: Path) -> None:
    loaded = load_scheduled([jobs / "summer.yaml", jobs / "brand.yaml", jobs / "missing.yaml", jobs / "spring.yaml"])
    assert [problem.what for problem in loaded.problems] == [
        "this job has no schedule",
        "this isn't a campaign's job, so it can't be scheduled",
        "there is no such file or folder",
    ]
    assert loaded.problems[1].allowed == "name a job's file, which has `campaign:`, or a folder with jobs"
    assert len(loaded.jobs) == 1
    with pytest.raises(SpecError, match=r'summer.yaml:1:1: this job has no schedule; write schedule: \{cron: "0 3'):
        load_schedule(jobs / "summer.yaml")


def test_a_broken_file_doesnt_stop_the_others(jobs: Path) -> None:
    (jobs / "broken.yaml").write_text('campaign: broken\nbrand: brand.yaml\nschedule: {cron: "0 3"}\n')
    loaded = load_scheduled([jobs])
    assert len(loaded.jobs) == 1
    assert any("'0 3' has 2 fields" in problem.what for problem in loaded.problems)


@pytest.mark.parametrize("path", ["missing", "missing/jobs", "a" * 300, "jobs/spring.yaml/jobs"])
def test_a_path_that_isnt_there_is_named(jobs: Path, path: str) -> None:
    (problem,) = load_scheduled([jobs.parent / path]).problems
    assert str(problem) == f"{jobs.parent / path}: there is no such file or folder"


def test_a_misspelt_schedule_is_a_problem_in_a_folder_too(jobs: Path) -> None:
    text = (jobs / "summer.yaml").read_text()
    (jobs / "summer.yaml").write_text(text.replace('"campaign"', '"shedule": {"cron": "0 3 * * *"}, "campaign"'))
    loaded = load_scheduled([jobs])
    assert len(loaded.jobs) == 1
    (problem,) = loaded.problems
    assert str(problem).startswith(f"{jobs}/summer.yaml:1:2: unknown field 'shedule'")
    assert str(problem).endswith("did you mean 'schedule'?")


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        (0, "there are no YAML files in jobs, more; folders below aren't searched"),
        (
            1,
            'the only YAML file in jobs, more has no schedule; write schedule: {cron: "0 3 * * MON",',
        ),
        (
            2,
            'none of the 2 YAML files in jobs, more has a schedule; write schedule: {cron: "0 3 * * MON",',
        ),
    ],
)
def test_nothing_scheduled_names_the_paths(others: int, expected: str) -> None:
    text = nothing_scheduled([Path("jobs"), Path("more")], others)
    assert text.startswith(f"nothing is scheduled: {expected}")


def test_two_jobs_with_one_folder_are_a_problem(jobs: Path, tmp_path: Path) -> None:
    shutil.copy(jobs / "spring.yaml", jobs / "spring-copy.yaml")
    loaded = load_scheduled([jobs])
    assert [job.path.name for job in loaded.jobs] == ["spring-copy.yaml"]
    assert "the campaign 'spring' is also scheduled by" in str(loaded.problems[0])
    assert load_scheduled([jobs / "spring.yaml", jobs / "spring.yaml"], str(tmp_path)).problems == ()
