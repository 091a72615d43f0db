"""A stand-in for the model, where a test is about dispatch, delivery or crashes and not about pictures.

It draws a picture from the request alone, in milliseconds, and misbehaves when a prompt asks for it: `[raise]` raises,
`[exit]` ends the process, `[exit once FILE]` only if FILE isn't there yet, `[sleep S]` takes S seconds, `[hang]` takes
for ever, `[lose]` raises what torch raises of a GPU that is spoilt for a process, and so does all that follows there,
`[lose once FILE]` only if FILE isn't there yet, `[exhaust]` asks for more memory than there is, `[exhaust once FILE]`
only if FILE isn't there yet, `[refuse]` gives a failure in place of a picture. The real model is used where pictures
matter.
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

from PIL import Image

from brandpress.model.errors import CheckpointError, HostedError
from brandpress.model.request import Failed, Rendered, RenderRequest

LAST_WORDS_SECONDS = 0.5
"""A real picture takes seconds: the driver has long heard that it was begun when it takes its worker down."""

FOR_EVER = 100_000.0
DEVICE_LOST = (
    "CUDA error: an illegal memory access was encountered\n"
    "CUDA kernel errors might be asynchronously reported at some other API call"
)
WISHES = r"\[(raise|exit|exhaust|sleep|hang|lose)( once)? ?([^\]]*)\]"


class StandIn:
    """What a press needs of a renderer."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._lost = False

    def prepare(self, requests: Iterable[RenderRequest]) -> None:
        """Nothing is worth doing ahead."""

    def release(self) -> None:
        """It holds no memory."""

    def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered | Failed]:
        for request in requests:
            start = time.perf_counter()
            if "[refuse]" in request.prompt:
                yield Failed(HostedError("the stand-in was asked to refuse"))
                continue
            self._misbehave(request.prompt)
            hit = int(request.prompt in self._seen)
            self._seen.add(request.prompt)
            rewritten = f"{request.prompt}, rewritten" if request.upsample else None
            yield Rendered(draw(request), {"denoise": time.perf_counter() - start}, {"text": hit}, rewritten)

    def host(self) -> dict[str, str]:
        return {"device": "stand-in", "torch": "none", "driver": "none"}

    def _misbehave(self, prompt: str) -> None:
        self._lost = self._lost or is_wished(prompt, "lose")
        if self._lost:
            raise RuntimeError(DEVICE_LOST)
        _misbehave(prompt)


class Service(StandIn):
    """As a hosted tier gives its pictures: in order, several in flight, each at a price; a failure is a value."""

    in_flight = 4
    price = 4.5

    def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered | Failed]:
        flying: deque[RenderRequest] = deque()
        for request in requests:
            flying.append(request)
            if len(flying) == self.in_flight:
                yield self._land(flying.popleft())
        while flying:
            yield self._land(flying.popleft())

    def _land(self, request: RenderRequest) -> Rendered | Failed:
        try:
            (result,) = super().stream([request])
        except RuntimeError as error:
            return Failed(HostedError(str(error)))
        return replace(result, cost=self.price) if isinstance(result, Rendered) else result


class Warm(StandIn):
    """Keeps what it needs of a few reference sets, as the model keeps keys and values: a set that's gone costs more
    than a picture. Its records tell hits from misses, and the process."""

    kept = 4
    picture_seconds, set_seconds = 0.02, 0.03

    def __init__(self) -> None:
        super().__init__()
        self._sets: OrderedDict[tuple[bytes, ...], None] = OrderedDict()

    def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered | Failed]:
        for request in requests:
            self._misbehave(request.prompt)
            hit = self._uses(tuple(reference.tobytes() for reference in request.references))
            time.sleep(self.picture_seconds + (0 if hit else self.set_seconds))
            yield Rendered(draw(request), cache={"reference_kv": int(hit)})

    def host(self) -> dict[str, str]:
        return super().host() | {"device": f"process {os.getpid()}"}

    def _uses(self, reference_set: tuple[bytes, ...]) -> bool:
        hit = reference_set in self._sets
        self._sets[reference_set] = None
        self._sets.move_to_end(reference_set)
        if len(self._sets) > self.kept:
            self._sets.popitem(last=False)
        return hit


