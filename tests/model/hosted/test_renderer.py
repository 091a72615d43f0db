"""Concurrent pictures: order, limits, failures as values, and secrets that must not leak."""

from __future__ import annotations

import asyncio
import logging
import random
import subprocess
import sys
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator
from io import BytesIO
from itertools import count, islice

import pytest
from PIL import Image, ImageChops

from brandpress.model.errors import HostedError, RequestError
from brandpress.model.family import FAMILIES
from brandpress.model.hosted.renderer import MAX_IN_FLIGHT, HostedRenderer
from brandpress.model.request import Failed, Rendered, RenderRequest
from tests.bfl_server import KEY, SIGNATURE, BflServer, Reply, colour_of
from tests.model.hosted.conftest import ShortPauses
from tests.model.hosted.test_body import noise

Make = Callable[..., HostedRenderer]


def request_of(prompt: str, seed: int = 0) -> RenderRequest:
    return RenderRequest(prompt, width=64, height=64, seed=seed)


def causes(results: list[Rendered | Failed]) -> list[str]:
    """The error text of each result; "" for a picture."""
    return [str(result.cause) if isinstance(result, Failed) else "" for result in results]


def test_references_are_sent_unchanged(bfl: BflServer, hosted: Make) -> None:
    pictures = (noise(100, 80), noise(70, 90), noise(64, 64))
    request = RenderRequest("a fox", pictures, 128, 96, seed=300, reference_pixels=6400)
    (picture,) = hosted().render([request])
    assert picture.size == (128, 96)
    assert picture.getpixel((0, 0)) == colour_of(300)
    body = bfl.posts[0].body
    assert body is not None
    assert {name: body[name] for name in ("prompt", "seed", "width", "height", "output_format")} == {
        "prompt": "a fox",
        "seed": 300,
        "width": 128,
        "height": 96,
        "output_format": "png",
    }
    sent = [Image.open(BytesIO(b64decode(body[f"input_image{suffix}"]))) for suffix in ("", "_2", "_3")]
    assert [picture.size for picture in sent] == [(89, 71), (70, 90), (64, 64)]
    for one, other in zip(sent[1:], pictures[1:], strict=True):
        assert ImageChops.difference(one, other).getbbox() is None


@pytest.mark.parametrize("tier", ["pro", "max", "flex"])
def test_each_tier_has_its_endpoint(tier: str, bfl: BflServer, hosted: Make) -> None:
    hosted(f"flux.2-{tier}").render([request_of("a fox")])
    body = bfl.posts[0].body
    assert bfl.posts[0].path == f"/v1/flux-2-{tier}"
    assert body is not None
    assert ("steps" in body, "guidance" in body, "prompt_upsampling" in body) == ((tier == "flex"),) * 3


def test_order_is_kept_for_any_durations(bfl: BflServer, hosted: Make) -> None:
    generator = random.Random(1)
    for number in range(40):
        bfl.script(f"{number}", seconds=generator.uniform(0, 0.1))
    pictures = hosted().render([request_of(f"{number}", seed=number) for number in range(40)])
    assert [picture.getpixel((3, 3)) for picture in pictures] == [colour_of(number) for number in range(40)]


@pytest.mark.parametrize("in_flight", [24, 3])
def test_the_limit_of_concurrent_tasks_is_used(in_flight: int, bfl: BflServer, hosted: Make) -> None:
    bfl.default.gate = threading.Event()

    def open_gate() -> None:
        while bfl.running < in_flight:
            bfl.ended.wait(0.005)
        bfl.ended.wait(0.2)
        assert bfl.default.gate is not None
        bfl.default.gate.set()

    opener = threading.Thread(target=open_gate)
    opener.start()
    results = list(hosted(in_flight=in_flight).stream(request_of("a fox", seed) for seed in range(60)))
    opener.join()
    assert causes(results) == [""] * 60
    assert bfl.max_running == in_flight
    assert len(bfl.posts) == 60


