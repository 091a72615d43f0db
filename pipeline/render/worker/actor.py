"""The Ray actor that holds a model: groups of variants in, messages out; pixels never leave it but to the store."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
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
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.render.cause import Cause, cause_of, take_cause
from brandpress.pipeline.render.events import Broken, Loaded, LoadFailed, Message
from brandpress.pipeline.render.worker.references import References
from brandpress.pipeline.render.worker.render_loop import DeviceLostError, RenderLoop
from brandpress.pipeline.spec.delivery import DeliveryAddress
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.retry import RetryPolicy

RENDERER = "brandpress.model:Renderer.load"
PARENT_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """What a worker is made from. renderer: `module:function`, called with the choice's base and what else it says;
    threads: of the CPU, for torch; workers: how many there are, and per_gpu how many share a GPU, 0 if none has one;
    hosted: a service renders; largest: the largest picture to come; compile: fuse the model's work where a compiler is
    found, None: on a GPU."""

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


class Worker:
    """One thread loads the model and renders; `events` hands what happens to the driver, in batches, until the end.

    Needs three threads of the actor: `events` holds one for the worker's life, `submit` and `stop` return at once.
    """

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self._groups: SimpleQueue[tuple[Variant, ...] | None] = SimpleQueue()
        self._messages: SimpleQueue[Message | None] = SimpleQueue()
        self._stopping = Event()
        self._references = References()

    def submit(self, variants: tuple[Variant, ...]) -> None:
        """Queue a group, whose first references are opened while the group before is rendered."""
        self._groups.put(variants)
        self._references.ahead(variants[0].references)

    def stop(self) -> None:
        """Begin no further picture; what is begun is delivered, then `events` ends."""
        self._stopping.set()
        self._groups.put(None)

    def events(self) -> Iterator[tuple[Message, ...]]:
        """Loads the model and yields what happens; call it once."""
        Thread(target=_end_with, args=(os.getppid(),), name="watch", daemon=True).start()
        Thread(target=self._run, name="render", daemon=True).start()
        while True:
            batch = [self._messages.get()]
            while not self._messages.empty():
                batch.append(self._messages.get())
            said = tuple(message for message in batch if message is not None)
            if said:
                yield said
            if len(said) < len(batch):
                return

    def _run(self) -> None:
        try:
            press = self._load()
        except Exception as error:
            final = isinstance(error, (CheckpointError, HostedError, RequestError))
            self._messages.put(LoadFailed(cause_of(error).text, final))
        else:
            cause = self._render(press)
            press.close()
            if cause is not None:
                self._messages.put(Broken(cause))
        finally:
            self._messages.put(None)

    def _render(self, press: RenderLoop) -> Cause | None:
        """Render until it's asked to stop. Returns what keeps this process from going on."""
        try:
            while (variants := self._groups.get()) is not None and not self._stopping.is_set():
                press.render(variants, self._following)
        except DeviceLostError as error:
            return error.cause
        except Exception as error:
            return take_cause(error)
        return None

    def _following(self) -> tuple[Variant, ...]:
        """The group that is queued, if one is."""
        if self._groups.empty():
            return ()
        variants = self._groups.get()
        if variants is None:
            self._groups.put(None)
        return variants or ()

    def _load(self) -> RenderLoop:
        start = time.perf_counter()
        settings = self._settings
        renderer = renderer_factory(settings.renderer)(
            settings.choice.base, **load_options(settings, _workers_here(settings))
        )
        torch = sys.modules.get("torch")
        if torch is not None:
            torch.set_num_threads(settings.threads)
        folder = open_campaign(settings.address, settings.campaign)
        retry_policy = RetryPolicy(urgent=self._stopping.is_set)
        press = RenderLoop(
            renderer, folder, settings.model, self._messages.put, self._stopping, self._references, retry_policy
        )
        gpus = os.environ.get(VISIBLE, "")
        self._messages.put(Loaded(renderer.host(), time.perf_counter() - start, _node(), gpus))
        return press


def _node() -> str:
    """Ray's id of this machine; nothing outside of Ray."""
    ray = sys.modules.get("ray")
    return str(ray.get_runtime_context().get_node_id()) if ray is not None and ray.is_initialized() else ""


def _workers_here(settings: WorkerSettings) -> int:
    """How many workers may be on this machine, and share its memory; of a hosted tier all, which share an account."""
    ray = sys.modules.get("ray")
    if settings.hosted or ray is None or not ray.is_initialized():
        return settings.workers
    found = (node["Resources"] for node in ray.nodes() if node["NodeID"] == _node())
    resources: dict[str, float] = next(found, {})
    room = (
        resources.get("GPU", 0) * settings.per_gpu if settings.per_gpu else resources.get("CPU", 0) / settings.threads
    )
    return min(settings.workers, max(1, int(room)))


def _end_with(parent: int) -> None:
    """End this process when its parent, Ray's raylet, has: a driver that is killed leaves nobody at work behind."""
    while os.getppid() == parent:
        time.sleep(PARENT_SECONDS)
    os._exit(1)


def renderer_factory(name: str) -> Callable[..., RendererProtocol]:
    """The function that `module:function` names, which loads a renderer from the path or name of a checkpoint."""
    module, _, function = name.partition(":")
    return cast(Callable[..., RendererProtocol], attrgetter(function)(import_module(module)))


def load_options(settings: WorkerSettings, workers: int) -> dict[str, Any]:
    """What is set besides a choice's base, as `Renderer.load` takes it. workers: how many share what this one uses."""
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
    }
    asked = {name: value for name, value in options.items() if value}
    return asked if settings.compile is None else asked | {"compile": settings.compile}
