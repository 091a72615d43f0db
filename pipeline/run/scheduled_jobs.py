"""Finds the jobs with a `schedule:` in files and folders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from brandpress.model.errors import RequestError
from brandpress.pipeline.spec.campaign import Job
from brandpress.pipeline.spec.messages import quote
from brandpress.pipeline.spec.problem import Problem, SpecError
from brandpress.pipeline.spec.schedule import Schedule
from brandpress.pipeline.spec.schema import validate_fields
from brandpress.pipeline.spec.spec_kind import spec_kind
from brandpress.pipeline.spec.target import Target, load_target
from brandpress.pipeline.spec.yaml_file import read_yaml

SUFFIXES = (".yaml", ".yml")
MAX_FILES = 10_000
NOT_A_JOB = "name a job's file, which has `campaign:`, or a folder with jobs"
EXAMPLE = 'write schedule: {cron: "0 3 * * MON", timezone: Europe/Berlin}'


@dataclass(frozen=True, slots=True)
class ScheduledJob:
    """A job's file, where it delivers, and its schedule."""

    path: Path
    target: Target
    schedule: Schedule


@dataclass(frozen=True, slots=True)
class ScheduledJobs:
    """The jobs in order of their files. problems: of files that aren't scheduled because of them. others: number of
    valid files without `schedule:`."""

    jobs: tuple[ScheduledJob, ...]
    problems: tuple[Problem, ...] = ()
    others: int = 0


def load_scheduled(paths: Iterable[Path], deliver: str | None = None) -> ScheduledJobs:
    """Returns the jobs with a schedule among `paths`: files, and the YAML files that lie directly in folders.

    In folders, files without `schedule:` are skipped; elsewhere that's a problem. deliver: an address that overrides
    that of all jobs. Raises RequestError if it's no address, or if a folder can't be read.
    """
    jobs: dict[tuple[str, str], ScheduledJob] = {}
    problems: list[Problem] = []
    others = 0
    for path, is_named in _files(paths):
        try:
            job = _load_named(path, deliver) if is_named else _load(path, deliver, required=False)
        except SpecError as error:
            problems += error.problems
            continue
        if job is None:
            others += 1
            continue
        key = (str(job.target.address), job.target.campaign)
        if key in jobs and jobs[key].path != path:
            what = f"the campaign {quote(job.target.campaign)} is also scheduled by {jobs[key].path}"
            problems.append(Problem(str(path), 1, 1, what, "give it another name, or deliver it elsewhere"))
        jobs.setdefault(key, job)
    return ScheduledJobs(tuple(jobs.values()), tuple(dict.fromkeys(problems)), others)


def load_schedule(path: Path, deliver: str | None = None) -> ScheduledJob:
    """Returns the job in a file. Raises SpecError if it has no schedule."""
    job = _load(path, deliver, required=True)
    assert job is not None  # noqa: S101 - or SpecError was raised
    return job


def nothing_scheduled(paths: Iterable[Path], others: int) -> str:
    """Returns the sentence that no job in `paths` has a schedule. others: number of their files."""
    places = ", ".join(map(str, paths))
    if not others:
        return f"nothing is scheduled: there are no YAML files in {places}; folders below aren't searched"
    files = "the only YAML file" if others == 1 else f"none of the {others:,} YAML files"
    has = "has no schedule" if others == 1 else "has a schedule"
    return f"nothing is scheduled: {files} in {places} {has}; {EXAMPLE}"


def _load_named(path: Path, deliver: str | None) -> ScheduledJob | None:
    """As `_load`, for a path that may be meant as a folder."""
    try:
        exists = path.exists()
    except OSError:
        exists = False  # its name is too long, or a folder above it can't be opened
    if not exists:
        raise SpecError([Problem(str(path), 1, 1, "there is no such file or folder", of_file=True)])
    return _load(path, deliver, required=True)


def _files(paths: Iterable[Path]) -> Iterator[tuple[Path, bool]]:
    """Yields files, and whether each is named itself instead of its folder."""
    for path in paths:
        if not _is_folder(path):
            yield path, True
            continue
        try:
            files = sorted(file for file in path.iterdir() if file.suffix in SUFFIXES and file.is_file())
        except OSError as error:
            raise RequestError(f"{path}: the folder can't be read: {error.strerror or error}") from None
        yield from ((file, False) for file in files[:MAX_FILES])


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def _load(path: Path, deliver: str | None, *, required: bool) -> ScheduledJob | None:
    document = read_yaml(path)
    if spec_kind(document.data) != "campaign":
        if not required:
            return None
        raise SpecError([document.problem((), "this isn't a campaign's job, so it can't be scheduled", NOT_A_JOB)])
    valid = validate_fields(document, Job)
    if "schedule" not in valid.values:
        raise SpecError(document.all_problems(valid.problems))
    schedule = valid.values["schedule"]
    if schedule is None:
        if required:
            raise SpecError([document.problem((), "this job has no schedule", EXAMPLE)])
        if misspelt := [problem for problem in valid.problems if "schedule" in problem.suggestion]:
            raise SpecError(document.all_problems(misspelt))
        return None
    return ScheduledJob(path, load_target(path, deliver), schedule)
