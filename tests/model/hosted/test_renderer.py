"""Many pictures at once: order, limits, failures as values, and what nobody may see."""

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
from tests.model.hosted.conftest import Brisk
from tests.model.hosted.test_body import noise

Make = Callable[..., HostedRenderer]


def asked(prompt: str, seed: int = 0) -> RenderRequest:
    return RenderRequest(prompt, width=64, height=64, seed=seed)


def causes(results: list[Rendered | Failed]) -> list[str]:
    """Why not, of each; empty for a picture."""
    return [str(result.cause) if isinstance(result, Failed) else "" for result in results]


def test_references_arrive_as_they_are(bfl: BflServer, hosted: Make) -> None:
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
def test_each_tier_has_its_address(tier: str, bfl: BflServer, hosted: Make) -> None:
    hosted(f"flux.2-{tier}").render([asked("a fox")])
    body = bfl.posts[0].body
    assert bfl.posts[0].path == f"/v1/flux-2-{tier}"
    assert body is not None
    assert ("steps" in body, "guidance" in body, "prompt_upsampling" in body) == ((tier == "flex"),) * 3


def test_order_is_kept_whatever_each_takes(bfl: BflServer, hosted: Make) -> None:
    lots = random.Random(1)
    for number in range(40):
        bfl.script(f"{number}", seconds=lots.uniform(0, 0.1))
    pictures = hosted().render([asked(f"{number}", seed=number) for number in range(40)])
    assert [picture.getpixel((3, 3)) for picture in pictures] == [colour_of(number) for number in range(40)]


@pytest.mark.parametrize("in_flight", [24, 3])
def test_as_many_tasks_as_allowed_are_under_way(in_flight: int, bfl: BflServer, hosted: Make) -> None:
    bfl.usual.gate = threading.Event()

    def open_gate() -> None:
        while bfl.under_way < in_flight:
            bfl.ended.wait(0.005)
        bfl.ended.wait(0.2)
        assert bfl.usual.gate is not None
        bfl.usual.gate.set()

    opener = threading.Thread(target=open_gate)
    opener.start()
    results = list(hosted(in_flight=in_flight).stream(asked("a fox", seed) for seed in range(60)))
    opener.join()
    assert causes(results) == [""] * 60
    assert bfl.most_under_way == in_flight
    assert len(bfl.posts) == 60


@pytest.mark.parametrize("in_flight", [0, 25])
def test_no_more_tasks_than_an_account_may_have(in_flight: int, hosted: Make) -> None:
    with pytest.raises(RequestError, match=f"in_flight {in_flight}: allowed are 1 to 24"):
        hosted(in_flight=in_flight)


def test_a_failure_is_a_value_in_its_place(bfl: BflServer, hosted: Make) -> None:
    bfl.script("bad", status="Request Moderated")
    bfl.script("odd", submit=[Reply(422, {"detail": "no"})])
    requests = [asked("a"), asked("bad"), asked("b"), RenderRequest("c", width=65), asked("odd"), asked("d")]
    told = causes(list(hosted().stream(requests)))
    assert [text.split(" (")[0] for text in told] == [
        "",
        "moderated: the request was refused by BFL's filter",
        "",
        "size 65x1024: width and height must be multiples of 16",
        "BFL refused the request",
        "",
    ]
    assert len(bfl.posts) == 5


def asked_with_broken_reference() -> RenderRequest:
    buffer = BytesIO()
    noise(200, 200).save(buffer, "PNG")
    return RenderRequest("a", (Image.open(BytesIO(buffer.getvalue()[:5000])),), 64, 64)


