"""One campaign through a storm: drivers, workers and the store are killed, its calls are spoiled, until it's whole."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from brandpress.model.errors import RequestError
from brandpress.pipeline.deliver.manifest import read_latest, read_records
from brandpress.pipeline.deliver.rollback import rollback
from brandpress.pipeline.deliver.verify import verify
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store
from tests.campaigns import write_campaign
from tests.chaos.reader import Reader
from tests.chaos.renderer import BOOK, page_of, read_book
from tests.processes import driver, left_behind, told, workers_of
from tests.s3_server import S3Process

RENDERER = "tests.chaos.renderer:load"
POISONS = {"exits": "[exit]", "hangs": "[hang]", "exhausts": "[exhaust]"}
DEADLINE = "4"
WORKERS = "2"
MOST_RUNS = 60
ENDING_SECONDS = 15.0
MOST_POISON_RENDERS = 3
"""And one for each time that somebody asked to try again what had failed."""


@dataclass
class Storm:
    """What one campaign went through. lost: pictures that a driver had called done and that weren't there afterwards.
    double: renders beyond the first of a picture that ended. wrong: what mustn't be."""

    faults: Counter[str] = field(default_factory=Counter)
    pictures: int = 0
    runs: int = 0
    retries: int = 0
    lost: int = 0
    double: int = 0
    poison_renders: int = 0
    manifests_read: int = 0
    wrong: list[str] = field(default_factory=list)


def write_job(folder: Path, scenes: int, deliver: str, poisons: Collection[str] = tuple(POISONS)) -> Path:
    """A campaign of `scenes` harmless pictures of one product and the poisoned ones."""
    texts = {f"s{number:02}": f"in scene {number} [sleep 0.05]" for number in range(scenes)}
    texts |= {name: f"{name} {wish}" for name, wish in POISONS.items() if name in poisons}
    return write_campaign(folder, texts, products=("mug",), deliver=deliver)


def calm(job: Path, environment: Mapping[str, str], renderer: str = RENDERER) -> dict[str, Any]:
    """The campaign, undisturbed: what its driver says at the end."""
    with driver(job, WORKERS, renderer, "--deadline", DEADLINE, environment=environment) as process:
        outcomes = [what for kind, what in told(process) if kind == "outcome"]
        process.wait()
    return dict(outcomes[0])


def digest_in(folder: Store) -> str:
    """Of the pictures that are published."""
    latest = read_latest(folder)
    return latest.manifest.digest if latest else ""


def weather(
    job: Path,
    uri: str,
    digest: str,
    kills: list[str],
    random: Random,
    environment: Mapping[str, str],
    server: S3Process | None = None,
    renderer: str = RENDERER,
    poisons: Collection[str] = tuple(POISONS),
) -> Storm:
    """Render `job` again and again, and strike as `kills` says (`worker`, `driver`, `store`), until it's whole.

    digest: of the undisturbed campaign. environment: of the drivers, with the book. server: where `uri` is. poisons:
    the scenes of the job that must end in quarantine.
    """
    storm = Storm()
    folder = open_campaign(uri, "spring")
    done: set[str] = set()
    retry: tuple[str, ...] = ()
    with Reader(folder) as reader:
        for _ in range(MOST_RUNS):
            storm.runs += 1
            storm.retries += bool(retry)
            arguments = (WORKERS, renderer, "--deadline", DEADLINE, *retry)
            outcome = _run(job, arguments, kills, random, environment, server, storm, done)
            if outcome is None:
                continue
            failures = [*outcome["failed"], *outcome["held_back"]]
            innocent = [failure for failure in failures if failure["name"].removeprefix("mug/") not in poisons]
            if not innocent and not outcome["counts"]["left"]:
                break
            retry = ("--retry-failed",) if innocent and not retry and not outcome["counts"]["left"] else ()
            with suppress(RequestError):
                rollback(folder)
                storm.faults["rollback"] += 1
        else:
            storm.wrong.append(f"not whole after {MOST_RUNS} runs")
    storm.manifests_read = reader.manifests
    storm.wrong += reader.faults
    _judge(storm, poisons, folder, digest, done, Path(environment[BOOK]))
    return storm


