"""What happens while a campaign is rendered: messages of a worker to the driver, and of the driver to its caller."""

from __future__ import annotations

from dataclasses import dataclass

from brandpress.pipeline.deliver.record import Record
from brandpress.pipeline.render.cause import Cause


@dataclass(frozen=True, slots=True)
class Loaded:
    """A worker has its model. host: device, torch, driver; seconds: how long loading took; node: Ray's id of its
    machine, if Ray runs it; gpus: those that Ray gave it."""

    host: dict[str, str]
    seconds: float
    node: str = ""
    gpus: str = ""


@dataclass(frozen=True, slots=True)
class LoadFailed:
    """A worker couldn't load its model. final: another worker would fail alike."""

    cause: str
    final: bool


@dataclass(frozen=True, slots=True)
class Started:
    """The model has been given this variant; until it's recorded, its worker's death may be its fault."""

    render_key: str


@dataclass(frozen=True, slots=True)
class Pictured:
    """The model is done with this variant: its picture is on its way to the store."""

    render_key: str


@dataclass(frozen=True, slots=True)
class Exhausted:
    """The model had no memory for this variant, alone; it isn't recorded."""

    render_key: str
    cause: Cause


@dataclass(frozen=True, slots=True)
class Blocked:
    """The store takes nothing any more, of any variant; this one isn't recorded."""

    render_key: str
    cause: str


@dataclass(frozen=True, slots=True)
class Broken:
    """A worker can compute nothing any more, as after an error of its device. All that it had made is recorded; its
    process has to end."""

    cause: Cause


@dataclass(frozen=True, slots=True)
class StoreWait:
    """The model waits for the store to take pictures, or no longer does."""

    waiting: bool


@dataclass(frozen=True, slots=True)
class Recorded:
    """A variant is delivered or has failed, and so says its record."""

    record: Record


@dataclass(frozen=True, slots=True)
class Tally:
    """Seconds in which a worker had a group to render, and of those the seconds inside the model."""

    busy: float
    model: float


@dataclass(frozen=True, slots=True)
class Lost:
    """A worker's process is gone, or its messages ended. node: with its whole machine. died: it said no good-bye.
    broken: it said why, with a traceback."""

    cause: str
    node: bool = False
    died: bool = True
    broken: bool = False
    traceback: str | None = None


Message = Loaded | LoadFailed | Started | Pictured | Exhausted | Blocked | Broken | StoreWait | Recorded | Tally


@dataclass(frozen=True, slots=True)
class Planned:
    """Before anything starts: how many variants the campaign has, are done already, will be rendered now, and have
    failed before and are left alone."""

    planned: int
    done: int
    todo: int
    held_back: int = 0


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that a person should know and that stops nothing."""

    text: str


@dataclass(frozen=True, slots=True)
class WorkersStarting:
    """This many workers are loading the model; on GPUs or on so many threads each of the CPU. dashboard: Ray's, if one
    was asked for. per_gpu: how many share a GPU."""

    workers: int
    gpus: bool
    threads: int
    dashboard: str | None = None
    per_gpu: int = 1


@dataclass(frozen=True, slots=True)
class WorkerLoaded:
    """A worker is ready."""

    worker: str
    host: dict[str, str]
    seconds: float


@dataclass(frozen=True, slots=True)
class WorkerLost:
    """A worker's process ended, or it couldn't load its model. Its work goes to others."""

    worker: str
    cause: str


@dataclass(frozen=True, slots=True)
class VariantStarted:
    """A worker renders this variant."""

    worker: str
    name: str


@dataclass(frozen=True, slots=True)
class VariantRecorded:
    """A variant is done or has failed."""

    worker: str
    record: Record


@dataclass(frozen=True, slots=True)
class Stopping:
    """A signal asked to stop, or the store takes nothing any more (cause): what is being rendered is finished, nothing
    else is begun."""

    cause: str | None = None


Event = Planned | Warned | WorkersStarting | WorkerLoaded | WorkerLost | VariantStarted | VariantRecorded | Stopping
