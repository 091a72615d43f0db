"""A local server with BFL's API, and renderers whose pauses are shortened."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from brandpress.model.family import FAMILIES
from brandpress.model.hosted.renderer import HostedRenderer
from brandpress.model.hosted.retry import CallPolicy
from brandpress.model.request import Failed, Rendered, RenderRequest
from tests.bfl_server import KEY, BflServer, running_bfl_server


@dataclass
class ShortPauses:
    """Records pauses and shortens them."""

    seconds: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await asyncio.sleep(min(seconds, 0.005))


@pytest.fixture
def bfl(monkeypatch: pytest.MonkeyPatch) -> Iterator[BflServer]:
    """The server, with the environment pointing to it."""
    with running_bfl_server() as server:
        monkeypatch.setenv("BFL_API_URL", server.url)
        monkeypatch.setenv("BFL_API_KEY", KEY)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield server


@pytest.fixture
def pauses() -> ShortPauses:
    return ShortPauses()


@pytest.fixture
def hosted(bfl: BflServer, pauses: ShortPauses) -> Callable[..., HostedRenderer]:
    """A function that makes a renderer; keyword arguments change fields of its CallPolicy."""

    def make(tier: str = "flux.2-pro", in_flight: int = 24, **policy: Any) -> HostedRenderer:
        fields = {"sleep": pauses.sleep, "io_timeout": 10.0, "task_timeout": 20.0, **policy}
        return HostedRenderer(FAMILIES[tier], in_flight=in_flight, policy=CallPolicy(**fields))

    return make


@pytest.fixture
def outcome(hosted: Callable[..., HostedRenderer]) -> Callable[..., Rendered | Failed]:
    """A function that renders one small picture of a prompt."""

    def render(prompt: str = "a fox", **policy: Any) -> Rendered | Failed:
        (result,) = hosted(**policy).stream([RenderRequest(prompt, width=64, height=64, seed=7)])
        return result

    return render


@pytest.fixture
def cause(outcome: Callable[..., Rendered | Failed]) -> Callable[..., str]:
    """A function that renders one picture, which fails, and returns the error's text."""

    def render(prompt: str = "a fox", **policy: Any) -> str:
        result = outcome(prompt, **policy)
        assert isinstance(result, Failed), result
        return str(result.cause)

    return render
