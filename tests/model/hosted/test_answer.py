"""The errors that BFL's responses become."""

from __future__ import annotations

import json
import time
from email.utils import formatdate
from typing import Any

import pytest
from httpx2 import Headers

from brandpress.model.errors import AccountError
from brandpress.model.hosted.answer import Answer

SECRET = "bfl_secret"


def answer(status: int, body: Any, **headers: str) -> Answer:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, Headers(headers), data, SECRET)


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (400, {"detail": "bad size"}, "BFL rejected the request (HTTP 400): bad size"),
        (
            422,
            {"detail": [{"loc": ["body", "width"], "msg": "at least 64", "input": 1}, {"loc": None, "msg": "and so"}]},
            "BFL rejected the request (HTTP 422): body.width: at least 64; None: and so",
        ),
        (418, b"<html>teapot\r\n</html>", "BFL couldn't serve the request (HTTP 418): <html>teapot </html>"),
        (404, b"", "BFL couldn't serve the request (HTTP 404)"),
        (
            302,
            b"",
            "BFL responded with a redirect (HTTP 302), which isn't followed because of the key",
        ),
        (400, {"error": "bad", "message": "too bad"}, "BFL rejected the request (HTTP 400): too bad"),
        (400, {"detail": {"why": "so"}}, 'BFL rejected the request (HTTP 400): {"why": "so"}'),
        (400, b"[" * 100_000, "BFL rejected the request (HTTP 400): " + "[" * 299 + "…"),
    ],
)
def test_the_services_text_is_in_the_message(status: int, body: Any, message: str) -> None:
    error = answer(status, body).to_error()
    assert str(error) == message
    assert not isinstance(error, AccountError)


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (401, {"detail": "Not authenticated"}, "BFL_API_KEY was rejected (HTTP 401): Not authenticated"),
        (403, b"", "BFL_API_KEY was rejected (HTTP 403)"),
        (422, {"detail": "Invalid API key format"}, "BFL_API_KEY was rejected (HTTP 422): Invalid API key format"),
        (402, {"detail": "Insufficient credits"}, "no credits left: Insufficient credits"),
        (402, b"", "no credits left: HTTP 402"),
    ],
)
def test_account_errors_have_their_own_class(status: int, body: Any, message: str) -> None:
    error = answer(status, body).to_error()
    assert str(error) == message
    assert isinstance(error, AccountError)


def test_a_text_is_one_short_line_without_the_key() -> None:
    detail = answer(400, {"detail": f"\x1b[31mno\n\u202e {SECRET} {'x' * 400}"}).detail
    assert detail.startswith("[31mno [BFL_API_KEY] xxx")
    assert len(detail) == 300


def test_a_truncated_text_shows_no_part_of_the_key() -> None:
    detail = answer(400, {"detail": "x" * 295 + SECRET}).detail
    assert detail == "x" * 295 + "[BFL…"


@pytest.mark.parametrize(
    ("body", "headers", "seconds"),
    [
        ({}, {}, 0.0),
        ({}, {"Retry-After": "7"}, 7.0),
        ({"retry_after": 5}, {}, 5.0),
        ({"retry_after": "2.5"}, {}, 2.5),
        ({"retry_after": 5}, {"Retry-After": "7"}, 7.0),
        ({"retry_after": True}, {}, 0.0),
        ({"retry_after": [1]}, {}, 0.0),
        ({}, {"Retry-After": "-3"}, 0.0),
        ({}, {"Retry-After": "nan"}, 0.0),
        ({}, {"Retry-After": "inf"}, 0.0),
        ({}, {"Retry-After": "soon"}, 0.0),
        ({}, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
    ],
)
def test_retry_after(body: Any, headers: dict[str, str], seconds: float) -> None:
    assert answer(429, body, **headers).retry_after == seconds


def test_retry_after_can_be_a_date() -> None:
    seconds = answer(429, {}, **{"Retry-After": formatdate(time.time() + 3600, usegmt=True)}).retry_after
    assert 3000 < seconds <= 3600


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"details": {"error": "out of memory"}, "result": {"error": "other"}}, "out of memory"),
        ({"details": None, "result": {"error": "out of memory"}}, "out of memory"),
        ({"details": {"Moderation Reasons": ["weapons"]}}, '{"Moderation Reasons": ["weapons"]}'),
        ({"error": "out of memory"}, "out of memory"),
        ({"details": {}, "result": None}, ""),
        ([], ""),
    ],
)
def test_why_a_task_failed(body: Any, why: str) -> None:
    assert answer(200, body).failure == why
