"""The `on_finish:` of a campaign: which address is told when a run ends."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from brandpress.pipeline.spec.fields import Fields, plain_text, reader
from brandpress.pipeline.spec.messages import allowed, closest, kind, quote
from brandpress.pipeline.spec.problem import WrongValueError
from brandpress.pipeline.spec.web_url import parse_web_url

Result = Literal["done", "incomplete", "failed", "interrupted"]
RESULTS: tuple[Result, ...] = ("done", "incomplete", "failed", "interrupted")
"""How a run ends: everything is done; some pictures failed; nothing could be rendered; a signal ended it."""

LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""Hosts that `http://` may be used with."""

URL_RULE = "allowed: https://host/path, without a query; http:// for localhost only"
VARIABLE_RULE = "allowed: the name of an environment variable that holds whsec_…, such as WEBHOOK_SECRET"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")


def parse_webhook_url(value: object) -> str:
    """Returns the address to post to. Raises WrongValueError."""
    text, url = parse_web_url(value, URL_RULE, "; sign with secret_env: instead of a key in the address")
    if not text.isascii():
        raise WrongValueError(f"{quote(text)} isn't a URL of the web", URL_RULE)
    if url.scheme == "http" and url.hostname not in LOOPBACK:
        raise WrongValueError(f"{quote(text)} isn't encrypted", URL_RULE, quote(f"https{text[4:]}"))
    return text


def parse_variable(value: object) -> str:
    """Returns the name of an environment variable. Raises WrongValueError."""
    text = plain_text(value)
    if text.startswith("whsec_"):
        raise WrongValueError("is the secret itself, which doesn't belong into a file", VARIABLE_RULE)
    if not _VARIABLE.fullmatch(text):
        raise WrongValueError(f"{quote(text)} isn't the name of an environment variable", VARIABLE_RULE)
    return text


def parse_results(value: object) -> tuple[str, ...]:
    """Returns the results that are reported. Raises a group of WrongValueErrors, or one."""
    rule = allowed(RESULTS)
    if not isinstance(value, tuple):
        suggestion = quote(f"[{value}]") if isinstance(value, str) and value in RESULTS else ""
        raise WrongValueError(f"must be a list, not {kind(value)}", rule, suggestion)
    if not value:
        raise WrongValueError("is empty", f"{rule}; or remove on_finish")
    errors = [
        WrongValueError(f"{kind(result)} isn't known", rule, closest(str(result), RESULTS), at=(i,))
        for i, result in enumerate(value)
        if result not in RESULTS
    ]
    if errors:
        raise ExceptionGroup("wrong values", errors)
    return tuple(dict.fromkeys(map(str, value)))


class Webhook(Fields):
    """An address that gets a POST request when a run ends.

    secret_env: name of the environment variable with the secret that signs it. results: which ones are reported; not
    called `on`, which YAML reads as true.
    """

    url: Annotated[str, reader(parse_webhook_url)] = Field(description="url: https://hooks.example/brandpress")
    secret_env: Annotated[str, reader(parse_variable)] | None = None
    results: Annotated[tuple[Result, ...], reader(parse_results)] = RESULTS


OnFinish = Annotated[
    Annotated[str, reader(parse_webhook_url), Tag("url")] | Annotated[Webhook, Tag("webhook")],
    Discriminator(lambda value: "webhook" if isinstance(value, (dict, Webhook)) else "url"),
]


def webhook_of(written: str | Webhook | None) -> Webhook | None:
    """Returns the webhook of `on_finish:`, which can be just an address."""
    return Webhook(url=written) if isinstance(written, str) else written
