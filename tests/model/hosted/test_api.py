"""The protocol and its errors, over HTTP against a local server."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest

from brandpress.model.errors import AccountError
from brandpress.model.hosted import api
from brandpress.model.request import Failed, Rendered
from tests.bfl_server import COST, KEY, SIGNATURE, BflServer, Reply, colour_of, picture_of, running_bfl_server
from tests.model.hosted.conftest import ShortPauses

Cause = Callable[..., str]
Outcome = Callable[..., Rendered | Failed]
CHARGED = "the task may be running and charged, so it wasn't submitted again"


def rendered(outcome: Outcome, **policy: Any) -> Rendered:
    result = outcome(**policy)
    assert isinstance(result, Rendered), result
    return result


def test_a_picture_is_submitted_polled_and_downloaded(bfl: BflServer, outcome: Outcome) -> None:
    bfl.default.polls = [Reply(200, {"status": status}) for status in ("Pending", "Reasoning", "Generating")]
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


def test_the_key_is_sent_for_tasks_but_not_for_pictures(bfl: BflServer, outcome: Outcome) -> None:
    rendered(outcome)
    assert [call.headers.get("x-key") for call in bfl.calls] == [KEY, KEY, None]
    assert KEY not in str(bfl.downloads)


@pytest.mark.parametrize(("accepted", "cost"), [({"cost": None}, None), ({"cost": "3"}, None), ({"cost": 3}, 3.0)])
def test_the_cost_comes_from_the_response(
    accepted: dict[str, Any], cost: float | None, bfl: BflServer, outcome: Outcome
) -> None:
    bfl.default.accepted = accepted
    assert rendered(outcome).cost == cost


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_temporary_rejection_is_retried(status: int, bfl: BflServer, outcome: Outcome, pauses: ShortPauses) -> None:
    bfl.default.submit = [Reply(status, {"detail": "busy"})] * 3
    rendered(outcome)
    assert len(bfl.posts) == 4
    assert len(bfl.tasks) == 1
    assert len(pauses.seconds) == 4


@pytest.mark.parametrize(
    ("reply", "least", "most"),
    [
        (Reply(429, {"retry_after": 5}), 5.0, 6.0),
        (Reply(429, {}, {"Retry-After": "7"}), 7.0, 8.0),
        (Reply(503, {}, {"Retry-After": "3600"}), 60.0, 60.0),
    ],
)
def test_retry_after_is_respected(
    reply: Reply, least: float, most: float, bfl: BflServer, outcome: Outcome, pauses: ShortPauses
) -> None:
    bfl.default.submit = [reply]
    rendered(outcome)
    assert least <= pauses.seconds[0] <= most


def test_attempts_end(bfl: BflServer, cause: Cause) -> None:
    bfl.default.submit = [Reply(429, {"message": "Too many concurrent requests"})] * 9
    assert cause() == "BFL couldn't serve the request in 6 attempts; last error: HTTP 429: Too many concurrent requests"
    assert len(bfl.posts) == 6


def test_a_failed_connection_is_retried(
    bfl: BflServer, cause: Cause, pauses: ShortPauses, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("BFL_API_URL", f"http://127.0.0.1:{unused.getsockname()[1]}")
        assert cause(max_attempts=3).startswith(
            "BFL couldn't serve the request in 3 attempts; last error: ConnectError: "
        )
    assert len(pauses.seconds) == 2


@pytest.mark.parametrize(
    ("reply", "policy", "message"),
    [
        (Reply(lost=True), {}, "BFL's response was lost (RemoteProtocolError: "),
        (Reply(200, {"id": "x" * 99}, lost=True), {}, "BFL's response was lost (RemoteProtocolError: "),
        (Reply(held=True), {"io_timeout": 0.2}, "BFL's response was lost (ReadTimeout"),
        (Reply(502, {}), {}, "BFL responded with HTTP 502: "),
        (Reply(504, {}), {}, "BFL responded with HTTP 504: "),
        (Reply(200, b"<html>"), {}, "BFL's response has no id or polling_url: "),
        (Reply(200, {"id": "1"}), {}, "BFL's response has no id or polling_url: "),
    ],
)
def test_a_task_that_may_be_running_is_not_submitted_again(
    reply: Reply, policy: dict[str, Any], message: str, bfl: BflServer, cause: Cause
) -> None:
    bfl.default.submit = [reply]
    text = cause(**policy)
    assert text.startswith(message)
    assert text.endswith(CHARGED)
    assert len(bfl.posts) == 1


def test_client_errors_do_not_show_the_key(bfl: BflServer, cause: Cause) -> None:
    bfl.default.submit = [Reply(raw=f"odd {KEY}\r\n\r\n".encode())]
    text = cause()
    assert "odd [BFL_API_KEY]" in text
    assert KEY not in text


@pytest.mark.parametrize("reply", [Reply(lost=True), Reply(500, {}), Reply(429, {}), Reply(502, {})])
def test_a_poll_is_retried_after_a_lost_response(reply: Reply, bfl: BflServer, outcome: Outcome) -> None:
    bfl.default.polls = [reply, reply]
    rendered(outcome)
    assert (len(bfl.posts), len(bfl.polls)) == (1, 3)


@pytest.mark.parametrize(
    "reply", [Reply(lost=True), Reply(200, picture_of(7, (64, 64)), lost=True), Reply(503, {}), Reply(held=True)]
)
def test_an_interrupted_download_is_retried(reply: Reply, bfl: BflServer, outcome: Outcome) -> None:
    bfl.default.downloads = [reply]
    rendered(outcome, io_timeout=0.3)
    assert (len(bfl.posts), len(bfl.downloads)) == (1, 2)


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (Reply(400, {"detail": "no such format"}), "BFL rejected the request (HTTP 400): no such format"),
        (
            Reply(422, {"detail": [{"loc": ["body", "seed"], "msg": "too large", "input": "a fox"}]}),
            "BFL rejected the request (HTTP 422): body.seed: too large",
        ),
        (Reply(404, {"detail": "Not Found"}), "BFL couldn't serve the request (HTTP 404): Not Found"),
    ],
)
def test_a_rejection_is_not_retried(reply: Reply, message: str, bfl: BflServer, cause: Cause) -> None:
    bfl.default.submit = [reply]
    assert cause() == message
    assert len(bfl.posts) == 1


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ({"status": "Request Moderated"}, "moderated: the request was rejected by BFL's filter (task ID)"),
        (
            {"status": "Content Moderated", "fields": {"details": {"Moderation Reasons": ["weapons"]}}},
            """moderated: the picture was rejected by BFL's filter: {"Moderation Reasons": ["weapons"]} (task ID)""",
        ),
        ({"status": "Task not found"}, "task not found: BFL doesn't know it, or no longer (task ID)"),
        (
            {"status": "Error", "fields": {"details": {"error": "out of\nmemory"}}},
            "the task failed at BFL: out of memory (task ID)",
        ),
        ({"status": "Error"}, "the task failed at BFL (task ID)"),
        (
            {"status": "Sleeping"},
            "the task's status is 'Sleeping'; expected one of Pending, Reasoning, Generating, Ready, Request "
            "Moderated, Content Moderated, Task not found, Error (task ID)",
        ),
        ({"fields": {"result": None}}, "the task is ready, but result.sample is missing (task ID)"),
        (
            {"polls": [Reply(404, {"status": "Task not found"})]},
            "task not found: BFL doesn't know it, or no longer (task ID)",
        ),
        ({"polls": [Reply(503, {"status": "Error"})]}, "the task failed at BFL (task ID)"),
        ({"polls": [Reply(400, {"detail": "no"})]}, "BFL rejected the request (HTTP 400): no (task ID)"),
        ({"polls": [Reply(200, {"status": ["Pending"]})]}, None),
        ({"downloads": [Reply(403, b"expired")]}, "the picture couldn't be downloaded (HTTP 403) (task ID)"),
        ({"picture": b"<html>"}, "BFL's picture can't be read (UnidentifiedImageError); received 6 bytes (task ID)"),
        ({"picture": picture_of(7, (64, 48))}, "expected a picture of 64x64, BFL returned 64x48 (task ID)"),
    ],
)
def test_a_failed_task_gives_the_reason(
    script: dict[str, Any], message: str | None, bfl: BflServer, cause: Cause
) -> None:
    bfl.script("a fox", **script)
    text = cause()
    (task,) = bfl.tasks
    assert text.endswith(f"(task {task})")
    if message is not None:
        assert text == message.replace("ID", task)
    assert len(bfl.posts) == len(bfl.polls) == 1


