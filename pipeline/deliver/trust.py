"""Whether a file's content credentials (C2PA) are intact, and signed by someone whom a pinned anchor trusts."""

from __future__ import annotations

from enum import Enum
from io import BytesIO
from typing import Any

from brandpress.pipeline.deliver.c2pa_extra import c2pa, offline_context
from brandpress.pipeline.deliver.content_credentials import has_credentials, media_type_of


class Trust(Enum):
    """What credentials are worth; the value is how messages say it."""

    ABSENT = "no content credentials"
    BROKEN = "the file was changed after it was signed"
    FOREIGN = "signed by someone whom the anchor doesn't trust"
    EXPIRED = "the signer's certificate wasn't valid, or isn't any more"
    TRUSTED = "signed by someone whom the anchor trusts"


def trust_of(data: bytes, anchors: bytes) -> Trust:
    """Returns what a file's credentials are worth. anchors: PEM of the certificates that are trusted, and no others.

    "Valid" in C2PA's sense isn't enough: anybody can make a certificate and sign with it. Raises CredentialsError if
    c2pa-python isn't installed.
    """
    library = c2pa()
    if not has_credentials(data):
        return Trust.ABSENT
    try:
        context = offline_context({"trust": {"trust_anchors": anchors.decode("ascii", "replace")}})
        reader = library.Reader.try_create(stream=BytesIO(data), format_or_path=media_type_of(data), context=context)
        if reader is None:
            return Trust.ABSENT
        state, results = reader.get_validation_state(), reader.get_validation_results()
    except library.C2paError:
        return Trust.BROKEN
    if state == "Trusted":
        return Trust.TRUSTED
    codes = _failures(results)
    if codes and all(code.startswith(("signingCredential.", "claimSignature.outsideValidity")) for code in codes):
        expired = {"signingCredential.expired", "claimSignature.outsideValidity"}
        return Trust.EXPIRED if expired & codes else Trust.FOREIGN
    return Trust.FOREIGN if state == "Valid" else Trust.BROKEN


def _failures(results: dict[str, Any] | None) -> set[str]:
    """Returns the codes of what is wrong with the newest credentials of a file."""
    active = (results or {}).get("activeManifest") or {}
    return {str(one.get("code")) for one in active.get("failure") or ()}
