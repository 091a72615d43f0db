"""Addresses on the web that a job names: what all of them must fulfil."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from brandpress.pipeline.spec.fields import plain_text
from brandpress.pipeline.spec.messages import quote
from brandpress.pipeline.spec.problem import WrongValueError


def parse_web_url(value: object, rule: str, without_query: str = "") -> tuple[str, SplitResult]:
    """Returns a URL and its parts: `http` or `https`, without a user, a query and a fragment.

    rule: what is allowed. without_query: the end of the rule for a URL with a query. Raises WrongValueError.
    """
    text = plain_text(value)
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        raise WrongValueError(f"{quote(text)} isn't a URL", rule) from None
    if url.username is not None or url.password is not None:
        raise WrongValueError("contains a user or a password", rule)
    if url.query or url.fragment or "?" in text or "#" in text:
        what = f"{quote(re.split('[?#]', text)[0])} has a query or a fragment"
        raise WrongValueError(what, rule + without_query)
    if url.scheme not in ("http", "https") or not url.hostname or port == 0 or any(char.isspace() for char in text):
        suggestion = quote(f"https://{text}") if "://" not in text and "." in text.partition("/")[0] else ""
        raise WrongValueError(f"{quote(text)} isn't a URL of the web", rule, suggestion)
    return text, url