def test_a_task_times_out(bfl: BflServer, cause: Cause) -> None:
    bfl.default.seconds = 1e9
    text = cause(task_timeout=0.2)
    assert text.startswith("not ready after 0.2 s; the task may still be running and charged (task ")
    assert len(bfl.polls) > 1


def test_a_poll_times_out(bfl: BflServer, cause: Cause) -> None:
    bfl.default.polls = [Reply(held=True)]
    assert cause(task_timeout=0.2).startswith("not ready after 0.2 s")


def test_a_download_times_out(bfl: BflServer, cause: Cause) -> None:
    bfl.default.downloads = [Reply(held=True)]
    assert cause(task_timeout=0.5).startswith("the picture wasn't downloaded in 0.5 s; it may be charged (task ")


def test_a_picture_that_is_too_large_is_not_read_completely(
    bfl: BflServer, cause: Cause, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "MAX_BYTES", 1 << 20)
    bfl.default.picture = bytes((1 << 20) + 1)
    assert cause().startswith("BFL sent more than 1 MiB (task ")
    bfl.default.picture = bytes(1 << 20)
    assert "can't be read" in cause()


def test_an_answer_that_is_too_large_is_not_parsed(
    bfl: BflServer, cause: Cause, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parsed, it takes many times its size."""
    monkeypatch.setattr(api, "MAX_ANSWER_BYTES", 1 << 20)
    bfl.default.polls = [Reply(200, b"[" + b"[]," * (1 << 19) + b"0]")]
    assert cause().startswith("BFL sent more than 1 MiB (task ")


@pytest.mark.parametrize("status", [401, 403])
def test_a_rejected_key_is_an_account_error(status: int, bfl: BflServer, outcome: Outcome) -> None:
    bfl.default.submit = [Reply(status, {"detail": "Not authenticated"})]
    result = outcome()
    assert isinstance(result, Failed)
    assert isinstance(result.cause, AccountError)
    assert str(result.cause) == f"BFL_API_KEY was rejected (HTTP {status}): Not authenticated"


def test_a_wrong_key_is_rejected(bfl: BflServer, cause: Cause, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BFL_API_KEY", "bfl_other")
    assert cause() == "BFL_API_KEY was rejected (HTTP 401): Not authenticated"


def test_the_key_is_not_sent_to_another_host(bfl: BflServer, cause: Cause) -> None:
    with running_bfl_server() as other:
        bfl.default.accepted = {"polling_url": f"{other.url}/v1/get_result?id=hidden"}
        text = cause()
        assert text.startswith("polling_url: http://127.0.0.1 isn't a BFL host, so the key wasn't sent;")
        assert "hidden" not in text
        assert other.calls == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_of_calls_with_the_key_are_not_followed(status: int, bfl: BflServer, cause: Cause) -> None:
    with running_bfl_server() as other:
        reply = Reply(status, {}, {"Location": f"{other.url}/v1/get_result?id=1"})
        bfl.default.submit = [reply]
        message = f"BFL responded with a redirect (HTTP {status}), which isn't followed because of the key"
        assert cause() == message
        bfl.default.polls = [reply]
        assert cause().startswith(message)
        assert other.calls == []


def test_redirects_of_downloads_are_followed(bfl: BflServer, outcome: Outcome) -> None:
    bfl.default.downloads = [Reply(302, b"", {"Location": f"{bfl.url}/elsewhere"})]
    result = outcome()
    assert isinstance(result, Failed)
    assert str(result.cause).startswith("the picture couldn't be downloaded (HTTP 404)")
    assert bfl.calls[-1].path == "/elsewhere"
    assert "x-key" not in bfl.calls[-1].headers


@pytest.mark.parametrize("location", ["http://example.com/1?sig=hidden", "file:///etc/passwd", "ftp://127.0.0.1/1"])
def test_a_download_is_not_redirected_to_an_unencrypted_url(location: str, bfl: BflServer, cause: Cause) -> None:
    bfl.default.downloads = [Reply(302, b"", {"Location": location})]
    text = cause()
    assert "isn't https, so the picture wasn't downloaded" in text or "not a URL" in text
    assert "hidden" not in text


def test_the_number_of_redirects_is_limited(bfl: BflServer, cause: Cause) -> None:
    bfl.default.downloads = [Reply(302, b"", {"Location": "?sig=" + SIGNATURE})] * 9
    assert cause().startswith("the picture couldn't be downloaded (HTTP 302)")
    assert len(bfl.downloads) == 4


def test_reading_a_response_times_out_and_is_retried(bfl: BflServer, outcome: Outcome) -> None:
    bfl.default.polls = [Reply(held=True)] * 2
    rendered(outcome, io_timeout=0.1, max_attempts=1)
    assert (len(bfl.posts), len(bfl.polls)) == (1, 3)


@pytest.mark.parametrize("reply", [Reply(503, {}), Reply(lost=True)])
def test_a_long_outage_does_not_lose_a_task_that_was_submitted(reply: Reply, bfl: BflServer, outcome: Outcome) -> None:
    bfl.default.polls, bfl.default.downloads = [reply] * 9, [reply] * 9
    rendered(outcome)
    assert (len(bfl.posts), len(bfl.polls), len(bfl.downloads)) == (1, 10, 10)


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (
            "polls",
            "not ready after 0.3 s; last error: HTTP 503: busy; the task may still be running and charged (task ",
        ),
        ("downloads", "the picture wasn't downloaded in 0.3 s; last error: HTTP 503: busy; it may be charged (task "),
    ],
)
def test_an_outage_until_the_timeout_names_its_error(step: str, message: str, bfl: BflServer, cause: Cause) -> None:
    setattr(bfl.default, step, [Reply(503, {"detail": "busy"})] * 999)
    assert cause(task_timeout=0.3).startswith(message)
