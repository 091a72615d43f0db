"""What is said about errors of Ray's job client."""

from __future__ import annotations

import pytest

from brandpress.pipeline.run.job_server_error import MAX_TEXT, error_message

ADDRESS = "http://127.0.0.1:8265"


@pytest.mark.parametrize(
    "text",
    [
        f"Failed to connect to Ray at address: {ADDRESS}.",
        "HTTPConnectionPool(host='127.0.0.1', port=8265): Max retries exceeded with url: /api/jobs/",
        "Cannot connect to host 127.0.0.1:8265 ssl:default",
    ],
)
def test_a_server_out_of_reach_is_named_once_with_what_to_check(text: str) -> None:
    message = error_message(ADDRESS, text)
    assert message.count("8265") == 1
    assert message.startswith(
        f"the job server at {ADDRESS} can't be reached; check that the cluster's dashboard is runn"
    )
    assert message.endswith("the address (--address or RAY_API_SERVER_ADDRESS)")


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/nosuch", "RAY_AUTH_TOKEN_PATH: /nosuch can't be read or is empty"),
        ("", "RAY_AUTH_MODE=token: there is no "),
    ],
)
def test_a_missing_token_is_told_with_the_command_that_makes_one(
    monkeypatch: pytest.MonkeyPatch, path: str, problem: str
) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", path)
    text = "is set but" if path else "authentication is enabled but Ray couldn't find an authentication token"
    message = error_message(ADDRESS, f"{'RAY_AUTH_TOKEN_PATH' if path else 'Token'} {text} …")
    assert message.startswith(problem)
    assert "`ray get-auth-token --generate` writes" in message


def test_long_texts_end_after_a_sentence() -> None:
    sentence = "The server can't do this today (e.g., it is full)."
    message = error_message(ADDRESS, f"{sentence} {'word ' * MAX_TEXT}")
    assert message == f"the job server at {ADDRESS}: {sentence} …"
    message = error_message(ADDRESS, "x" * (MAX_TEXT + 1))
    assert message == f"the job server at {ADDRESS}: {'x' * (MAX_TEXT - 1)}…"
    message = error_message(ADDRESS, "x" * MAX_TEXT)
    assert message.endswith("x" * MAX_TEXT)
