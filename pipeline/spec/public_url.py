"""The `public_url:` of a campaign: where readers find what is delivered."""

from __future__ import annotations

from urllib.parse import quote as percent_encoded

from brandpress.pipeline.spec.web_url import parse_web_url

PUBLIC_URL_RULE = "allowed: https://host/path, where the folder of deliver: can be read, without a query"


def parse_public_url(value: object) -> str:
    """Returns a URL without a slash at its end. Raises WrongValueError."""
    text, _ = parse_web_url(value, PUBLIC_URL_RULE)
    return text.rstrip("/")


def object_url(public_url: str, campaign: str, key: str) -> str:
    """Returns the URL of the object `key` in a campaign's folder."""
    return f"{public_url}/{percent_encoded(campaign)}/{percent_encoded(key)}"
