"""The protocol and its faults, over HTTP against a service on this machine."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from brandpress.model.hosted import api
from brandpress.model.hosted.answer import AccountError
from brandpress.model.request import Failed, Rendered
from tests.bfl_server import COST, KEY, SIGNATURE, BflServer, Reply, colour_of, picture_of, running_bfl_server
from tests.model.hosted.conftest import Brisk

Cause = Callable[..., str]
Outcome = Callable[..., Rendered | Failed]
CHARGED = "the task may be running and charged, so it wasn't sent again"


def rendered(outcome: Outcome, **retry_policy: Any) -> Rendered:
    result = outcome(**retry_policy)
    assert isinstance(result, Rendered), result
    return result


def test_a_picture_is_submitted_waited_for_and_fetched(bfl: BflServer, outcome: Outcome) -> None:
    bfl.usual.polls = [Reply(200, {"status": status}) for status in ("Pending", "Reasoning", "Generating")]
    result = rendered(outcome)
    assert result.picture.getpixel((9, 9)) == colour_of(7)
    assert (result.picture.mode, result.picture.size) == ("RGB", (64, 64))
    assert (result.cost, result.prompt, result.cache) == (COST, None, {})
    assert list(result.timings) == ["submit", "wait", "download"]
    assert min(result.timings.values()) > 0
    (task,) = bfl.tasks
    assert [(call.method, call.path) for call in bfl.calls] == [
        ("POST", "/v1/flux-2-pro"),
        *[("GET", f"/v1/get_result?id={task}")] * 4,
        ("GET", f"/results/{task}?sig={SIGNATURE}"),
    ]


def test_the_key_goes_with_tasks_and_not_with_pictures(bfl: BflServer, outcome: Outcome) -> None:
    rendered(outcome)
    assert [call.headers.get("x-key") for call in bfl.calls] == [KEY, KEY, None]
    assert KEY not in str(bfl.downloads)


@pytest.mark.parametrize(("told", "cost"), [({"cost": None}, None), ({"cost": "3"}, None), ({"cost": 3}, 3.0)])
def test_the_cost_is_what_is_told(told: dict[str, Any], cost: float | None, bfl: BflServer, outcome: Outcome) -> None:
    bfl.usual.accepted = told
    assert rendered(outcome).cost == cost


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_refusal_for_now_is_tried_again(status: int, bfl: BflServer, outcome: Outcome, brisk: Brisk) -> None:
    bfl.usual.submit = [Reply(status, {"detail": "busy"})] * 3
    rendered(outcome)
    assert len(bfl.posts) == 4
    assert len(bfl.tasks) == 1
    assert len(brisk.pauses) == 4


@pytest.mark.parametrize(
    ("reply", "least", "most"),
    [
        (Reply(429, {"retry_after": 5}), 5.0, 6.0),
        (Reply(429, {}, {"Retry-After": "7"}), 7.0, 8.0),
        (Reply(503, {}, {"Retry-After": "3600"}), 60.0, 60.0),
    ],
)
def test_the_service_says_how_long_to_wait(
    reply: Reply, least: float, most: float, bfl: BflServer, outcome: Outcome, brisk: Brisk
) -> None:
    bfl.usual.submit = [reply]
    rendered(outcome)
    assert least <= brisk.pauses[0] <= most


def test_attempts_end(bfl: BflServer, cause: Cause) -> None:
    bfl.usual.submit = [Reply(429, {"message": "Too many concurrent requests"})] * 9
    assert cause() == "BFL couldn't serve this in 6 attempts; the last: HTTP 429: Too many concurrent requests"
    assert len(bfl.posts) == 6


def test_a_service_that_isnt_there_is_tried_again(
    bfl: BflServer, cause: Cause, brisk: Brisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("BFL_API_URL", f"http://127.0.0.1:{unused.getsockname()[1]}")
        assert cause(attempts=3).startswith("BFL couldn't serve this in 3 attempts; the last: ConnectError: ")
    assert len(brisk.pauses) == 2


@pytest.mark.parametrize(
    ("reply", "retry_policy", "told"),
    [
        (Reply(lost=True), {}, "BFL's answer was lost (RemoteProtocolError: "),
        (Reply(200, {"id": "x" * 99}, lost=True), {}, "BFL's answer was lost (RemoteProtocolError: "),
        (Reply(held=True), {"io": 0.2}, "BFL's answer was lost (ReadTimeout"),
        (Reply(502, {}), {}, "BFL answered HTTP 502: "),
        (Reply(504, {}), {}, "BFL answered HTTP 504: "),
        (Reply(200, b"<html>"), {}, "BFL's answer names no task: "),
        (Reply(200, {"id": "1"}), {}, "BFL's answer names no task: "),
    ],
)
def test_a_task_that_may_be_running_isnt_submitted_again(
    reply: Reply, retry_policy: dict[str, Any], told: str, bfl: BflServer, cause: Cause
) -> None:
    bfl.usual.submit = [reply]
    text = cause(**retry_policy)
    assert text.startswith(told)
    assert text.endswith(CHARGED)
    assert len(bfl.posts) == 1


def test_what_the_client_quotes_doesnt_show_the_key(bfl: BflServer, cause: Cause) -> None:
    bfl.usual.submit = [Reply(raw=f"odd {KEY}\r\n\r\n".encode())]
    text = cause()
    assert "odd [BFL_API_KEY]" in text
    assert KEY not in text


@pytest.mark.parametrize("reply", [Reply(lost=True), Reply(500, {}), Reply(429, {}), Reply(502, {})])
def test_a_task_is_looked_at_again_where_an_answer_is_lost(reply: Reply, bfl: BflServer, outcome: Outcome) -> None:
    bfl.usual.polls = [reply, reply]
    rendered(outcome)
    assert (len(bfl.posts), len(bfl.polls)) == (1, 3)


@pytest.mark.parametrize(
    "reply", [Reply(lost=True), Reply(200, picture_of(7, (64, 64)), lost=True), Reply(503, {}), Reply(held=True)]
)
def test_a_picture_is_fetched_again_where_it_breaks_off(reply: Reply, bfl: BflServer, outcome: Outcome) -> None:
    bfl.usual.downloads = [reply]
    rendered(outcome, io=0.3)
    assert (len(bfl.posts), len(bfl.downloads)) == (1, 2)


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply(400, {"detail": "no such format"}), "BFL refused the request (HTTP 400): no such format"),
        (
            Reply(422, {"detail": [{"loc": ["body", "seed"], "msg": "too large", "input": "a fox"}]}),
            "BFL refused the request (HTTP 422): body.seed: too large",
        ),
        (Reply(404, {"detail": "Not Found"}), "BFL couldn't serve the request (HTTP 404): Not Found"),
    ],
)
def test_a_refusal_is_told_and_not_tried_again(reply: Reply, told: str, bfl: BflServer, cause: Cause) -> None:
    bfl.usual.submit = [reply]
    assert cause() == told
    assert len(bfl.posts) == 1


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ({"status": "Request Moderated"}, "moderated: the request was refused by BFL's filter (task ID)"),
        (
            {"status": "Content Moderated", "fields": {"details": {"Moderation Reasons": ["weapons"]}}},
            """moderated: the picture was refused by BFL's filter: {"Moderation Reasons": ["weapons"]} (task ID)""",
        ),
        ({"status": "Task not found"}, "task not found: BFL doesn't know it (any more) (task ID)"),
        (
            {"status": "Error", "fields": {"details": {"error": "out of\nmemory"}}},
            "the task failed at BFL: out of memory (task ID)",
        ),
        ({"status": "Error"}, "the task failed at BFL (task ID)"),
        (
            {"status": "Sleeping"},
            "the task's status is 'Sleeping'; known are Pending, Reasoning, Generating, Ready, Request Moderated, "
            "Content Moderated, Task not found, Error (task ID)",
        ),
        ({"fields": {"result": None}}, "the task is ready, but result.sample names no picture (task ID)"),
        (
            {"polls": [Reply(404, {"status": "Task not found"})]},
            "task not found: BFL doesn't know it (any more) (task ID)",
        ),
        ({"polls": [Reply(503, {"status": "Error"})]}, "the task failed at BFL (task ID)"),
        ({"polls": [Reply(400, {"detail": "no"})]}, "BFL refused the request (HTTP 400): no (task ID)"),
        ({"polls": [Reply(200, {"status": ["Pending"]})]}, None),
        ({"downloads": [Reply(403, b"expired")]}, "the picture couldn't be fetched (HTTP 403) (task ID)"),
        ({"picture": b"<html>"}, "BFL's picture can't be read (UnidentifiedImageError); 6 bytes came (task ID)"),
        ({"picture": picture_of(7, (64, 48))}, "BFL made 64x48, asked were 64x64 (task ID)"),
    ],
)
def test_a_task_that_fails_tells_why(script: dict[str, Any], told: str | None, bfl: BflServer, cause: Cause) -> None:
    bfl.script("a fox", **script)
    text = cause()
    (task,) = bfl.tasks
    assert text.endswith(f"(task {task})")
    if told is not None:
        assert text == told.replace("ID", task)
    assert len(bfl.posts) == len(bfl.polls) == 1


