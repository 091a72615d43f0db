"""What looks like a credential is removed from every text that is logged, recorded or printed."""

from __future__ import annotations

import pytest

from brandpress.model.errors import BrandpressError
from brandpress.model.redaction import REMOVED, redacted
from brandpress.pipeline.render.cause import cause_of
from brandpress.pipeline.spec.messages import quote
from brandpress.pipeline.spec.problem import Problem

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NSJ9.dQw4w9WgXcQabcdefgh"
TOKENS = [
    "AKIA" + "IOSFODNN7EXAMPLE",
    "ASIA" + "IOSFODNN7EXAMPLE",
    "ghp_" + "a1B2" * 9,
    "gho_" + "a1B2" * 9,
    "github_pat_" + "a1B2" * 9 + "_x",
    "glpat-" + "a1B2" * 5,
    "hf_" + "aBcD" * 8,
    "sk-" + "a1B2" * 8,
    "sk-ant-api03-" + "a1B2" * 8,
    "sk-proj-" + "a1B2" * 8,
    "xoxb-" + "12345-67890-abcdef",
    "xapp-" + "1-A12345-67890",
    "AIza" + "a1B2_" * 7,
    "hvs." + "a1B2" * 8,
    "npm_" + "a1B2" * 9,
    JWT,
]


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize("form", ["{}", "key={}", "'{}'", "https://{}@host/path", "Authorization: Bearer {}", "a,{},b"])
def test_tokens_are_removed_everywhere(token: str, form: str) -> None:
    text = form.format(token)
    problem = Problem("job.yaml", 1, 1, f"unknown {text}", text, text)
    for shown in (
        redacted(text),
        quote(text),
        str(BrandpressError(text)),
        str(problem),
        problem.what,
        problem.suggestion,
        cause_of(ValueError(text)).text,
    ):
        assert token not in shown
        assert token[8:] not in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see https://me:hush@host/a and s3://b/c", "see https://host/a and s3://b/c"),
        ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG", f"aws_secret_access_key = {REMOVED}"),
        ("x-key: 0123abcd, accept: */*", f"x-key: {REMOVED}, accept: */*"),
        ('{"x-key": "0123abcd", "n": 1}', f'{{"x-key": "{REMOVED}", "n": 1}}'),
        ("{'aws_secret_access_key': 'wJalrXUtnFEMI/K7MDENG'}", f"{{'aws_secret_access_key': '{REMOVED}'}}"),
        (r'"{\"x-key\":\"0123abcd\"}"', rf'"{{\"x-key\":\"{REMOVED}"}}"'),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----!", f"{REMOVED}!"),
    ],
)
def test_other_credentials(text: str, shown: str) -> None:
    assert redacted(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "a mug, sku NW-100, on a desk-sized table",
        "risk-averse task-oriented-and-long-hyphenated-words",
        "products.mug: 'pictures/mug.png' is listed twice",
        "sha256 " + "0123456789abcdef" * 4,
        "write to someone@example.com",
        "basic colours and bearer bonds",
        "https://example.com/a@b.png",
    ],
)
def test_other_text_stays(text: str) -> None:
    assert redacted(text) == text
