"""A fake renderer for tests of dispatch, delivery and crashes. Tests of pictures use the real model.

It draws a picture from the request alone, within milliseconds. A prompt can order a fault or a delay:

- `[raise TEXT]` raises RuntimeError.
- `[exit]` ends the process.
- `[sleep S]` sleeps for S seconds; `[hang]` never returns.
- `[meet FOLDER]` waits until two workers have requests that name the folder, which is created.
- `[lose]` raises torch's error for a lost GPU; every later request in that process fails the same way.
- `[exhaust]` allocates more memory than exists.
- `[refuse]` returns a failure instead of a picture.
- `[account]` refuses it as a hosted tier does whose credits are used up.
- `[flat]` returns a black picture, and `[noise]` one of white noise, as broken models do.
- `[grain SEEDS]`, such as `[grain 0,2]`, adds grain to the pictures of these seeds, which a quality gate can block.

`[exit once FILE]`, `[lose once FILE]` and `[exhaust once FILE]` misbehave only if FILE doesn't exist, and create it.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from brandpress.model.errors import AccountError, CheckpointError, HostedError
from brandpress.model.request import Failed, Rendered, RenderRequest

EXIT_DELAY_SECONDS = 0.5
"""Wait before exiting, so that the driver has received the picture's start event; a real picture takes seconds."""

HANG_SECONDS = 100_000.0
GRAIN = 12.0
WORKERS_TIMEOUT_SECONDS = 300.0
DEVICE_LOST = (
    "CUDA error: an illegal memory access was encountered\n"
    "CUDA kernel errors might be asynchronously reported at some other API call"
)
FAULTS = r"\[(raise|exit|exhaust|sleep|hang|lose|meet)( once)? ?([^\]]*)\]"


class StandIn:
    """Implements the renderer protocol."""

    def __init__(self) -> None:
        self._prompts: set[str] = set()
        self._device_lost = False

    def prepare(self, requests: Iterable[RenderRequest]) -> None:
        """Does nothing: there is nothing to prepare."""

    def release(self) -> None:
        """Does nothing: the stand-in holds no memory."""

    def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered | Failed]:
        """Yields a picture or a failure for each request, in order."""
        for request in requests:
            start = time.perf_counter()
            if "[refuse]" in request.prompt:
                yield Failed(HostedError("the stand-in was asked to refuse"))
                continue
            if "[account]" in request.prompt:
                yield Failed(AccountError("the stand-in has no credits left"))
                continue
            self._misbehave(request.prompt)
            hit = int(request.prompt in self._prompts)
            self._prompts.add(request.prompt)
            rewritten = f"{request.prompt}, rewritten" if request.upsample else None
            yield Rendered(draw(request), {"denoise": time.perf_counter() - start}, {"text": hit}, rewritten)

    def host(self) -> dict[str, str]:
        """Returns the host fields of a record."""
        return {"device": "stand-in", "torch": "none", "driver": "none"}

    def _misbehave(self, prompt: str) -> None:
        self._device_lost = self._device_lost or has_fault(prompt, "lose")
        if self._device_lost:
            raise RuntimeError(DEVICE_LOST)
        _misbehave(prompt)


class HostedStandIn(StandIn):
    """A fake hosted tier: several requests in flight, results in order, each with a cost; failures are values."""

    in_flight = 4
    price = 4.5

    def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered | Failed]:
        in_flight_requests: deque[RenderRequest] = deque()
        for request in requests:
            in_flight_requests.append(request)
            if len(in_flight_requests) == self.in_flight:
                yield self._finish(in_flight_requests.popleft())
        while in_flight_requests:
            yield self._finish(in_flight_requests.popleft())

    def _finish(self, request: RenderRequest) -> Rendered | Failed:
        try:
            (result,) = super().stream([request])
        except RuntimeError as error:
            return Failed(HostedError(str(error)))
        return replace(result, cost=self.price) if isinstance(result, Rendered) else result


