"""HostedRenderer: the local renderer's interface over BFL's API. Each picture costs credits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future

from PIL import Image

from brandpress.model.checkpoint.describe import describe_hosted
from brandpress.model.checkpoint.hosted_key import key_of_environment
from brandpress.model.choice import ModelChoice
from brandpress.model.errors import BrandpressError, HostedError, RequestError
from brandpress.model.family import FAMILIES, HOSTED, Family
from brandpress.model.hosted.address import service_of
from brandpress.model.hosted.api import BflApi, new_client
from brandpress.model.hosted.body import body_of
from brandpress.model.hosted.limits import check
from brandpress.model.hosted.picture import decode_picture
from brandpress.model.hosted.retry import CallPolicy
from brandpress.model.hosted.session import running_loop
from brandpress.model.hosted.window import in_order
from brandpress.model.request import Failed, Rendered, RenderRequest

MAX_IN_FLIGHT = 24
"""Concurrent tasks that BFL allows per account."""
CALL_POLICY = CallPolicy()


class HostedRenderer:
    """Renders with one tier of BFL's API. The key is read from BFL_API_KEY and never shown."""

    def __init__(
        self,
        family: Family,
        region: str | None = None,
        in_flight: int = MAX_IN_FLIGHT,
        policy: CallPolicy = CALL_POLICY,
    ) -> None:
        """in_flight: concurrent tasks, 1 to 24. Raises HostedError without a key, RequestError for a bad region."""
        if family.endpoint is None:
            raise RequestError(f"{family.name} isn't hosted; allowed: {', '.join(tier.name for tier in HOSTED)}")
        if not 1 <= in_flight <= MAX_IN_FLIGHT:
            raise RequestError(f"in_flight {in_flight}: allowed: 1 to {MAX_IN_FLIGHT}")
        self.family, self.in_flight, self._endpoint = family, in_flight, family.endpoint
        self.description = describe_hosted(ModelChoice(family.name, region=region), family)
        self._service, self._key, self._policy = service_of(region), key_of_environment(), policy

    @classmethod
    def load(cls, family: Family | str, region: str | None = None, workers: int = 1) -> HostedRenderer:
        """Loads a tier. workers: the number of renderers that share the account's 24 concurrent tasks."""
        if isinstance(family, str):
            if family not in FAMILIES:
                raise RequestError(f"{family!r} is unknown; allowed: {', '.join(tier.name for tier in HOSTED)}")
            family = FAMILIES[family]
        return cls(family, region, max(1, MAX_IN_FLIGHT // max(1, workers)))

    def host(self) -> dict[str, str]:
        """The record's fields about the machine: device, torch, driver."""
        return {"device": f"hosted: {self._endpoint}", "torch": "none", "driver": self._service.base.host}

    def check(self, request: RenderRequest) -> None:
        """Raises RequestError, naming the field and what is allowed."""
        check(request, self.family)

    def prepare(self, requests: Iterable[RenderRequest]) -> None:
        """Does nothing; the local renderer encodes prompts in advance here."""

    def release(self) -> None:
        """Does nothing; a hosted tier holds no model in memory."""

    def render(self, requests: Iterable[RenderRequest]) -> list[Image.Image]:
        """The pictures (RGB) of the requests, in their order.

        Raises RequestError before anything is sent, and the first failure's error once all requests have finished.
        """
        requests = list(requests)
        for request in requests:
            self.check(request)
        results = list(self.stream(requests))
        pictures = [result.picture for result in results if isinstance(result, Rendered)]
        for result in results:
            if isinstance(result, Failed):
                rendered = f"{len(pictures)} of {len(results)} pictures were rendered"
                raise type(result.cause)(f"{result.cause}; {rendered}")
        return pictures

    def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered | Failed]:
        """Yields a picture or a failure per request, in their order, each as soon as the earlier ones are complete.

        Requests are pulled as tasks end. Closing the iterator cancels running tasks; BFL charges for those it started.
        """
        http = new_client(self._policy)
        api = BflApi(self._service, self._key, http, self._policy)
        with running_loop(http) as loop:

            def start(request: RenderRequest) -> Future[Rendered | Failed]:
                return asyncio.run_coroutine_threadsafe(self._result(api, request), loop)

            yield from in_order(requests, start, self.in_flight)

    async def _result(self, api: BflApi, request: RenderRequest) -> Rendered | Failed:
        """Renders a request and returns failures as values: an exception would lose the other, paid pictures."""
        try:
            return await self._render(api, request)
        except BrandpressError as error:
            # A new error, because the traceback's frames hold the references and the key.
            return Failed(type(error)(str(error)))
        except Exception as error:
            return Failed(HostedError(f"rendering failed: {type(error).__name__}"))

    async def _render(self, api: BflApi, request: RenderRequest) -> Rendered:
        self.check(request)
        api.check_open()
        times = [time.perf_counter()]
        task = await api.submit(self._endpoint, await asyncio.to_thread(body_of, request, self.family))
        times.append(time.perf_counter())
        try:
            url = await api.wait(task)
            times.append(time.perf_counter())
            data = await api.download(url)
            picture = await asyncio.to_thread(decode_picture, data, (request.width, request.height))
        except HostedError as error:
            raise type(error)(f"{error} (task {task.id})") from None
        times.append(time.perf_counter())
        stages = ("submit", "wait", "download")
        timings = {stage: end - start for stage, start, end in zip(stages, times, times[1:], strict=False)}
        return Rendered(picture, timings, cost=task.cost)
