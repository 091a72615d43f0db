"""Renders one campaign under faults: kills drivers, workers and the store until the campaign is complete."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any

from PIL import Image

from brandpress.model.errors import RequestError
from brandpress.pipeline.deliver.clean import delete_garbage, find_garbage
from brandpress.pipeline.deliver.lease import LEASE, AnotherRunError, Lease, RunLease, is_over
from brandpress.pipeline.deliver.manifest import NothingPublishedError, read_latest, read_records
from brandpress.pipeline.deliver.ownership import ForeignCampaignError, check_owner
from brandpress.pipeline.deliver.record import Record
from brandpress.pipeline.deliver.resume import read_index
from brandpress.pipeline.deliver.rollback import rollback
from brandpress.pipeline.deliver.verify import verify
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store, StoreError, sha256_hex
from tests.campaigns import write_campaign
from tests.chaos.doubles import Stored, description, doubles, stored_pictures
from tests.chaos.reader import Reader
from tests.chaos.renderer import BROKEN, JOURNAL, POISON_SCENES, picture_id, read_journal, shows
from tests.chaos.weights import SwappedWeights
from tests.processes import driver, leftover_processes, read_events, worker_pids
from tests.ray_nodes import BUSY
from tests.s3_server import S3Process

RENDERER = "tests.chaos.renderer:load"
DEADLINE = os.environ.get("CHAOS_DEADLINE", "4")
"""Seconds for a picture; more on a busy machine."""

WORKERS = "2"
UNDISTURBED_DEADLINE = "20"
MAX_RUNS = 60
MAX_UNDISTURBED_RUNS = 3
EXIT_SECONDS = 15.0
MAX_POISON_RENDERS = 3
"""Each run with --retry-failed allows one more."""


@dataclass
class Storm:
    """The statistics of one campaign.

    lost: pictures that a driver reported as done and that are missing at the end. repeated: completed renders of
    pictures beyond their first, most of them after a kill or a deletion. double: renders that began although their
    picture was in the store. silently_wrong: delivered pictures that aren't what their record says: damaged, black, or
    rendered with other weights. poison_renders: the most attempts of a poison picture. wrong: violated invariants.
    deleted: the pictures that a cleaning took away. timeline: when runs began, and what was killed when.
    """

    faults: Counter[str] = field(default_factory=Counter)
    pictures: int = 0
    runs: int = 0
    retries: int = 0
    lost: int = 0
    repeated: int = 0
    double: int = 0
    silently_wrong: int = 0
    poison_renders: int = 0
    manifests_read: int = 0
    wrong: list[str] = field(default_factory=list)
    deleted: set[Stored] = field(default_factory=set)
    timeline: list[tuple[float, str]] = field(default_factory=list)


def write_job(folder: Path, scenes: int, deliver: str, poisons: Collection[str] = tuple(POISON_SCENES)) -> Path:
    """Write a campaign of one product with `scenes` harmless pictures and the poison ones; return the job file."""
    texts = {f"s{number:02}": f"in scene {number} [sleep 0.05]" for number in range(scenes)}
    texts |= {name: f"{name} {fault}" for name, fault in POISON_SCENES.items() if name in poisons}
    return write_campaign(folder, texts, products=("mug",), deliver=deliver)


def run_undisturbed(job: Path, environment: Mapping[str, str], renderer: str = RENDERER) -> dict[str, Any]:
    """Render the campaign without faults and return the outcome that its driver reports.

    On a busy machine, Ray may fail to start; then it's tried again.
    """
    environment = {**environment, **BUSY, BROKEN: "0"}
    errors: list[str] = []
    for _ in range(MAX_UNDISTURBED_RUNS):
        with driver(job, WORKERS, renderer, "--deadline", UNDISTURBED_DEADLINE, environment=environment) as process:
            events = list(read_events(process))
            process.wait()
        outcomes = [value for kind, value in events if kind == "outcome"]
        if outcomes:
            return dict(outcomes[0])
        errors += [str(value) for kind, value in events if kind in ("error", "lost")]
    raise RuntimeError(f"the undisturbed campaign of {job} failed: {errors}")


def published_digest(folder: Store) -> str:
    """Returns the digest in the published manifest; empty if nothing is published."""
    latest = read_latest(folder)
    return latest.manifest.digest if latest else ""


def run_storm(
    job: Path,
    uri: str,
    digest: str,
    kills: list[str],
    random: Random,
    environment: Mapping[str, str],
    server: S3Process | None = None,
    renderer: str = RENDERER,
    poisons: Collection[str] = tuple(POISON_SCENES),
    others: Mapping[str, Callable[[], int]] = MappingProxyType({}),
    before_run: Callable[[], None] = lambda: None,
    weights: SwappedWeights | None = None,
) -> Storm:
    """Run drivers for `job` until it is complete, killing what `kills` lists (`worker`, `driver`, `store`), last first.

    digest: the published digest of the undisturbed campaign. environment: of the drivers, with JOURNAL. server: holds
    `uri`. poisons: the scenes that must end in quarantine. others: further faults that `kills` may list; each returns
    how many it has injected. before_run: called before each run. weights: those of the campaign, which end as they
    were; they are swapped by `others`.
    """
    storm = Storm()
    environment = {**environment, **BUSY}
    folder = open_campaign(uri, "spring")
    reported_done: set[str] = set()
    retry: tuple[str, ...] = ()
    with Reader(folder) as reader:
        for _ in range(MAX_RUNS):
            before_run()
            storm.runs += 1
            storm.timeline.append((time.time(), "a run began"))
            storm.retries += bool(retry)
            arguments = (WORKERS, renderer, "--deadline", DEADLINE, *retry)
            limit = ("--limit", str(random.randint(3, 15))) if kills and not retry and random.random() < 1 / 3 else ()
            storm.faults["run ended early"] += bool(limit)
            outcome = _run(
                job,
                (*arguments, *limit),
                kills,
                random,
                environment,
                server,
                storm,
                reported_done,
                folder,
                others or {},
            )
            if outcome is None:
                continue
            failures = [*outcome["failed"], *outcome["held_back"]]
            innocent = [failure for failure in failures if failure["name"].removeprefix("mug/") not in poisons]
            if not innocent and not outcome["counts"]["left"]:
                if weights is None or not weights.swapped:
                    break
                weights.swap()
                continue
            retry = ("--retry-failed",) if innocent and not retry and not outcome["counts"]["left"] else ()
            with suppress(RequestError, NothingPublishedError):
                rollback(folder)
                storm.faults["rollback"] += 1
        else:
            storm.wrong.append(f"incomplete after {MAX_RUNS} runs")
    storm.manifests_read = reader.manifests
    storm.wrong += reader.problems
    _check(storm, poisons, folder, digest, reported_done, Path(environment[JOURNAL]), marked=renderer == RENDERER)
    return storm


def _run(
    job: Path,
    arguments: tuple[str, ...],
    kills: list[str],
    random: Random,
    environment: Mapping[str, str],
    server: S3Process | None,
    storm: Storm,
    reported_done: set[str],
    folder: Store,
    others: Mapping[str, Callable[[], int]],
) -> dict[str, Any] | None:
    """Run one driver and inject kills; returns the outcome that it reports, None if it was killed."""
    outcome: dict[str, Any] | None = None
    wait = random.randint(1, 3)
    with driver(job, *arguments, environment=environment) as process:
        for kind, value in read_events(process):
            if kind == "done":
                reported_done.add(value)
            if kind == "outcome":
                outcome = value
            wait -= kind == "recorded"
            if kind != "recorded" or wait > 0 or not kills:
                continue
            wait = random.randint(1, 3)
            victim = kills.pop()
            storm.timeline.append((time.time(), victim))
            if victim in INTRUSIONS:
                storm.faults[victim] += 1
                storm.wrong += INTRUSIONS[victim](job, folder, storm)
                continue
            if victim in others:
                storm.faults[victim] += others[victim]()
                continue
            if victim == "driver":
                process.kill()
                storm.faults["driver killed"] += 1
                outcome = None
                break
            storm.faults[f"{victim} killed"] += _kill(victim, job, random, server)
        process.wait()
    if outcome is not None and (remaining := _remaining(job.parent)):
        storm.wrong.append(f"processes are still running: {remaining}")
    return outcome


def _clean_everything_unpublished(job: Path, folder: Store, storm: Storm) -> list[str]:
    """Cleans as a job without variants would, while pictures are being delivered."""
    begin, before = time.time(), stored_pictures(folder)
    with suppress(StoreError):  # a manifest is being written
        list(delete_garbage(folder, find_garbage(folder, [], now=time.time() + 60, keep=5, hours=0)))
    storm.deleted |= {replace(one, until=begin) for one in before - stored_pictures(folder)}
    return []


def _start_second_run(job: Path, folder: Store, storm: Storm) -> list[str]:
    """Another run must be told that one is at work."""
    try:
        data = folder.read(LEASE)
        if data is None:
            return []
        held = Lease.model_validate_json(data)
        with RunLease(folder):
            return [] if is_over(held, datetime.now(UTC)) else ["a second run was not refused"]
    except (AnotherRunError, StoreError):
        return []


def _render_from_a_copy(job: Path, folder: Store, storm: Storm) -> list[str]:
    """A job of another name must not touch the campaign."""
    copy = job.with_name("copy.yaml")
    copy.write_text(job.read_text())
    try:
        if read_latest(folder) is None:
            return []
        check_owner(folder, "northwind", copy.name)
    except (ForeignCampaignError, StoreError):
        return []
    return ["a copied job was accepted"]


INTRUSIONS: Mapping[str, Callable[[Path, Store, Storm], list[str]]] = {
    "cleaned while rendering": _clean_everything_unpublished,
    "second run": _start_second_run,
    "copied job": _render_from_a_copy,
}
"""What others do to the campaign while it is rendered. Each returns what went wrong."""


def _remaining(folder: Path) -> list[str]:
    """Returns the drivers and workers that haven't ended after EXIT_SECONDS.

    Ray's own processes, and workers that are still starting, may take a minute to notice that their driver was killed.
    """
    end = time.monotonic() + EXIT_SECONDS
    while (
        remaining := [command for command in leftover_processes(folder) if _is_driver_or_worker(command)]
    ) and time.monotonic() < end:
        time.sleep(0.2)
    return remaining


def _is_driver_or_worker(command: str) -> bool:
    return "tests.drive" in command or command.startswith("ray::Worker")


def _kill(victim: str, job: Path, random: Random, server: S3Process | None) -> int:
    if victim == "store":
        assert server is not None
        server.kill()
        server.start()
        return 1
    workers = worker_pids(job.parent)
    if not workers:
        return 0
    with suppress(ProcessLookupError):
        os.kill(random.choice(workers), signal.SIGKILL)
        return 1
    return 0


def _check(
    storm: Storm,
    poisons: Collection[str],
    folder: Store,
    digest: str,
    reported_done: set[str],
    journal: Path,
    *,
    marked: bool,
) -> None:
    """Compare the store with the undisturbed campaign, the drivers' reports and the journal.

    marked: whether the pictures tell the weights that they were rendered with.
    """
    if published_digest(folder) != digest:
        storm.wrong.append(f"the manifest's digest is {published_digest(folder)}, expected {digest} as without faults")
    storm.wrong += [str(problem) for problem in verify(folder).problems if problem.kind != "unknown"]
    latest = read_latest(folder)
    records = {record.name: record for record in read_records(folder, latest)} if latest else {}
    storm.lost = sum(name not in records or records[name].status != "done" for name in reported_done)
    poison_records = {name: records.get(f"mug/{name}") for name in poisons}
    for name, record in poison_records.items():
        if record is None or record.status != "quarantined":
            storm.wrong.append(f"{name} is {record and record.status}, expected quarantined")
    storm.poison_renders = max((record.attempts for record in poison_records.values() if record), default=0)
    if storm.poison_renders > MAX_POISON_RENDERS + storm.retries:
        storm.wrong.append(f"a poison picture was rendered {storm.poison_renders} times")
    storm.pictures = sum(record.status == "done" for record in records.values())
    events = read_journal(journal)
    storm.faults["picture broken"] += sum(map(len, events["broken"].values()))
    storm.repeated = sum(len(ends) - 1 for ends in events["ended"].values())
    double = doubles(events["begun"], {*storm.deleted, *stored_pictures(folder)})
    storm.double = len(double)
    storm.wrong += [description(begin, one, storm.timeline) for begin, one in double]
    recorded = read_index(folder).records().values()  # those of other weights, too
    storm.silently_wrong = sum(is_wrong(folder, record, marked=marked) for record in recorded)
    assets = set(folder.list("assets/"))
    described = {record.asset for record in recorded if record.asset is not None}
    if assets != described:
        storm.wrong.append(f"{len(described)} pictures have {len(assets)} assets")
    unknown = set(events["ended"]) - {picture_id(record.prompt, record.model.weights_digest) for record in recorded}
    if unknown:
        storm.wrong.append(f"{len(unknown)} rendered pictures aren't in the campaign")


def is_wrong(folder: Store, record: Record, *, marked: bool) -> bool:
    """Whether the picture of a done record isn't what the record says."""
    if record.status != "done" or record.asset is None:
        return False
    data = folder.read(record.asset) or b""
    if sha256_hex(data) != record.sha256 or record.render_key.encode() not in data:
        return True
    with Image.open(BytesIO(data)) as picture:
        picture.load()
        return picture.getcolors(maxcolors=1) is not None or (
            marked and not shows(picture, record.model.weights_digest)
        )