@pytest.mark.parametrize("in_flight", [0, 25])
def test_in_flight_is_limited_by_the_account(in_flight: int, hosted: Make) -> None:
    with pytest.raises(RequestError, match=f"in_flight {in_flight}: allowed: 1 to 24"):
        hosted(in_flight=in_flight)


def test_a_failure_is_yielded_in_order(bfl: BflServer, hosted: Make) -> None:
    bfl.script("bad", status="Request Moderated")
    bfl.script("odd", submit=[Reply(422, {"detail": "no"})])
    requests = [
        request_of("a"),
        request_of("bad"),
        request_of("b"),
        RenderRequest("c", width=65),
        request_of("odd"),
        request_of("d"),
    ]
    messages = causes(list(hosted().stream(requests)))
    assert [text.split(" (")[0] for text in messages] == [
        "",
        "moderated: the request was rejected by BFL's filter",
        "",
        "size 65x1024: width and height must be multiples of 16",
        "BFL rejected the request",
        "",
    ]
    assert len(bfl.posts) == 5


def request_with_broken_reference() -> RenderRequest:
    buffer = BytesIO()
    noise(200, 200).save(buffer, "PNG")
    return RenderRequest("a", (Image.open(BytesIO(buffer.getvalue()[:5000])),), 64, 64)


def test_a_broken_reference_fails_only_its_own_request(bfl: BflServer, hosted: Make) -> None:
    requests = [request_with_broken_reference(), request_of("b")]
    assert causes(list(hosted().stream(requests))) == ["rendering failed: OSError", ""]


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (Reply(401, {"detail": "Not authenticated"}), "BFL_API_KEY was rejected (HTTP 401): Not authenticated"),
        (Reply(402, {"detail": "Insufficient credits"}), "no credits left: Insufficient credits"),
        (
            Reply(422, {"detail": "Invalid API key format"}),
            "BFL_API_KEY was rejected (HTTP 422): Invalid API key format",
        ),
    ],
)
def test_nothing_is_sent_after_an_account_error(reply: Reply, message: str, bfl: BflServer, hosted: Make) -> None:
    bfl.script("b", submit=[reply])
    requests = [request_of("a"), request_of("b"), *(request_of("c", seed) for seed in range(50))]
    assert causes(list(hosted(in_flight=1).stream(requests))) == ["", message, *[message] * 50]
    assert len(bfl.posts) == 2


def test_no_reference_is_read_after_an_account_error(bfl: BflServer, hosted: Make) -> None:
    bfl.script("b", submit=[Reply(402, {"detail": "Insufficient credits"})])
    messages = causes(list(hosted(in_flight=1).stream([request_of("b"), request_with_broken_reference()])))
    assert messages == ["no credits left: Insufficient credits"] * 2


def test_running_tasks_finish_when_the_credits_end(bfl: BflServer, hosted: Make) -> None:
    bfl.script("a", gate=(gate := threading.Event()))
    bfl.script("b", submit=[Reply(402, {"detail": "Insufficient credits"})])

    def requests() -> Iterator[RenderRequest]:
        yield request_of("a")
        while not bfl.tasks:
            bfl.ended.wait(0.005)
        yield request_of("b")
        while len(bfl.posts) < 2:
            bfl.ended.wait(0.005)
        bfl.ended.wait(0.1)
        gate.set()
        yield request_of("c")

    messages = causes(list(hosted().stream(requests())))
    assert messages == ["", "no credits left: Insufficient credits", "no credits left: Insufficient credits"]
    assert len(bfl.posts) == 2


def test_no_retry_is_sent_after_an_account_error(bfl: BflServer, hosted: Make) -> None:
    bfl.script("a", submit=[Reply(429, {"retry_after": 30})])
    bfl.script("b", submit=[Reply(402, {"detail": "Insufficient credits"})])

    async def sleep(seconds: float) -> None:
        while len(bfl.posts) < 2:
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.1)

    messages = causes(list(hosted(sleep=sleep).stream([request_of("a"), request_of("b")])))
    assert messages == ["no credits left: Insufficient credits"] * 2
    assert len(bfl.posts) == 2


