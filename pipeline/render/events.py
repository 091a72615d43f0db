"""Events of a run: what workers report to the driver, and what the driver reports to its caller."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto

from brandpress.pipeline.deliver.record import Record
from brandpress.pipeline.render.cause import Cause


@dataclass(frozen=True, slots=True)
class Planned:
    """Counts of variants, sent before anything starts. held_back: quarantined by an earlier run and not retried."""

    planned: int
    done: int
    todo: int
    held_back: int = 0


@dataclass(frozen=True, slots=True)
class Warned:
    """A problem that doesn't stop the run."""

    text: str


@dataclass(frozen=True, slots=True)
class WorkersStarting:
    """Workers are loading the model, each on a GPU (`gpus`) or on `threads` CPU threads.

    dashboard: the URL of Ray's dashboard, if enabled. per_gpu: how many workers share a GPU.
    """

    workers: int
    gpus: bool
    threads: int
    dashboard: str | None = None
    per_gpu: int = 1


@dataclass(frozen=True, slots=True)
class WorkersPending:
    """Workers wait until Ray has resources for their processes.

    resource: what they ask for, `GPU` or `CPU`. requested: how many of it they ask for together. free, total: how many
    the cluster has.
    """

    workers: int
    resource: str
    requested: float
    free: float
    total: float


@dataclass(frozen=True, slots=True)
class WorkersLoading:
    """Workers' processes load the model, and no worker has it yet. seconds: since the first of them began."""

    workers: int
    seconds: float


@dataclass(frozen=True, slots=True)
class WorkerRunning:
    """A worker's process runs and starts to load the model. node: Ray's id of its machine. hostname: its name."""

    worker: str
    node: str
    hostname: str


@dataclass(frozen=True, slots=True)
class NodeChecked:
    """A worker's node has what the run needs."""

    worker: str


@dataclass(frozen=True, slots=True)
class WorkerLoaded:
    """A worker has loaded its model.

    host: device, torch and driver. seconds: loading time. node: Ray's id of the worker's machine, empty outside Ray.
    gpus: the GPUs that Ray assigned to it. hostname: its machine's name. version, sampler: of its brandpress.
    weights_digest: of the model's files, empty if the renderer doesn't know it.
    """

    worker: str
    host: dict[str, str]
    seconds: float
    node: str = ""
    gpus: str = ""
    hostname: str = ""
    version: str = ""
    sampler: str = ""
    weights_digest: str = ""


class Loss(Enum):
    """How a worker was lost."""

    DIED = auto()
    """Its process ended without a message."""

    NODE_LOST = auto()
    """Its whole machine is gone."""

    ENDED = auto()
    """Its messages ended in order, as they do after `stop`."""

    FAILED = auto()
    """It reported an error after which its process can't render, such as a lost device."""

    LOAD_FAILED = auto()
    """It couldn't load its model; another worker may succeed."""

    LOAD_REFUSED = auto()
    """It couldn't load its model, and every other worker would fail the same way."""

    NODE_UNFIT = auto()
    """Its node lacks something that the run needs, so no worker there may render."""


@dataclass(frozen=True, slots=True)
class WorkerLost:
    """A worker is gone or unusable. Its unfinished variants go to other workers."""

    worker: str
    cause: str
    loss: Loss = Loss.DIED
    traceback: str | None = None


@dataclass(frozen=True, slots=True)
class VariantStarted:
    """The model has received this variant. Until it is recorded, it is suspected if its worker dies.

    at: here and below, when it happened by the worker's clock, in seconds; None outside an actor. worker: here and
    below, the worker's name; the driver sets it when it passes a message on to its caller.
    """

    render_key: str
    name: str
    at: float | None = field(default=None, compare=False)
    worker: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class VariantRendered:
    """The model has finished this variant; its picture is being uploaded."""

    render_key: str
    at: float | None = field(default=None, compare=False)
    worker: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class VariantOutOfMemory:
    """The model ran out of memory for this variant alone. No record has been written."""

    render_key: str
    cause: Cause
    at: float | None = field(default=None, compare=False)
    worker: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class VariantRecorded:
    """A variant is delivered or has failed, as its record says.

    unusable: the model returned no usable picture. expected_key: the render key of the variant that was handed out,
    which the record should have; None if it isn't known.
    """

    record: Record
    unusable: bool = False
    expected_key: str | None = field(default=None, compare=False)
    worker: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class StoreBlocked:
    """The store rejects all writes, so this variant could not be recorded."""

    render_key: str
    cause: str


@dataclass(frozen=True, slots=True)
class RendererBlocked:
    """The renderer refuses every further variant of the run, as a hosted tier does whose key was rejected. This one has
    no record: the failure isn't its own."""

    render_key: str
    cause: str


@dataclass(frozen=True, slots=True)
class StoreWait:
    """The model started (True) or stopped (False) waiting for the store: to accept pictures, or to say whether it has
    one already."""

    waiting: bool
    at: float | None = field(default=None, compare=False)
    worker: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class WorkTime:
    """Seconds in which a worker had a group to render, and how many of them it spent inside the model."""

    busy: float
    model: float
    worker: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class GroupSubmitted:
    """The driver has given a worker more variants."""

    worker: str
    variants: int


@dataclass(frozen=True, slots=True)
class WorkerDismissed:
    """The driver has ended a worker, or lets it idle for the rest of the run."""

    worker: str


@dataclass(frozen=True, slots=True)
class Stopping:
    """Workers finish their current pictures and start no others: after a signal, because the store rejects all writes
    or the renderer refuses all variants (cause), or because the run has reached its budget (its limits in words)."""

    cause: str | None = None
    budget: str | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """How many of the waiting pictures the quality gate has judged."""

    done: int
    total: int


Message = (
    Warned
    | WorkerRunning
    | NodeChecked
    | WorkerLoaded
    | WorkerLost
    | VariantStarted
    | VariantRendered
    | VariantOutOfMemory
    | VariantRecorded
    | StoreBlocked
    | RendererBlocked
    | StoreWait
    | WorkTime
)
"""From a worker to the driver."""

Event = (
    Planned
    | Warned
    | WorkersStarting
    | WorkersPending
    | WorkersLoading
    | WorkerRunning
    | WorkerLoaded
    | WorkerLost
    | WorkerDismissed
    | GroupSubmitted
    | VariantStarted
    | VariantRendered
    | VariantOutOfMemory
    | VariantRecorded
    | StoreWait
    | WorkTime
    | Stopping
    | Judged
)
"""From the driver to its caller."""

OnEvent = Callable[[Event], None]
"""Called with each event of a run, in its thread."""
