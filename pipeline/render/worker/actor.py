"""The Ray actor that holds a model: takes groups of variants and yields messages. Pixels go only to the store."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from operator import attrgetter
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any, cast

from brandpress.model.choice import ModelChoice
from brandpress.model.errors import CheckpointError, HostedError, RequestError
from brandpress.model.memory.gpus import VISIBLE
from brandpress.model.memory.plan import Largest
from brandpress.model.request import RendererProtocol
from brandpress.pipeline.deliver.record import ModelStamp
from brandpress.pipeline.deliver.sign import load_signer
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.render.cause import Cause, cause_of, take_cause
from brandpress.pipeline.render.events import (
    Loss,
    Message,
    NodeChecked,
    StoreWait,
    VariantOutOfMemory,
    VariantRendered,
    VariantStarted,
    WorkerLoaded,
    WorkerLost,
    WorkerRunning,
)
from brandpress.pipeline.render.worker.marking import Marking
from brandpress.pipeline.render.worker.preflight import (
    Preflight,
    UnfitNodeError,
    check_node,
    node_name,
    sampler_version,
)
from brandpress.pipeline.render.worker.references import References
from brandpress.pipeline.render.worker.render_loop import DeviceLostError, RenderLoop
from brandpress.pipeline.spec.delivery import DeliveryAddress
from brandpress.pipeline.spec.provenance import SigningIdentity
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.retry import RetryPolicy
from brandpress.pipeline.store.s3_dialect import S3Dialect
from brandpress.pipeline.version import VERSION

RENDERER = "brandpress.model:Renderer.load"
PARENT_POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What all workers of a run share.

    renderer: `module:function`, called with the choice's base and `load_options`. threads: CPU threads for torch.
    workers: how many workers the run has. per_gpu: how many share a GPU; 0: they use the CPU. hosted: a hosted tier
    renders. largest: the largest picture of the run. compile: compile the model's kernels; None: only on GPUs.
    dialect: what the driver found out about the store's S3 server.
    use_cpu: render on the CPU even if the machine has a GPU. preflight: what the node must have; None: unchecked.
    signing: who signs the pictures, with the key in the worker's environment; None if nobody does. thumbnails: the
    longer side of thumbnails; None for none.
    """

    renderer: str
    choice: ModelChoice
    model: ModelStamp
    address: DeliveryAddress
    campaign: str
    threads: int
    workers: int = 1
    per_gpu: int = 0
    hosted: bool = False
    largest: Largest | None = None
    compile: bool | None = None
    dialect: S3Dialect | None = None
    use_cpu: bool = False
    preflight: Preflight | None = None
    signing: SigningIdentity | None = None
    thumbnails: int | None = None