class CachingStandIn(StandIn):
    """Caches a few reference sets, as the model caches their keys and values. A cache miss takes longer than a picture.

    Its records contain cache hits and the process id.
    """

    capacity = 4
    picture_seconds, set_seconds = 0.02, 0.03

    def __init__(self) -> None:
        super().__init__()
        self._cached_sets: OrderedDict[tuple[bytes, ...], None] = OrderedDict()

    def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered | Failed]:
        for request in requests:
            self._misbehave(request.prompt)
            hit = self._is_hit(tuple(reference.tobytes() for reference in request.references))
            time.sleep(self.picture_seconds + (0 if hit else self.set_seconds))
            yield Rendered(draw(request), cache={"reference_kv": int(hit)})

    def host(self) -> dict[str, str]:
        return super().host() | {"device": f"process {os.getpid()}"}

    def _is_hit(self, reference_set: tuple[bytes, ...]) -> bool:
        hit = reference_set in self._cached_sets
        self._cached_sets[reference_set] = None
        self._cached_sets.move_to_end(reference_set)
        if len(self._cached_sets) > self.capacity:
            self._cached_sets.popitem(last=False)
        return hit


class SynchronisedStandIn(CachingStandIn):
    """Renders nothing until every worker of the run has work, so that slow starts don't change who renders what."""

    def __init__(self, workers: int) -> None:
        super().__init__()
        self._workers = workers

    def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered | Failed]:
        """Waits until every worker has called `stream`, then renders."""
        wait_for_workers(self._workers)
        yield from super().stream(requests)


def wait_for_workers(workers: int, markers: Path | None = None) -> None:
    """Waits until this many workers of the driver have called this function.

    markers: the folder by which they find each other, with a file for each of them; default: one beside the job.
    """
    markers = markers or Path(os.environ["DRIVER_OF"]).parent / "workers"
    markers.mkdir(exist_ok=True)
    (markers / str(os.getpid())).touch()
    deadline = time.monotonic() + WORKERS_TIMEOUT_SECONDS
    while len(list(markers.iterdir())) < workers:
        if time.monotonic() > deadline:
            raise RuntimeError(f"not all {workers} workers had work within {WORKERS_TIMEOUT_SECONDS:.0f} s")
        time.sleep(0.05)


class FailingStandIn(StandIn):
    """Returns failures only."""

    def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered | Failed]:
        """Yields a failure for each request, in order."""
        for _ in requests:
            yield Failed(HostedError("the stand-in renders nothing today"))


def load_failing(base: str, **options: object) -> FailingStandIn:
    """Returns a stand-in that fails."""
    return FailingStandIn()


def load_synchronised(base: str, workers: int, **options: object) -> SynchronisedStandIn:
    """Returns a renderer that caches reference sets and waits until all workers of the run have work."""
    return SynchronisedStandIn(workers)


def load_caching(base: str, **options: object) -> CachingStandIn:
    """Returns a renderer that caches reference sets."""
    return CachingStandIn()


def load(base: str, **options: object) -> StandIn:
    """Returns the stand-in for any checkpoint."""
    return StandIn()


def load_hosted(base: str, region: str = "global", **options: object) -> HostedStandIn:
    """Returns the stand-in of a hosted tier."""
    return HostedStandIn()


def load_composed(base: str, loras: Sequence[tuple[str, float]], quantise: str, **options: object) -> StandIn:
    """Returns a renderer that reports its load options as its device."""

    class Composed(StandIn):
        def host(self) -> dict[str, str]:
            return {"device": f"{base} {loras} {quantise}", "torch": "none", "driver": "none"}

    return Composed()


def load_compiled(base: str, compile: bool = False, **options: object) -> StandIn:
    """Returns a renderer that reports whether it was compiled."""

    class Compiled(StandIn):
        def host(self) -> dict[str, str]:
            return super().host() | ({"compiled": "yes"} if compile else {})

    return Compiled()


