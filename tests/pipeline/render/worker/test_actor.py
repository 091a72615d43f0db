"""A worker without Ray: its messages about loading, rendering and its end."""

from __future__ import annotations

import time
from dataclasses import replace
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

from brandpress.model.checkpoint.describe import describe
from brandpress.model.choice import LoraChoice, ModelChoice
from brandpress.model.memory.plan import Largest
from brandpress.model.sampler_version import SAMPLER
from brandpress.pipeline.render.events import (
    Loss,
    Message,
    VariantRecorded,
    VariantRendered,
    VariantStarted,
    WorkerLoaded,
    WorkerLost,
)
from brandpress.pipeline.render.worker.actor import RENDERER, Worker, WorkerSettings, load_options, renderer_factory
from brandpress.pipeline.render.worker.preflight import Preflight
from brandpress.pipeline.store.address import to_address
from brandpress.pipeline.version import VERSION
from tests.pipeline.deliver.records import MODEL, variant


def settings_of(tmp_path: Path, renderer: str) -> WorkerSettings:
    return WorkerSettings(renderer, ModelChoice("nano"), MODEL, to_address(str(tmp_path)), "spring", threads=1)


def worker(tmp_path: Path, renderer: str) -> Worker:
    return Worker("worker-7", settings_of(tmp_path, renderer))


def test_groups_are_rendered_in_order_until_stop(tmp_path: Path) -> None:
    actor = worker(tmp_path, "tests.stand_in:load")
    groups = [(0, 1), (2,)]
    for numbers in groups:
        actor.submit(tuple(map(variant, numbers)))
    messages: list[Message] = []
    for batch in actor.events():
        messages += batch
        if sum(isinstance(message, VariantRecorded) for message in messages) == 3:
            actor.stop()
    assert isinstance(messages[0], WorkerLoaded)
    assert messages[0].worker == "worker-7"
    started = [message.render_key for message in messages if isinstance(message, VariantStarted)]
    assert started == [variant(number).render_key for number in range(3)]
    records = [message.record for message in messages if isinstance(message, VariantRecorded)]
    assert {(record.name, record.attempts) for record in records} == {(variant(n).name, 1) for n in range(3)}


def test_after_a_device_error_it_records_finished_pictures_reports_the_error_and_ends(tmp_path: Path) -> None:
    actor = worker(tmp_path, "tests.stand_in:load")
    actor.submit((variant(0), variant(1), replace(variant(2), prompt="[lose]"), variant(3)))
    actor.submit((variant(4),))
    messages = [message for batch in actor.events() for message in batch]
    records = [message.record for message in messages if isinstance(message, VariantRecorded)]
    assert {(record.name, record.status) for record in records} == {(variant(n).name, "done") for n in range(2)}
    last = messages[-1]
    assert isinstance(last, WorkerLost)
    assert (last.worker, last.loss) == ("worker-7", Loss.FAILED)
    assert last.cause == "its process ended: RuntimeError: CUDA error: an illegal memory access was encountered"
    assert last.traceback is not None and "tests.stand_in" in last.traceback


@pytest.mark.parametrize(
    ("renderer", "cause", "loss"),
    [
        ("tests.stand_in:load_nothing", "nano: there is no checkpoint here", Loss.LOAD_REFUSED),
        ("tests.stand_in:load_without_key", "no key is set", Loss.LOAD_REFUSED),
        ("tests.nowhere:load", "ModuleNotFoundError: No module named 'tests.nowhere'", Loss.LOAD_FAILED),
    ],
)
def test_a_load_error_is_its_only_message(tmp_path: Path, renderer: str, cause: str, loss: Loss) -> None:
    assert list(worker(tmp_path, renderer).events()) == [(WorkerLost("worker-7", cause, loss),)]


def test_the_default_renderer_is_the_models() -> None:
    from brandpress.model import Renderer

    assert renderer_factory(RENDERER) == Renderer.load