def test_a_later_stream_tries_again_after_an_account_error(bfl: BflServer, hosted: Make) -> None:
    bfl.script("a", submit=[Reply(402, {"detail": "Insufficient credits"})])
    renderer = hosted()
    assert causes(list(renderer.stream([request_of("a")]))) != [""]
    assert causes(list(renderer.stream([request_of("a")]))) == [""]


def test_render_raises_the_first_failure_after_all_have_finished(bfl: BflServer, hosted: Make) -> None:
    bfl.script("bad", status="Error", fields={"details": "first"})
    bfl.script("worse", status="Error", fields={"details": "second"})
    bfl.script("slow", seconds=0.1)
    with pytest.raises(HostedError, match=r"failed at BFL: first \(task \w+\); 2 of 4 pictures were rendered"):
        hosted().render([request_of("slow"), request_of("bad"), request_of("worse"), request_of("slow")])
    assert bfl.running == 0
    assert len(bfl.downloads) == 2


def test_render_checks_all_requests_before_sending(bfl: BflServer, hosted: Make) -> None:
    with pytest.raises(RequestError, match="steps 5"):
        hosted().render([request_of("a"), RenderRequest("b", steps=5)])
    assert bfl.calls == []


def test_requests_can_come_from_an_iterator(bfl: BflServer, hosted: Make) -> None:
    assert len(hosted().render(request_of("a fox", seed) for seed in range(2))) == 2


def test_requests_are_pulled_lazily(bfl: BflServer, hosted: Make) -> None:
    pulled = []

    def requests() -> Iterator[RenderRequest]:
        for seed in count():
            pulled.append(seed)
            yield request_of("a fox", seed)

    stream = hosted(in_flight=3).stream(requests())
    assert pulled == []
    assert causes(list(islice(stream, 10))) == [""] * 10
    assert len(pulled) <= 10 + 2 * 3
    stream.close()  # type: ignore[attr-defined]


@pytest.mark.timeout(30)
@pytest.mark.parametrize("where", ["waiting", "held POST", "held status", "held picture", "pausing"])
def test_closing_a_stream_cancels_running_tasks(where: str, bfl: BflServer, hosted: Make) -> None:
    slow = {
        "waiting": {"seconds": 1e9},
        "held POST": {"submit": [Reply(held=True)] * 9},
        "held status": {"polls": [Reply(held=True)] * 9},
        "held picture": {"downloads": [Reply(held=True)] * 9},
        "pausing": {"submit": [Reply(429, {"retry_after": 60})] * 9},
    }
    bfl.script("slow", **slow[where])

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds if seconds > 30 else 0.005)

    before = set(threading.enumerate())
    requests = (request_of("a fox" if seed == 0 else "slow", seed) for seed in count())
    stream = hosted(in_flight=4, io_timeout=1e3, task_timeout=1e3, sleep=sleep).stream(requests)
    assert causes([next(stream)]) == [""]
    while len(bfl.posts) < 4:
        bfl.ended.wait(0.005)
    stream.close()  # type: ignore[attr-defined]
    sent = len(bfl.posts)
    remaining = {
        thread for thread in set(threading.enumerate()) - before if "process_request_thread" not in thread.name
    }
    assert remaining == set()
    bfl.ended.wait(0.1)
    assert len(bfl.posts) == sent


@pytest.mark.timeout(30)
def test_an_error_in_the_loop_body_ends_the_stream(bfl: BflServer, hosted: Make) -> None:
    bfl.script("slow", seconds=1e9)
    with pytest.raises(ZeroDivisionError):
        for _ in hosted(task_timeout=1e3).stream([request_of("a fox"), request_of("slow")]):
            _ = 1 // 0
    assert [thread.name for thread in threading.enumerate() if thread.name in ("bfl", "asyncio_0")] == []