def test_a_task_that_hangs_is_given_up(bfl: BflServer, cause: Cause) -> None:
    bfl.usual.seconds = 1e9
    text = cause(deadline=0.2)
    assert text.startswith("not ready after 0.2 s: the task may still be running and charged (task ")
    assert len(bfl.polls) > 1


def test_a_status_that_hangs_is_given_up(bfl: BflServer, cause: Cause) -> None:
    bfl.usual.polls = [Reply(held=True)]
    assert cause(deadline=0.2).startswith("not ready after 0.2 s")


def test_a_picture_that_hangs_is_given_up(bfl: BflServer, cause: Cause) -> None:
    bfl.usual.downloads = [Reply(held=True)]
    assert cause(deadline=0.5).startswith("the picture didn't come in 0.5 s (task ")


def test_a_picture_that_is_too_large_isnt_read_to_its_end(
    bfl: BflServer, cause: Cause, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "MAX_BYTES", 1 << 20)
    bfl.usual.picture = bytes((1 << 20) + 1)
    assert cause().startswith("BFL sent more than 1 MiB (task ")
    bfl.usual.picture = bytes(1 << 20)
    assert "can't be read" in cause()


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_told(status: int, bfl: BflServer, outcome: Outcome) -> None:
    bfl.usual.submit = [Reply(status, {"detail": "Not authenticated"})]
    result = outcome()
    assert isinstance(result, Failed)
    assert isinstance(result.cause, AccountError)
    assert str(result.cause) == f"BFL_API_KEY was refused (HTTP {status}): Not authenticated"