def load_warm(base: str, **options: object) -> Warm:
    """A renderer that keeps reference sets."""
    return Warm()


def load(base: str, **options: object) -> StandIn:
    """A renderer whatever the checkpoint."""
    return StandIn()


def load_service(base: str, region: str = "global", **options: object) -> Service:
    """A renderer for a hosted tier."""
    return Service()


def load_composed(base: str, loras: Sequence[tuple[str, float]], quantise: str, **options: object) -> StandIn:
    """A renderer that says what it was loaded with."""

    class Composed(StandIn):
        def host(self) -> dict[str, str]:
            return {"device": f"{base} {loras} {quantise}", "torch": "none", "driver": "none"}

    return Composed()


def load_compiled(base: str, compile: bool = False, **options: object) -> StandIn:
    """A renderer where a compiler is found."""

    class Compiled(StandIn):
        def host(self) -> dict[str, str]:
            return super().host() | ({"compiled": "yes"} if compile else {})

    return Compiled()


def load_offloading(base: str, **options: object) -> StandIn:
    """A renderer that offloads; it tells how many pictures shared one."""

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


def load_seeing(base: str, **options: object) -> StandIn:
    """A renderer that says which GPU it was given, what it was loaded with, and that torch sees none."""

    class Seeing(StandIn):
        def host(self) -> dict[str, str]:
            given = {"gpu": os.environ.get("CUDA_VISIBLE_DEVICES", "all"), "process": str(os.getpid())}
            told = {name: str(options.get(name)) for name in ("workers", "per_device")}
            return super().host() | {"device": "cpu"} | given | told

    return Seeing()


def load_nothing(base: str, **options: object) -> StandIn:
    """What a wrong checkpoint does."""
    raise CheckpointError(f"{base}: there is no checkpoint here")


def load_without_key(base: str, **options: object) -> StandIn:
    """What a hosted tier does where nobody has an account."""
    raise HostedError("no key is set")


def load_and_die(base: str, **options: object) -> StandIn:
    """What a model that doesn't fit into memory does."""
    os._exit(1)


def draw(request: RenderRequest) -> Image.Image:
    """A picture of the right size that every part of the request changes."""
    digest = hashlib.sha256(repr(replace(request, references=())).encode())
    for reference in request.references:
        digest.update(reference.tobytes())
    colours = digest.digest()
    picture = Image.new("RGB", (2, 2))
    picture.putdata([tuple(colours[3 * i : 3 * i + 3]) for i in range(4)])
    return picture.resize((request.width, request.height), Image.Resampling.BILINEAR)


def is_wished(prompt: str, what: str) -> bool:
    return any(wish == what for wish, _ in _wishes(prompt, what))


def _wishes(prompt: str, *kinds: str) -> Iterator[tuple[str, str]]:
    """Wishes of some kinds with their arguments; those for once only once."""
    for wish, once, argument in re.findall(WISHES, prompt):
        if wish not in kinds:
            continue
        if once:
            if Path(argument).exists():
                continue
            Path(argument).touch()
        yield wish, argument


def _misbehave(prompt: str) -> None:
    for wish, argument in _wishes(prompt, "raise", "exit", "exhaust", "sleep", "hang"):
        if wish == "raise":
            raise RuntimeError(f"the stand-in was asked to fail{argument and ' '}{argument}")
        if wish in ("sleep", "hang"):
            time.sleep(float(argument) if wish == "sleep" else FOR_EVER)
        if wish == "exhaust":
            bytearray(1 << 60)
        if wish == "exit":
            time.sleep(LAST_WORDS_SECONDS)
            os._exit(1)