def _run(
    job: Path,
    arguments: tuple[str, ...],
    kills: list[str],
    random: Random,
    environment: Mapping[str, str],
    server: S3Process | None,
    storm: Storm,
    done: set[str],
) -> dict[str, Any] | None:
    """One driver, with what befalls it; returns what it says at its end, None if it was killed."""
    outcome: dict[str, Any] | None = None
    wait = random.randint(1, 3)
    with driver(job, *arguments, environment=environment) as process:
        for kind, what in told(process):
            if kind == "done":
                done.add(what)
            if kind == "outcome":
                outcome = what
            wait -= kind == "recorded"
            if kind != "recorded" or wait > 0 or not kills:
                continue
            wait = random.randint(1, 3)
            victim = kills.pop()
            if victim == "driver":
                process.kill()
                storm.faults["driver killed"] += 1
                outcome = None
                break
            storm.faults[f"{victim} killed"] += _kill(victim, job, random, server)
        process.wait()
    if outcome is not None and (left := _remaining(job.parent)):
        storm.wrong.append(f"processes are left behind: {left}")
    return outcome


def _remaining(folder: Path) -> list[str]:
    """Drivers and workers that don't end by themselves. Ray's own processes, and those that it has only begun to make
    workers of, may take a minute to notice that their driver was killed."""
    end = time.monotonic() + ENDING_SECONDS
    while (left := [one for one in left_behind(folder) if _is_ours(one)]) and time.monotonic() < end:
        time.sleep(0.2)
    return left


def _is_ours(command: str) -> bool:
    return "tests.drive" in command or command.startswith("ray::Worker")


def _kill(victim: str, job: Path, random: Random, server: S3Process | None) -> int:
    if victim == "store":
        assert server is not None
        server.kill()
        server.start()
        return 1
    workers = workers_of(job.parent)
    if not workers:
        return 0
    with suppress(ProcessLookupError):
        os.kill(random.choice(workers), signal.SIGKILL)
        return 1
    return 0


def _judge(storm: Storm, poisons: Collection[str], folder: Store, digest: str, done: set[str], book: Path) -> None:
    """Compare what stands with what must."""
    if digest_in(folder) != digest:
        storm.wrong.append(f"the manifest's digest is {digest_in(folder)}, undisturbed it is {digest}")
    storm.wrong += [str(problem) for problem in verify(folder).problems if problem.kind != "unknown"]
    latest = read_latest(folder)
    records = {record.name: record for record in read_records(folder, latest)} if latest else {}
    storm.lost = sum(name not in records or records[name].status != "done" for name in done)
    poisoned = {name: records.get(f"mug/{name}") for name in poisons}
    for name, record in poisoned.items():
        if record is None or record.status != "quarantined":
            storm.wrong.append(f"{name} isn't quarantined but {record and record.status}")
    storm.poison_renders = max((record.attempts for record in poisoned.values() if record), default=0)
    if storm.poison_renders > MOST_POISON_RENDERS + storm.retries:
        storm.wrong.append(f"a poisoned picture was rendered {storm.poison_renders} times")
    storm.pictures = sum(record.status == "done" for record in records.values())
    ended = read_book(book)["ended"]
    storm.double = sum(count - 1 for count in ended.values())
    assets = len(list(folder.list("assets/")))
    if assets != storm.pictures:
        storm.wrong.append(f"{storm.pictures} pictures have {assets} assets")
    unknown = set(ended) - {page_of(record.prompt) for record in records.values()}
    if unknown:
        storm.wrong.append(f"{len(unknown)} pictures were rendered that the campaign hasn't got")
