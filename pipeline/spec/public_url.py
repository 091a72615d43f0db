"""The `public_url:` of a campaign: where readers find what is delivered."""

from __future__ import annotations

from urllib.parse import quote as percent_encoded
from urllib.parse import urlsplit

from brandpress.pipeline.spec.fields import plain_text
from brandpress.pipeline.spec.messages import quote
from brandpress.pipeline.spec.problem import WrongValueError

PUBLIC_URL_RULE = "allowed: https://host/path, where the folder of deliver: can be read, without a query"


def parse_public_url(value: object) -> str:
    """Returns a URL without a slash at its end. Raises WrongValueError."""
    text = plain_text(value)
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        raise WrongValueError(f"{quote(text)} isn't a URL", PUBLIC_URL_RULE) from None
    if url.username is not None or url.password is not None:
        raise WrongValueError("contains a user or a password", PUBLIC_URL_RULE)
    if url.scheme not in ("http", "https") or not url.hostname or any(c.isspace() for c in text):
        suggestion = quote(f"https://{text}") if "://" not in text and "." in text.partition("/")[0] else ""
        raise WrongValueError(f"{quote(text)} isn't a URL of the web", PUBLIC_URL_RULE, suggestion)
    if url.query or url.fragment or port == 0 or "?" in text or "#" in text:
        raise WrongValueError(f"{quote(text)} has a query or a fragment", PUBLIC_URL_RULE)
    return text.rstrip("/")


def object_url(public_url: str, campaign: str, key: str) -> str:
    """Returns the URL of the object `key` in a campaign's folder."""
    return f"{public_url}/{percent_encoded(campaign)}/{percent_encoded(key)}"