@pytest.mark.parametrize(
    ("choice", "options"),
    [
        (ModelChoice("nano"), {}),
        (ModelChoice("flux.2-pro", region="eu"), {"region": "eu"}),
        (
            ModelChoice("m", "t", "v", "e", (LoraChoice("a", 0.0), LoraChoice("b")), "fp8"),
            {
                "transformer": "t",
                "vae": "v",
                "text_encoder": "e",
                "loras": [("a", 0.0), ("b", 1.0)],
                "quantise": "fp8",
            },
        ),
    ],
)
def test_load_options_of_a_model_choice(choice: ModelChoice, options: dict[str, Any]) -> None:
    settings = WorkerSettings(RENDERER, choice, MODEL, to_address("out"), "spring", threads=1)
    assert load_options(settings, 1) == options
    more = load_options(replace(settings, largest=Largest(64, 64)), 2)
    assert more == options | {"workers": 2, "largest": Largest(64, 64)}
    signature(renderer_factory(RENDERER)).bind(choice.base, **more)


def test_load_options_of_workers_that_share_a_gpu() -> None:
    settings = WorkerSettings(RENDERER, ModelChoice("nano"), MODEL, to_address("out"), "spring", threads=1)
    assert load_options(replace(settings, per_gpu=2), 4) == {"workers": 4, "per_device": 2}
    assert load_options(replace(settings, per_gpu=1), 1) == {}
    signature(renderer_factory(RENDERER)).bind("nano", workers=4, per_device=2)


def test_compile_is_passed_on_only_if_set() -> None:
    settings = WorkerSettings(RENDERER, ModelChoice("nano"), MODEL, to_address("out"), "spring", threads=1)
    assert load_options(replace(settings, compile=True), 1) == {"compile": True}
    signature(renderer_factory(RENDERER)).bind("nano", compile=True)


def test_cpu_is_passed_on_only_if_set() -> None:
    settings = WorkerSettings(RENDERER, ModelChoice("nano"), MODEL, to_address("out"), "spring", threads=1)
    assert load_options(replace(settings, use_cpu=True), 1) == {"device": "cpu"}
    signature(renderer_factory(RENDERER)).bind("nano", device="cpu")


def test_a_loaded_worker_tells_its_version_and_the_digest_of_its_weights(tmp_path: Path) -> None:
    actor = worker(tmp_path, RENDERER)
    actor.stop()
    ((loaded,),) = actor.events()
    assert isinstance(loaded, WorkerLoaded)
    assert (loaded.version, loaded.sampler) == (VERSION, SAMPLER)
    assert loaded.weights_digest == describe("nano", tmp_path).weights_digest
    assert loaded.hostname == actor.running().hostname != ""


def test_an_unfit_node_loads_no_model(tmp_path: Path) -> None:
    expected = Preflight("preflight/1", b"1", "9.9", SAMPLER)
    actor = Worker("worker-7", replace(settings_of(tmp_path, "tests.nowhere:load"), preflight=expected))
    ((lost,),) = actor.events()
    assert isinstance(lost, WorkerLost)
    assert (lost.loss, "install the same version on all nodes" in lost.cause) == (Loss.NODE_UNFIT, True)


def test_an_exit_while_loading_is_reported(tmp_path: Path) -> None:
    """It would only end the thread."""
    ((lost,),) = worker(tmp_path, "sys:exit").events()
    assert lost == WorkerLost("worker-7", "SystemExit: nano", Loss.LOAD_FAILED)


def test_messages_that_deadlines_depend_on_carry_the_workers_time(tmp_path: Path) -> None:
    actor = worker(tmp_path, "tests.stand_in:load")
    actor.submit((variant(0),))
    before, messages = time.monotonic(), list[Message]()
    for batch in actor.events():
        messages += batch
        if any(isinstance(message, VariantRecorded) for message in batch):
            actor.stop()
    times = [message.at for message in messages if isinstance(message, VariantStarted | VariantRendered)]
    assert len(times) == 2
    assert all(at is not None and before <= at <= time.monotonic() for at in times)