def load_offloading(base: str, **options: object) -> StandIn:
    """Returns a renderer whose components are offloaded in turn; its records contain the group's size."""

    class Offloading(StandIn):
        group = 0

        def prepare(self, requests: Iterable[RenderRequest]) -> None:
            self.group = len(list(requests))

        def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered | Failed]:
            for request in requests:
                yield Rendered(draw(request), cache={"group": self.group})

        def host(self) -> dict[str, str]:
            return super().host() | {"residency": "turns"}

    return Offloading()


def load_reporting_gpu(
    base: str, workers: int | None = None, per_device: int | None = None, **options: object
) -> StandIn:
    """Returns a renderer that reports its assigned GPU and its load options, and runs on the CPU.

    It waits until all workers of the run have work, so that each of them reports.
    """

    class Reporting(StandIn):
        def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered | Failed]:
            wait_for_workers(workers or 1)
            yield from super().stream(requests)

        def host(self) -> dict[str, str]:
            assigned = {"gpu": os.environ.get("CUDA_VISIBLE_DEVICES", "all"), "process": str(os.getpid())}
            shared = {"workers": str(workers), "per_device": str(per_device)}
            return super().host() | {"device": "cpu"} | assigned | shared

    return Reporting()


def load_nothing(base: str, **options: object) -> StandIn:
    """Fails like a missing checkpoint."""
    raise CheckpointError(f"{base}: there is no checkpoint here")


def load_without_key(base: str, **options: object) -> StandIn:
    """Fails like a hosted tier without an API key."""
    raise HostedError("no key is set")


def load_and_die(base: str, **options: object) -> StandIn:
    """Ends the process, like a model that doesn't fit into memory."""
    os._exit(1)


def draw(request: RenderRequest) -> Image.Image:
    """Returns a picture of the requested size; every field of the request changes it."""
    digest = hashlib.sha256(repr(replace(request, references=())).encode())
    for reference in request.references:
        digest.update(reference.tobytes())
    colours = bytes(32) if "[flat]" in request.prompt else digest.digest()
    picture = Image.new("RGB", (2, 2))
    picture.putdata([tuple(colours[3 * i : 3 * i + 3]) for i in range(4)])
    picture = picture.resize((request.width, request.height), Image.Resampling.BILINEAR)
    grain = re.search(r"\[grain ([0-9,]+)\]", request.prompt)
    if "[noise]" in request.prompt:
        return with_grain(Image.new("RGB", picture.size, "gray"), 90.0, request.seed)
    if grain and str(request.seed) in grain[1].split(","):
        return with_grain(picture, GRAIN, request.seed)
    return picture


def with_grain(picture: Image.Image, deviation: float, seed: int) -> Image.Image:
    """Returns the picture with independent normal noise of this standard deviation in each value."""
    noise = np.random.default_rng(seed).normal(0, deviation, (picture.height, picture.width, 3))
    return Image.fromarray((np.asarray(picture) + noise).round().clip(0, 255).astype(np.uint8))


def has_fault(prompt: str, kind: str) -> bool:
    """Returns whether the prompt orders a fault of this kind."""
    return any(True for _ in _faults(prompt, kind))


def _faults(prompt: str, *kinds: str) -> Iterator[tuple[str, str]]:
    """Yields (kind, argument) of the faults of some kinds; those marked `once` only the first time."""
    for kind, once, argument in re.findall(FAULTS, prompt):
        if kind not in kinds:
            continue
        if once:
            if Path(argument).exists():
                continue
            Path(argument).touch()
        yield kind, argument


def _misbehave(prompt: str) -> None:
    for kind, argument in _faults(prompt, "raise", "exit", "exhaust", "sleep", "hang", "meet"):
        if kind == "raise":
            raise RuntimeError(f"the stand-in was asked to fail{argument and ' '}{argument}")
        if kind in ("sleep", "hang"):
            time.sleep(float(argument) if kind == "sleep" else HANG_SECONDS)
        if kind == "meet":
            wait_for_workers(2, Path(argument))
        if kind == "exhaust":
            bytearray(1 << 60)
        if kind == "exit":
            time.sleep(EXIT_DELAY_SECONDS)
            os._exit(1)