class Worker:
    """Loads the model and renders on one thread; `events` passes messages to the driver in batches until the end.

    Needs three threads of the actor: `events` occupies one for the worker's life, `submit` and `stop` return quickly.
    """

    def __init__(self, name: str, settings: WorkerSettings) -> None:
        self._name, self._settings = name, settings
        self._groups: SimpleQueue[tuple[Variant, ...] | None] = SimpleQueue()
        self._messages: SimpleQueue[Message | None] = SimpleQueue()
        self._stopping = Event()
        self._references = References()
        self._maybe_delivered: set[str] = set()

    def running(self) -> WorkerRunning:
        """Returns where this process runs. The driver calls it to learn when a pending worker has started."""
        return WorkerRunning(self._name, _node(), node_name())

    def submit(self, variants: tuple[Variant, ...], maybe_delivered: frozenset[str] = frozenset()) -> None:
        """Queues a group and starts to open its first variant's references while the previous group renders.

        maybe_delivered: see `RenderLoop`.
        """
        self._maybe_delivered.update(maybe_delivered)
        self._groups.put(variants)
        self._references.open_ahead(variants[0].references)

    def stop(self) -> None:
        """Starts no more pictures. The current ones are delivered, then `events` ends."""
        self._stopping.set()
        self._groups.put(None)

    def events(self) -> Iterator[tuple[Message, ...]]:
        """Loads the model, renders what is submitted, and yields messages. Call it once."""
        Thread(target=_exit_with, args=(os.getppid(),), name="watch", daemon=True).start()
        Thread(target=self._run, name="render", daemon=True).start()
        while True:
            batch = [self._messages.get()]
            while not self._messages.empty():
                batch.append(self._messages.get())
            messages = tuple(message for message in batch if message is not None)
            if messages:
                yield messages
            if len(messages) < len(batch):
                return

    def _run(self) -> None:
        try:
            loop = self._load()
        except BaseException as error:  # also SystemExit, which would end this thread without a word
            self._messages.put(WorkerLost(self._name, cause_of(error).text, _load_loss(error)))
        else:
            cause = self._render(loop)
            if cause is not None:
                text = f"its process ended: {cause.text}"
                self._messages.put(WorkerLost(self._name, text, Loss.FAILED, cause.traceback))
        finally:
            self._messages.put(None)

    def _render(self, loop: RenderLoop) -> Cause | None:
        """Renders until `stop`, and waits until everything is recorded.

        Returns the error after which this process can't continue, if there was one.
        """
        cause = None
        try:
            while (variants := self._groups.get()) is not None and not self._stopping.is_set():
                loop.render(variants, self._next_group)
        except DeviceLostError as error:
            cause = error.cause
        except BaseException as error:
            cause = take_cause(error)
        try:
            loop.close()
        except Exception as error:
            cause = cause or take_cause(error)
        return cause

    def _emit(self, message: Message) -> None:
        """Sends a message, with the time of this process if the driver measures by it."""
        if isinstance(message, VariantStarted | VariantRendered | VariantOutOfMemory | StoreWait):
            message = replace(message, at=time.monotonic())
        self._messages.put(message)

    def _next_group(self) -> tuple[Variant, ...]:
        """The queued group; empty if there is none."""
        if self._groups.empty():
            return ()
        variants = self._groups.get()
        if variants is None:
            self._groups.put(None)
        return variants or ()

    def _load(self) -> RenderLoop:
        start = time.perf_counter()
        settings = self._settings
        folder = open_campaign(settings.address, settings.campaign)
        if settings.preflight is not None:
            check_node(settings.preflight, folder, hosted=settings.hosted)
            self._messages.put(NodeChecked(self._name))
        signer = None if settings.signing is None else load_signer(settings.signing)
        renderer = renderer_factory(settings.renderer)(
            settings.choice.base, **load_options(settings, _workers_on_this_node(settings))
        )
        torch = sys.modules.get("torch")
        if torch is not None:
            torch.set_num_threads(settings.threads)
        folder = open_campaign(settings.address, settings.campaign, settings.dialect)
        retry_policy = RetryPolicy(urgent=self._stopping.is_set)
        loop = RenderLoop(
            renderer,
            folder,
            settings.model,
            self._emit,
            self._stopping,
            self._references,
            retry_policy,
            Marking(settings.campaign, signer, settings.thumbnails),
            self._maybe_delivered,
            settings.threads,
        )
        gpus = os.environ.get(VISIBLE, "")
        seconds = time.perf_counter() - start
        self._messages.put(
            WorkerLoaded(
                self._name,
                renderer.host(),
                seconds,
                _node(),
                gpus,
                hostname=node_name(),
                version=VERSION,
                sampler=sampler_version(hosted=settings.hosted),
                weights_digest=getattr(getattr(renderer, "description", None), "weights_digest", ""),
            )
        )
        return loop


def _load_loss(error: BaseException) -> Loss:
    """How a worker counts as lost whose load raised this error."""
    if isinstance(error, UnfitNodeError):
        return Loss.NODE_UNFIT
    refused = isinstance(error, CheckpointError | HostedError | RequestError)
    return Loss.LOAD_REFUSED if refused else Loss.LOAD_FAILED


def _node() -> str:
    """Ray's id of this machine; empty outside Ray."""
    ray = sys.modules.get("ray")
    return str(ray.get_runtime_context().get_node_id()) if ray is not None and ray.is_initialized() else ""


def _workers_on_this_node(settings: WorkerSettings) -> int:
    """How many workers share this machine's memory at most; for a hosted tier all workers, which share an account."""
    ray = sys.modules.get("ray")
    if settings.hosted or ray is None or not ray.is_initialized():
        return settings.workers
    nodes = (node["Resources"] for node in ray.nodes() if node["NodeID"] == _node())
    resources: dict[str, float] = next(nodes, {})
    room = (
        resources.get("GPU", 0) * settings.per_gpu if settings.per_gpu else resources.get("CPU", 0) / settings.threads
    )
    return min(settings.workers, max(1, int(room)))


def _exit_with(parent: int) -> None:
    """Exits this process when its parent, Ray's raylet, is gone, so that a killed driver leaves no worker behind."""
    while os.getppid() == parent:
        time.sleep(PARENT_POLL_SECONDS)
    os._exit(1)


def renderer_factory(name: str) -> Callable[..., RendererProtocol]:
    """Returns the function `module:function`, which loads a renderer from a checkpoint's path or name."""
    module, _, function = name.partition(":")
    return cast(Callable[..., RendererProtocol], attrgetter(function)(import_module(module)))


def load_options(settings: WorkerSettings, workers: int) -> dict[str, Any]:
    """Returns the keyword arguments for `Renderer.load`. workers: how many share this worker's memory or account."""
    choice = settings.choice
    options = {
        "transformer": choice.transformer,
        "vae": choice.vae,
        "text_encoder": choice.text_encoder,
        "loras": [(lora.file, lora.scale) for lora in choice.loras],
        "quantise": choice.quantise,
        "region": choice.region,
        "workers": workers if workers > 1 else None,
        "per_device": settings.per_gpu if settings.per_gpu > 1 else None,
        "largest": settings.largest,
        "device": "cpu" if settings.use_cpu else None,
    }
    set_options = {name: value for name, value in options.items() if value}
    return set_options if settings.compile is None else set_options | {"compile": settings.compile}
