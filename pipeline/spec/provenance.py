"""The `provenance:` of a campaign: whether and how its pictures are signed with content credentials (C2PA)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from brandpress.pipeline.spec.document import Document, Location
from brandpress.pipeline.spec.fields import Fields, Text, plain_text, reader
from brandpress.pipeline.spec.messages import quote
from brandpress.pipeline.spec.problem import Problem, WrongValueError
from brandpress.pipeline.spec.regular_file import open_regular
from brandpress.pipeline.spec.root import ROOT, check_inside

KEY_PREFIX = "BRANDPRESS_C2PA_"
KEY_VARIABLE = "BRANDPRESS_C2PA_KEY"
"""Environment variable: the private key of the certificate that signs pictures, as PEM."""

MAX_PEM_BYTES = 65_536
_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----\s+([A-Za-z0-9+/=\s]+?)-----END CERTIFICATE-----")
_RULE = "allowed: a PEM file with certificates, relative to this file"


def parse_key_env(value: object) -> str:
    """Returns the name of an environment variable for a signing key. Raises WrongValueError for names of others."""
    text = plain_text(value, 100)
    if not re.fullmatch(f"{KEY_PREFIX}[A-Z0-9_]+", text):
        rule = f"allowed: a name that starts with {KEY_PREFIX}, such as {KEY_VARIABLE}"
        raise WrongValueError(f"{quote(text)} can't hold a signing key", rule)
    return text


class ContentCredentialsField(Fields):
    """Which certificate signs the pictures, and which one `verify` trusts.

    certificate: a PEM file with the signer's certificate, followed by its issuers'. anchor: a PEM file with the
    certificates whose signatures are trusted. key_env: the environment variable with the private key.
    """

    certificate: Text = Field(description="certificate: signing/chain.pem")
    anchor: Text = Field(description="anchor: signing/root.pem")
    key_env: Annotated[str, reader(parse_key_env)] = KEY_VARIABLE


class ProvenanceField(Fields):
    """The `provenance:` of a job."""

    c2pa: ContentCredentialsField = Field(description="c2pa: {certificate: signing/chain.pem, anchor: …}")


@dataclass(frozen=True, slots=True)
class SigningIdentity:
    """Who signs pictures: everything except the private key.

    certificates: PEM, the signer's first. anchors: PEM of the certificates that are trusted. key_env: the environment
    variable with the private key.
    """

    certificates: bytes
    anchors: bytes
    key_env: str

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the signer's certificate, in hex."""
        return fingerprints(self.certificates)[0]


def fingerprints(pem: bytes) -> list[str]:
    """Returns the SHA-256 of each certificate in a PEM file, in hex. Raises binascii.Error if one isn't base64."""
    blocks = (b"".join(block.split()) for block in _CERTIFICATE.findall(pem))
    return [hashlib.sha256(base64.b64decode(block, validate=True)).hexdigest() for block in blocks]


def signing_identity(document: Document, field: ProvenanceField) -> SigningIdentity | list[Problem]:
    """Reads the certificates that `provenance:` names, or returns what is wrong with them. Needs no key."""
    c2pa = field.c2pa
    files = {"certificate": c2pa.certificate, "anchor": c2pa.anchor}
    contents: dict[str, bytes] = {}
    problems = []
    for name, written in files.items():
        place: Location = ("provenance", "c2pa", name)
        try:
            contents[name] = _read(written, document.path.parent)
        except WrongValueError as error:
            problems.append(document.wrong(place, error))
    return problems or SigningIdentity(contents["certificate"], contents["anchor"], c2pa.key_env)


def files_of(field: ProvenanceField | None, folder: Path) -> Iterator[Path]:
    """Yields the files that `provenance:` names. folder: the job's."""
    if field is not None:
        yield from (folder / field.c2pa.certificate, folder / field.c2pa.anchor)


def _read(written: str, folder: Path) -> bytes:
    """Returns a file with certificates. Raises WrongValueError if it's something else, or holds a private key."""
    path = folder / written
    try:
        check_inside(written, path, folder)
    except WrongValueError as error:
        rule = f"move the file there, or set {ROOT} to a folder that has both"
        raise WrongValueError(error.what, rule) from None
    try:
        with open_regular(path) as file:
            content = file.read(MAX_PEM_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise WrongValueError(f"{quote(written)} can't be read: {reason}", _RULE) from None
    if len(content) > MAX_PEM_BYTES:
        raise WrongValueError(f"{quote(written)} is larger than {MAX_PEM_BYTES:,} bytes", _RULE)
    if b"PRIVATE KEY" in content:
        rule = f"remove it from the file; {KEY_VARIABLE} is the place of the signing key"
        raise WrongValueError(f"{quote(written)} holds a private key", rule)
    try:
        certificates = fingerprints(content)
    except binascii.Error:
        certificates = []
    if not certificates:
        raise WrongValueError(f"{quote(written)} has no certificate that can be read", _RULE)
    return content
