"""Removes credentials from texts that are logged, recorded or printed: known shapes of tokens, and users in URLs."""

from __future__ import annotations

import re

REMOVED = "[secret removed]"

_TOKENS = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])"  # AWS
    r"|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}"
    r"|gl(?:pat|dt|cbt|ptt|rt|soat|ft|agent)-[A-Za-z0-9_.-]{16,}"
    r"|hf_[A-Za-z0-9]{20,}|api_org_[A-Za-z0-9]{20,}"  # Hugging Face
    r"|sk-[A-Za-z0-9_-]{16,}|[rsp]k_(?:live|test)_[A-Za-z0-9]{10,}"  # OpenAI, Anthropic, Stripe
    r"|xox[a-z]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{10,}"  # Slack
    r"|AIza[A-Za-z0-9_-]{30,}|ya29\.[A-Za-z0-9_-]{20,}|GOCSPX-[A-Za-z0-9_-]{20,}"  # Google
    r"|hv[sbr]\.[A-Za-z0-9_-]{20,}"  # Vault
    r"|npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_-]{30,}|dop_v1_[a-f0-9]{60,}|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"
    r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?"  # JSON web tokens
    r")"
)
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?:.*?-----END [A-Z ]*PRIVATE KEY-----|.*)", re.DOTALL)
_NAMED = re.compile(
    r"(?i)\b((?:aws_)?secret_access_key|aws_session_token|x-key|x-amz-(?:signature|security-token|credential))"
    r"(\\?[\"']?\s*[=:]\s*\\?[\"']?)[^\s\"',&;]+"  # also in JSON, and in JSON within JSON
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)(\s+)[A-Za-z0-9._~+/=-]{16,}")
_USER = re.compile(r"(?<=://)[^/\s@?#]{1,1000}@")


def redacted(text: str) -> str:
    """Returns the text without what looks like a credential. Other text stays as it is."""
    if "://" in text:
        text = _USER.sub("", text)
    text = _PRIVATE_KEY.sub(REMOVED, text) if "-----BEGIN" in text else text
    text = _NAMED.sub(rf"\1\2{REMOVED}", text)
    text = _BEARER.sub(rf"\1\2{REMOVED}", text)
    return _TOKENS.sub(REMOVED, text)
