"""What is said about errors of Ray's job client."""

from __future__ import annotations

from pathlib import Path

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


REFUSED = "it refuses the token from {}; is it the cluster's?"
NOT_SENT = "it needs a token, and none is sent, because RAY_AUTH_MODE=token is missing; set it to send that of {}"


@pytest.mark.parametrize(("mode", "expected"), [("token", REFUSED), ("disabled", NOT_SENT)])
@pytest.mark.parametrize(
    ("variables", "source"),
    [
        ({"RAY_AUTH_TOKEN": "secret", "RAY_AUTH_TOKEN_PATH": "/tokens/one"}, "RAY_AUTH_TOKEN"),
        ({"RAY_AUTH_TOKEN_PATH": "/tokens/one"}, "/tokens/one (RAY_AUTH_TOKEN_PATH)"),
        ({}, "~/.ray/auth_token"),
    ],
)
def test_the_place_of_a_token_is_named(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    mode: str,
    expected: str,
    variables: dict[str, str],
    source: str,
) -> None:
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").write_text("secret")
    for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": str(tmp_path), "RAY_AUTH_MODE": mode, **variables}.items():
        monkeypatch.setenv(name, value)
    text = "Authentication failed" if mode == "token" else "Authentication required"
    assert error_message(ADDRESS, text) == f"the job server at {ADDRESS}: {expected.format(source)}"


def test_without_a_token_both_variables_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    message = error_message(ADDRESS, "Authentication required")
    assert "it needs a token; set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN, or RAY_AUTH_TOKEN_PATH to a file" in message


def test_long_texts_end_after_a_sentence() -> None:
    sentence = "The server can't do this today (e.g., it is full)."
    message = error_message(ADDRESS, f"{sentence} {'word ' * MAX_TEXT}")
    assert message == f"the job server at {ADDRESS}: {sentence} …"
    message = error_message(ADDRESS, "x" * (MAX_TEXT + 1))
    assert message == f"the job server at {ADDRESS}: {'x' * (MAX_TEXT - 1)}…"
    message = error_message(ADDRESS, "x" * MAX_TEXT)
    assert message.endswith("x" * MAX_TEXT)