@pytest.mark.timeout(60)
def test_an_open_stream_does_not_keep_the_process_alive(bfl: BflServer) -> None:
    bfl.script("slow", seconds=1e9)
    script = """
from brandpress.model.hosted.renderer import HostedRenderer
from brandpress.model.request import RenderRequest
stream = HostedRenderer.load("flux.2-pro").stream([RenderRequest(p, width=64, height=64) for p in ("a", "slow")])
print(type(next(stream)).__name__)
"""
    completed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=50)
    assert (completed.returncode, completed.stdout, completed.stderr) == (0, "Rendered\n", "")


def test_the_key_and_signatures_do_not_leak(
    bfl: BflServer, hosted: Make, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    echo = {"detail": f"the key {KEY} is odd"}
    bfl.script("poll", polls=[Reply(400, echo)])
    bfl.script("status", status=f"Odd {KEY}")
    bfl.script("error", status="Error", fields={"details": {"error": KEY}})
    bfl.script("id", accepted={"id": f"task-{KEY}"}, status="Error")
    bfl.script("sent", submit=[Reply(422, echo)])
    bfl.script("busy", submit=[Reply(429, echo)] * 9)
    bfl.script("lost", submit=[Reply(lost=True)])
    bfl.script("refused", submit=[Reply(401, echo)])
    renderer = hosted(in_flight=1)
    prompts = ["fine", "poll", "status", "error", "id", "sent", "busy", "lost", "refused", "fine"]
    results = list(renderer.stream(request_of(prompt) for prompt in prompts))
    assert causes(results)[0] == ""
    assert all(causes(results)[1:])
    shown = [
        *map(repr, results),
        *causes(results),
        repr(renderer),
        str(renderer.host()),
        caplog.text,
        *capfd.readouterr(),
    ]
    assert "/results/" in caplog.text
    assert [text for text in shown if KEY in text or SIGNATURE in text] == []
    assert sum("[BFL_API_KEY]" in text for text in causes(results)) == 8


def test_a_failure_holds_no_traceback_or_context(bfl: BflServer, hosted: Make) -> None:
    bfl.script("lost", submit=[Reply(lost=True)])
    (result,) = hosted().stream([request_of("lost")])
    assert isinstance(result, Failed)
    cause = result.cause
    assert (cause.__traceback__, cause.__context__, cause.__cause__) == (None, None, None)


def test_host_names_the_service(bfl: BflServer, hosted: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    assert hosted().host() == {"device": "hosted: flux-2-pro", "torch": "none", "driver": "127.0.0.1"}
    monkeypatch.delenv("BFL_API_URL")
    renderer = HostedRenderer.load("flux.2-flex", region="eu")
    assert renderer.host() == {"device": "hosted: flux-2-flex", "torch": "none", "driver": "api.eu.bfl.ai"}


@pytest.mark.parametrize(("workers", "in_flight"), [(1, 24), (2, 12), (5, 4), (100, 1)])
def test_workers_share_the_accounts_limit(workers: int, in_flight: int, bfl: BflServer) -> None:
    renderer = HostedRenderer.load(FAMILIES["flux.2-max"], workers=workers)
    assert renderer.in_flight == in_flight
    assert workers * in_flight <= max(workers, MAX_IN_FLIGHT)


@pytest.mark.parametrize("name", ["nano", "flux.2-dev", "flux.2-ultra"])
def test_only_hosted_tiers_can_be_loaded(name: str, bfl: BflServer) -> None:
    with pytest.raises(RequestError, match=r"flux\.2-pro, flux\.2-max, flux\.2-flex"):
        HostedRenderer.load(name)


def test_a_key_is_required(bfl: BflServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BFL_API_KEY")
    with pytest.raises(HostedError, match="BFL_API_KEY isn't set"):
        HostedRenderer.load("flux.2-pro")


def test_prepare_pulls_no_requests(hosted: Make, pauses: ShortPauses) -> None:
    requests = iter([request_of("a")])
    hosted().prepare(requests)
    assert next(requests) == request_of("a")
