"""The page as one HTML document: markup, style, script and data. It loads nothing but pictures."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from html import escape
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

SCRIPTS = ("state.js", "grid.js", "viewer.js", "page.js")
"""The parts of the page's script, in order. They share one scope."""


def page_html(content: Mapping[str, Any]) -> bytes:
    """Returns the document for the content of a page."""
    style, script = _static("page.css"), _script()
    title = f"{content['campaign']} · {content['brand']} · review"
    replacements = {
        "{{policy}}": escape(policy(content)),
        "{{title}}": escape(title),
        "{{style}}": style,
        "{{content}}": json_in_html(content),
        "{{script}}": script,
    }
    text = _static("page.html")
    parts = []
    for mark, replacement in replacements.items():  # each part once, so that a replacement is never searched for marks
        before, _, text = text.partition(mark)
        parts += [before, replacement]
    return "".join([*parts, text]).encode("utf-8", "replace")


def policy(content: Mapping[str, Any]) -> str:
    """Returns the content security policy: this style, this script, and pictures from where this page's are."""
    settings = content["settings"]
    pictures = ["'self'", "data:"] if settings["served"] else ["'self'", "data:", "file:"]
    url = urlsplit(settings["pictures"] or "")
    if url.scheme in ("http", "https"):
        pictures.append(f"{url.scheme}://{url.netloc}")
    rules = {
        "default-src": "'none'",
        "img-src": " ".join(pictures),
        "style-src": _digest(_static("page.css")),
        "script-src": _digest(_script()),
        "connect-src": "'self'" if settings["served"] else "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def json_in_html(value: Mapping[str, Any]) -> str:
    """Returns JSON that can stand in a script element: without `<`, `>` and `&`, which could end it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _script() -> str:
    """Returns the parts in one function, so that nothing of them is global."""
    parts = "\n".join(map(_static, SCRIPTS))
    return f'"use strict";\n(() => {{\n{parts}}})();\n'


@cache
def _static(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")
