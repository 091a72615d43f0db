"""HostedRenderer: the local renderer's interface over BFL's API. Each picture costs credits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future

from PIL import Image

from brandpress.model.errors import BrandpressError, HostedError, RequestError
from brandpress.model.family import FAMILIES, HOSTED, Family
from brandpress.model.hosted.address import key_of_environment, service_of
from brandpress.model.hosted.api import BflApi, new_client
from brandpress.model.hosted.body import body_of
from brandpress.model.hosted.limits import check
from brandpress.model.hosted.picture import decode_picture
from brandpress.model.hosted.retry import RetryPolicy
from brandpress.model.hosted.session import running_loop
from brandpress.model.hosted.window import in_order
from brandpress.model.request import Failed, Rendered, RenderRequest

MAX_IN_FLIGHT = 24
"""Tasks that BFL lets an account have under way."""
PATIENCE = RetryPolicy()


class HostedRenderer:
    """One tier of BFL's API. The key is read from BFL_API_KEY and shown nowhere."""

    def __init__(
        self,
        family: Family,
        region: str | None = None,
        in_flight: int = MAX_IN_FLIGHT,
        retry_policy: RetryPolicy = PATIENCE,
    ) -> None:
        """in_flight: tasks at once, 1 to 24. Raises HostedError without a key, RequestError for another region."""
        if family.endpoint is None:
            raise RequestError(f"{family.name} isn't hosted: allowed are {', '.join(tier.name for tier in HOSTED)}")
        if not 1 <= in_flight <= MAX_IN_FLIGHT:
            raise RequestError(f"in_flight {in_flight}: allowed are 1 to {MAX_IN_FLIGHT}")
        self.family, self.in_flight, self._endpoint = family, in_flight, family.endpoint
        self._service, self._key, self._patience = service_of(region), key_of_environment(), retry_policy

    @classmethod
    def load(cls, family: Family | str, region: str | None = None, workers: int = 1) -> HostedRenderer:
        """The tier, or the one of a name. workers: renderers that share the account, each with its part of the 24."""
        if isinstance(family, str):
            if family not in FAMILIES:
                raise RequestError(f"{family!r}: hosted are {', '.join(tier.name for tier in HOSTED)}")
            family = FAMILIES[family]
        return cls(family, region, max(1, MAX_IN_FLIGHT // max(1, workers)))

    def host(self) -> dict[str, str]:
        """What a record says of the machine: device, torch, driver."""
        return {"device": f"hosted: {self._endpoint}", "torch": "none", "driver": self._service.base.host}

    def check(self, request: RenderRequest) -> None:
        """Raises RequestError, naming the field and what is allowed."""
        check(request, self.family)

    def prepare(self, requests: Iterable[RenderRequest]) -> None:
        """Nothing: the local renderer encodes prompts ahead here."""

    def release(self) -> None:
        """Nothing: there is no model here."""

    def render(self, requests: Sequence[RenderRequest]) -> list[Image.Image]:
        """The pictures (RGB) of the requests, in their order.

        Raises RequestError before anything is sent; the first failure's error when all others are done.
        """
        for request in requests:
            self.check(request)
        results = list(self.stream(requests))
        pictures = [result.picture for result in results if isinstance(result, Rendered)]
        for result in results:
            if isinstance(result, Failed):
                done = f"{len(pictures)} of {len(results)} pictures were made"
                raise type(result.cause)(f"{result.cause}; {done}")
        return pictures

    def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered | Failed]:
        """The pictures or why there is none, in the requests' order, each as soon as those before it are there.

        Requests are pulled as tasks end. Closing it ends what is under way; a task that BFL has begun is charged.
        """
        http = new_client(self._patience)
        api = BflApi(self._service, self._key, http, self._patience)
        with running_loop(http) as loop:

            def begin(request: RenderRequest) -> Future[Rendered | Failed]:
                return asyncio.run_coroutine_threadsafe(self._result(api, request), loop)

            yield from in_order(requests, begin, self.in_flight)

    async def _result(self, api: BflApi, request: RenderRequest) -> Rendered | Failed:
        """Any failure is a value: raised, it would take the pictures with it that others have paid for."""
        try:
            return await self._render(api, request)
        except BrandpressError as error:
            # A new one: the traceback's frames hold the references, and the key.
            return Failed(type(error)(str(error)))
        except Exception as error:
            return Failed(HostedError(f"the picture couldn't be made: {type(error).__name__}"))

    async def _render(self, api: BflApi, request: RenderRequest) -> Rendered:
        self.check(request)
        api.check_open()
        marks = [time.perf_counter()]
        task = await api.submit(self._endpoint, await asyncio.to_thread(body_of, request, self.family))
        marks.append(time.perf_counter())
        try:
            address = await api.wait(task)
            marks.append(time.perf_counter())
            data = await api.download(address)
            picture = await asyncio.to_thread(decode_picture, data, (request.width, request.height))
        except HostedError as error:
            raise type(error)(f"{error} (task {task.id})") from None
        marks.append(time.perf_counter())
        stages = ("submit", "wait", "download")
        timings = {stage: end - start for stage, start, end in zip(stages, marks, marks[1:], strict=False)}
        return Rendered(picture, timings, cost=task.cost)