def test_a_wrong_key_is_refused(bfl: BflServer, cause: Cause, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BFL_API_KEY", "bfl_other")
    assert cause() == "BFL_API_KEY was refused (HTTP 401): Not authenticated"


def test_the_key_isnt_sent_to_another_host(bfl: BflServer, cause: Cause) -> None:
    with running_bfl_server() as other:
        bfl.usual.accepted = {"polling_url": f"{other.url}/v1/get_result?id=hidden"}
        text = cause()
        assert text.startswith("polling_url: http://127.0.0.1 isn't BFL's, so the key wasn't sent there")
        assert "hidden" not in text
        assert other.calls == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_key_doesnt_follow_redirects(status: int, bfl: BflServer, cause: Cause) -> None:
    with running_bfl_server() as other:
        reply = Reply(status, {}, {"Location": f"{other.url}/v1/get_result?id=1"})
        bfl.usual.submit = [reply]
        told = f"BFL answered with a redirect (HTTP {status}): the key isn't sent elsewhere"
        assert cause() == told
        bfl.usual.polls = [reply]
        assert cause().startswith(told)
        assert other.calls == []


def test_a_picture_may_be_redirected(bfl: BflServer, outcome: Outcome) -> None:
    bfl.usual.downloads = [Reply(302, b"", {"Location": f"{bfl.url}/elsewhere"})]
    result = outcome()
    assert isinstance(result, Failed)
    assert str(result.cause).startswith("the picture couldn't be fetched (HTTP 404)")
    assert bfl.calls[-1].path == "/elsewhere"
    assert "x-key" not in bfl.calls[-1].headers


@pytest.mark.parametrize("location", ["http://example.com/1?sig=hidden", "file:///etc/passwd", "ftp://127.0.0.1/1"])
def test_a_picture_isnt_redirected_into_the_open(location: str, bfl: BflServer, cause: Cause) -> None:
    bfl.usual.downloads = [Reply(302, b"", {"Location": location})]
    text = cause()
    assert "isn't https, so the picture wasn't fetched" in text or "not an address" in text
    assert "hidden" not in text


def test_a_picture_isnt_redirected_without_end(bfl: BflServer, cause: Cause) -> None:
    bfl.usual.downloads = [Reply(302, b"", {"Location": "?sig=" + SIGNATURE})] * 9
    assert cause().startswith("the picture couldn't be fetched (HTTP 302)")
    assert len(bfl.downloads) == 4


def test_waiting_for_an_answer_ends(bfl: BflServer, cause: Cause) -> None:
    bfl.usual.polls = [Reply(held=True)] * 2
    start = time.monotonic()
    assert cause(io=0.1, attempts=2).startswith("BFL couldn't serve this in 2 attempts; the last: ReadTimeout (task ")
    assert time.monotonic() - start < 10