def test_a_reference_that_cant_be_read_fails_alone(bfl: BflServer, hosted: Make) -> None:
    requests = [asked_with_broken_reference(), asked("b")]
    assert causes(list(hosted().stream(requests))) == ["the picture couldn't be made: OSError", ""]


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply(401, {"detail": "Not authenticated"}), "BFL_API_KEY was refused (HTTP 401): Not authenticated"),
        (Reply(402, {"detail": "Insufficient credits"}), "no credits left: Insufficient credits"),
        (
            Reply(422, {"detail": "Invalid API key format"}),
            "BFL_API_KEY was refused (HTTP 422): Invalid API key format",
        ),
    ],
)
def test_nothing_more_is_sent_once_the_account_is_refused(
    reply: Reply, told: str, bfl: BflServer, hosted: Make
) -> None:
    bfl.script("b", submit=[reply])
    requests = [asked("a"), asked("b"), *(asked("c", seed) for seed in range(50))]
    assert causes(list(hosted(in_flight=1).stream(requests))) == ["", told, *[told] * 50]
    assert len(bfl.posts) == 2


def test_no_reference_is_read_once_the_account_is_refused(bfl: BflServer, hosted: Make) -> None:
    bfl.script("b", submit=[Reply(402, {"detail": "Insufficient credits"})])
    told = causes(list(hosted(in_flight=1).stream([asked("b"), asked_with_broken_reference()])))
    assert told == ["no credits left: Insufficient credits"] * 2


def test_what_is_under_way_is_finished_when_the_credits_end(bfl: BflServer, hosted: Make) -> None:
    bfl.script("a", gate=(gate := threading.Event()))
    bfl.script("b", submit=[Reply(402, {"detail": "Insufficient credits"})])

    def requests() -> Iterator[RenderRequest]:
        yield asked("a")
        while not bfl.tasks:
            bfl.ended.wait(0.005)
        yield asked("b")
        while len(bfl.posts) < 2:
            bfl.ended.wait(0.005)
        bfl.ended.wait(0.1)
        gate.set()
        yield asked("c")

    told = causes(list(hosted().stream(requests())))
    assert told == ["", "no credits left: Insufficient credits", "no credits left: Insufficient credits"]
    assert len(bfl.posts) == 2


def test_what_waits_to_be_sent_again_isnt_once_the_account_is_refused(bfl: BflServer, hosted: Make) -> None:
    bfl.script("a", submit=[Reply(429, {"retry_after": 30})])
    bfl.script("b", submit=[Reply(402, {"detail": "Insufficient credits"})])

    async def sleep(seconds: float) -> None:
        while len(bfl.posts) < 2:
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.1)

    told = causes(list(hosted(sleep=sleep).stream([asked("a"), asked("b")])))
    assert told == ["no credits left: Insufficient credits"] * 2
    assert len(bfl.posts) == 2


def test_a_later_stream_asks_the_service_anew(bfl: BflServer, hosted: Make) -> None:
    bfl.script("a", submit=[Reply(402, {"detail": "Insufficient credits"})])
    renderer = hosted()
    assert causes(list(renderer.stream([asked("a")]))) != [""]
    assert causes(list(renderer.stream([asked("a")]))) == [""]


def test_rendering_raises_the_first_failure_after_all_is_done(bfl: BflServer, hosted: Make) -> None:
    bfl.script("bad", status="Error", fields={"details": "first"})
    bfl.script("worse", status="Error", fields={"details": "second"})
    bfl.script("slow", seconds=0.1)
    with pytest.raises(HostedError, match=r"failed at BFL: first \(task \w+\); 2 of 4 pictures were made"):
        hosted().render([asked("slow"), asked("bad"), asked("worse"), asked("slow")])
    assert bfl.under_way == 0
    assert len(bfl.downloads) == 2


def test_rendering_checks_all_before_anything_is_sent(bfl: BflServer, hosted: Make) -> None:
    with pytest.raises(RequestError, match="steps 5"):
        hosted().render([asked("a"), RenderRequest("b", steps=5)])
    assert bfl.calls == []


def test_requests_are_pulled_as_there_is_room(bfl: BflServer, hosted: Make) -> None:
    pulled = []

    def requests() -> Iterator[RenderRequest]:
        for seed in count():
            pulled.append(seed)
            yield asked("a fox", seed)

    stream = hosted(in_flight=3).stream(requests())
    assert pulled == []
    assert causes(list(islice(stream, 10))) == [""] * 10
    assert len(pulled) <= 10 + 2 * 3
    stream.close()  # type: ignore[attr-defined]


