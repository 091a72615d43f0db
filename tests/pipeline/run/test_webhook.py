"""Webhooks, sent to real servers; signatures are verified by the library of Standard Webhooks."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from brandpress.pipeline.run.webhook import FIRST_PAUSE, HOSTS, WebhookError, require_sendable, send
from brandpress.pipeline.spec.on_finish import Webhook
from tests.ray_nodes import free_port
from tests.webhook_server import HOST, WebhookServer, loopback, no_sleep, running_webhook_server

SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()
BODY = json.dumps({"campaign": "spring", "name": "mø"}, ensure_ascii=False).encode()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebhookServer]:
    monkeypatch.setenv(HOSTS, f"localhost, {HOST}")
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    with running_webhook_server() as server:
        yield server


def post(
    server: WebhookServer, secret_env: str | None = "HOOK_SECRET", seconds: float = 20.0
) -> tuple[int, list[float]]:
    """Sends a message; returns the number of attempts, and the pauses between them."""
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        no_sleep(seconds)

    hook = Webhook(url=server.url, secret_env=secret_env)
    attempts = send(hook, "msg_1", BODY, seconds=seconds, resolve=loopback, context=server.trust, sleep=sleep)
    return attempts, pauses


def test_a_message_is_signed_as_receivers_expect(server: WebhookServer) -> None:
    assert post(server) == (1, [])
    (request,) = server.received
    assert (request.path, request.headers["content-type"]) == ("/hook", "application/json")
    assert Verifier(SECRET).verify(request.body, request.headers) == {"campaign": "spring", "name": "mø"}
    with pytest.raises(WebhookVerificationError):
        Verifier(SECRET).verify(request.body + b" ", request.headers)
    with pytest.raises(WebhookVerificationError):
        Verifier("whsec_" + base64.b64encode(b"t" * 32).decode()).verify(request.body, request.headers)


def test_without_a_secret_there_is_no_signature(server: WebhookServer) -> None:
    post(server, secret_env=None)
    (request,) = server.received
    assert "webhook-signature" not in request.headers
    assert request.headers["webhook-id"] == "msg_1"


def test_over_tls_the_certificate_is_checked(server: WebhookServer) -> None:
    with running_webhook_server(tls=True) as secure:
        assert post(secure) == (1, [])
        assert len(secure.received) == 1
        trust, secure.trust = secure.trust, server.trust  # the system's certificates
        secure_url = f"https://{HOST}:{secure.port}/hook"
        with pytest.raises(WebhookError, match=r"certificate|CERTIFICATE|SSL"):
            send(Webhook(url=secure_url), "msg_1", BODY, seconds=0.2, resolve=loopback, sleep=no_sleep)
        assert trust is not None
        assert len(secure.received) == 1


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 599])
def test_a_server_in_trouble_is_asked_again(server: WebhookServer, status: int) -> None:
    server.answers = [(status, {}), (status, {}), (200, {})]
    attempts, pauses = post(server)
    assert attempts == 3
    assert 0.5 <= pauses[0] <= 1.0 <= pauses[1] <= 2.0
    assert {request.headers["webhook-id"] for request in server.received} == {"msg_1"}
    for request in server.received:
        Verifier(SECRET).verify(request.body, request.headers)


@pytest.mark.parametrize("status", [301, 302, 308, 400, 401, 403, 404, 410, 418])
def test_a_refusal_is_final_and_redirects_arent_followed(server: WebhookServer, status: int) -> None:
    server.answers = [(status, {"Location": f"http://localhost:{server.port}/elsewhere"})]
    with pytest.raises(WebhookError, match=f"didn't accept the message in one attempt: HTTP {status}"):
        post(server)
    assert [request.path for request in server.received] == ["/hook"]


def test_retry_after_is_honoured(server: WebhookServer) -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=9), usegmt=True)
    server.answers = [(429, {"Retry-After": "7"}), (503, {"Retry-After": later}), (503, {"Retry-After": "soon"})]
    attempts, (first, second, third) = post(server)
    assert (attempts, first) == (4, 7.0)
    assert 7.0 <= second <= 9.0
    assert third <= 4.0


def test_a_server_that_wants_no_pause_gets_one(server: WebhookServer) -> None:
    server.answers = [(503, {"Retry-After": "0"})] * 4
    attempts, pauses = post(server)
    assert (attempts, len(pauses)) == (5, 4)
    assert all(pause >= FIRST_PAUSE / 2 for pause in pauses)
    assert pauses[-1] > pauses[0]


def test_the_attempts_end_with_their_time(server: WebhookServer) -> None:
    server.answers = [(503, {"Retry-After": "3600"})]
    with pytest.raises(WebhookError, match="in one attempt: HTTP 503"):
        post(server)
    server.hang = True
    with pytest.raises(WebhookError, match="didn't accept the message in one attempt: it doesn't answer in time"):
        post(server, seconds=0.3)


def test_a_server_that_isnt_there(server: WebhookServer) -> None:
    hook = Webhook(url=f"http://localhost:{free_port()}/hook")
    with pytest.raises(WebhookError, match=r"in [23] attempts: Connection refused"):
        send(hook, "msg_1", BODY, seconds=1.5, sleep=no_sleep)


@pytest.mark.parametrize(
    ("hosts", "url", "message"),
    [
        ("", "https://hooks.example.com/x", f"posts nothing to 'hooks.example.com'; add the host to {HOSTS}"),
        ("example.com", "https://hooks.example.com/x", "posts nothing to 'hooks.example.com'"),
        ("*.example.com", "https://hooks.example.com.evil/x", "posts nothing to"),
        ("other", "http://localhost/x", "posts nothing to 'localhost'"),
        ("*.example.com", "https://hooks.example.com/x", "is an address of a private network; if it.s yours, name it"),
    ],
)
def test_other_hosts_are_refused(monkeypatch: pytest.MonkeyPatch, hosts: str, url: str, message: str) -> None:
    monkeypatch.setenv(HOSTS, hosts)
    with pytest.raises(WebhookError, match=message):
        send(Webhook(url=url), "msg_1", BODY, resolve=loopback, sleep=no_sleep)


@pytest.mark.parametrize(
    "value", ["", "hunter2", SECRET.removeprefix("whsec_"), "whsec_", "whsec_c2hvcnQ=", "whsec_" + "!" * 40]
)
def test_other_secrets_are_refused_and_not_quoted(
    server: WebhookServer, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("HOOK_SECRET", value)
    with pytest.raises(WebhookError, match=r"on_finish.secret_env: HOOK_SECRET .*set it to whsec_") as error:
        post(server)
    assert len(value) < 7 or value not in str(error.value)
    with pytest.raises(WebhookError, match="HOOK_SECRET"):
        require_sendable(Webhook(url=server.url, secret_env="HOOK_SECRET"))
    assert server.received == []