@pytest.mark.timeout(30)
@pytest.mark.parametrize("where", ["waiting", "held POST", "held status", "held picture", "pausing"])
def test_closing_a_stream_ends_what_is_under_way(where: str, bfl: BflServer, hosted: Make) -> None:
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
    requests = (asked("a fox" if seed == 0 else "slow", seed) for seed in count())
    stream = hosted(in_flight=4, io=1e3, deadline=1e3, sleep=sleep).stream(requests)
    assert causes([next(stream)]) == [""]
    while len(bfl.posts) < 4:
        bfl.ended.wait(0.005)
    stream.close()  # type: ignore[attr-defined]
    sent = len(bfl.posts)
    left = {thread for thread in set(threading.enumerate()) - before if "process_request_thread" not in thread.name}
    assert left == set()
    bfl.ended.wait(0.1)
    assert len(bfl.posts) == sent


@pytest.mark.timeout(30)
def test_an_error_of_the_reader_ends_the_stream(bfl: BflServer, hosted: Make) -> None:
    bfl.script("slow", seconds=1e9)
    with pytest.raises(ZeroDivisionError):
        for _ in hosted(deadline=1e3).stream([asked("a fox"), asked("slow")]):
            _ = 1 // 0
    assert [thread.name for thread in threading.enumerate() if thread.name in ("bfl", "asyncio_0")] == []


@pytest.mark.timeout(60)
def test_a_stream_that_is_left_open_doesnt_keep_the_process(bfl: BflServer) -> None:
    bfl.script("slow", seconds=1e9)
    script = """
from brandpress.model.hosted.renderer import HostedRenderer
from brandpress.model.request import RenderRequest
stream = HostedRenderer.load("flux.2-pro").stream([RenderRequest(p, width=64, height=64) for p in ("a", "slow")])
print(type(next(stream)).__name__)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=50)
    assert (done.returncode, done.stdout, done.stderr) == (0, "Rendered\n", "")


def test_nobody_sees_the_key_or_a_signature(
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
    results = list(renderer.stream(asked(prompt) for prompt in prompts))
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


def test_a_failure_holds_on_to_nothing(bfl: BflServer, hosted: Make) -> None:
    bfl.script("lost", submit=[Reply(lost=True)])
    (result,) = hosted().stream([asked("lost")])
    assert isinstance(result, Failed)
    cause = result.cause
    assert (cause.__traceback__, cause.__context__, cause.__cause__) == (None, None, None)


def test_the_machine_is_the_service(bfl: BflServer, hosted: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    assert hosted().host() == {"device": "hosted: flux-2-pro", "torch": "none", "driver": "127.0.0.1"}
    monkeypatch.delenv("BFL_API_URL")
    renderer = HostedRenderer.load("flux.2-flex", region="eu")
    assert renderer.host() == {"device": "hosted: flux-2-flex", "torch": "none", "driver": "api.eu.bfl.ai"}


@pytest.mark.parametrize(("workers", "in_flight"), [(1, 24), (2, 12), (5, 4), (100, 1)])
def test_workers_share_the_accounts_tasks(workers: int, in_flight: int, bfl: BflServer) -> None:
    renderer = HostedRenderer.load(FAMILIES["flux.2-max"], workers=workers)
    assert renderer.in_flight == in_flight
    assert workers * in_flight <= max(workers, MAX_IN_FLIGHT)


@pytest.mark.parametrize("name", ["nano", "flux.2-dev", "flux.2-ultra"])
def test_only_hosted_tiers_are_loaded(name: str, bfl: BflServer) -> None:
    with pytest.raises(RequestError, match=r"flux\.2-pro, flux\.2-max, flux\.2-flex"):
        HostedRenderer.load(name)


def test_a_key_is_needed(bfl: BflServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BFL_API_KEY")
    with pytest.raises(HostedError, match="BFL_API_KEY isn't set"):
        HostedRenderer.load("flux.2-pro")


def test_preparing_pulls_nothing(hosted: Make, brisk: Brisk) -> None:
    requests = iter([asked("a")])
    hosted().prepare(requests)
    assert next(requests) == asked("a")
