"""Signs pictures with content credentials (C2PA): what made them, from which references, with the operator's key.

The credentials hold no thumbnail, which would be larger than all else, and no time stamp of an authority: nothing is
sent anywhere.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any

from PIL import Image

from brandpress.pipeline.deliver.c2pa_extra import CredentialsError, c2pa, offline_context
from brandpress.pipeline.deliver.encode import CONTENT_TYPES, encode
from brandpress.pipeline.deliver.record import Record
from brandpress.pipeline.deliver.trust import Trust, trust_of
from brandpress.pipeline.deliver.xmp import DIGITAL_SOURCE_TYPE, Metadata
from brandpress.pipeline.spec.provenance import SigningIdentity
from brandpress.pipeline.version import TOOL, VERSION

ASSERTION = "brandpress.render"
"""Label of our own assertion: the render key, the model, and the digests of the references."""


@dataclass(frozen=True, slots=True)
class Ingredient:
    """A reference picture: its file's name, media type and content."""

    title: str
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs with a certificate and its key. algorithm: as C2PA names it."""

    identity: SigningIdentity
    algorithm: str
    key: bytes = field(repr=False)

    def sign(self, data: bytes, record: Record, ingredients: Iterable[Ingredient] = ()) -> bytes:
        """Returns the file `data` of a record's picture with content credentials. Raises CredentialsError."""
        ingredients = tuple(ingredients)
        return _signed(self, data, CONTENT_TYPES[record.format], _manifest(record, len(ingredients)), ingredients)


def load_signer(identity: SigningIdentity) -> Signer:
    """Returns the signer whose key is in this process' environment, after it has signed a picture on trial.

    Raises CredentialsError if c2pa-python or the key is missing, the key isn't the certificate's, or the anchors don't
    trust what it signs.
    """
    c2pa()
    key = os.environ.get(identity.key_env, "").strip()
    if not key:
        raise CredentialsError(f"{identity.key_env} isn't set: it holds the private key that signs pictures, as PEM")
    signer = Signer(identity, _algorithm(identity, key.encode()), key.encode())
    picture = Image.new("RGB", (16, 16))
    data = encode(picture, "png", Metadata("", TOOL))
    checked = trust_of(_signed(signer, data, CONTENT_TYPES["png"], _created("trial", {}), ()), identity.anchors)
    if checked is not Trust.TRUSTED:
        raise CredentialsError(
            f"provenance.c2pa: the anchor doesn't trust what the certificate signs ({checked.value}); name the "
            "certificate of its issuer as anchor, and the issuers between them in certificate"
        )
    return signer


def _algorithm(identity: SigningIdentity, key: bytes) -> str:
    """Returns how C2PA names the algorithm of a key. Raises CredentialsError if it isn't the certificate's key."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from cryptography.x509 import load_pem_x509_certificates

    try:
        private = load_pem_private_key(key, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # whose messages may quote the key
        hint = "" if b"-----BEGIN" in key else f'; if it names a file, write {identity.key_env}="$(cat FILE)"'
        raise CredentialsError(f"{identity.key_env} doesn't hold an unencrypted private key as PEM{hint}") from None
    try:
        certificate = load_pem_x509_certificates(identity.certificates)[0]
    except ValueError:
        raise CredentialsError("provenance.c2pa.certificate: the file has no valid certificate") from None
    if certificate.public_key() != private.public_key():
        raise CredentialsError(
            f"{identity.key_env} isn't the key of the first certificate in the file of `certificate:`"
        )
    if isinstance(private, EllipticCurvePrivateKey):
        curves = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
        if private.curve.name in curves:
            return curves[private.curve.name]
    if isinstance(private, Ed25519PrivateKey):
        return "ed25519"
    if isinstance(private, RSAPrivateKey):
        return "ps256"
    rule = "allowed: EC (P-256, P-384, P-521), Ed25519 and RSA"
    raise CredentialsError(f"{identity.key_env} is a key of a kind that C2PA doesn't sign with; {rule}")


def _signed(
    signer: Signer, data: bytes, media_type: str, manifest: dict[str, Any], ingredients: tuple[Ingredient, ...]
) -> bytes:
    library = c2pa()
    info = library.C2paSignerInfo(signer.algorithm, signer.identity.certificates, signer.key, None)
    signed = BytesIO()
    try:
        context = offline_context({"builder": {"thumbnail": {"enabled": False}}})
        builder = library.Builder(json.dumps(manifest), context=context)
        for number, one in enumerate(ingredients):
            described = {"title": one.title, "relationship": "inputTo", "label": _label(number)}
            builder.add_ingredient(json.dumps(described), one.media_type, BytesIO(one.data))
        builder.sign(library.Signer.from_info(info), media_type, BytesIO(data), signed)
    except library.C2paError as error:
        raise CredentialsError(f"the picture can't be signed: {_reason(error)}") from None
    return signed.getvalue()


def _reason(error: Exception) -> str:
    text = str(error).strip().partition("\n")[0][:200]
    purpose = "; its extended key usage must be emailProtection or another that C2PA allows"
    return text + (purpose if "certificate is invalid" in text or "EKU" in text else "")


def _label(number: int) -> str:
    return f"reference{number}"


def _manifest(record: Record, ingredients: int) -> dict[str, Any]:
    """Returns what the credentials of a record's picture say. ingredients: how many it has."""
    references = [
        {"role": one.role, "file": PurePosixPath(one.file).name, "sha256": one.sha256} for one in record.references
    ]
    model = {"name": record.model.name, "weights": record.model.weights_digest, "licence": record.model.licence}
    own = {"render_key": record.render_key, "model": model, "references": references}
    action: dict[str, Any] = {"softwareAgent": {"name": record.model.name}}
    if ingredients:
        action["parameters"] = {"ingredientIds": [_label(number) for number in range(ingredients)]}
    return _created(record.name, action, {"label": ASSERTION, "data": own})


def _created(title: str, action: dict[str, Any], *assertions: dict[str, Any]) -> dict[str, Any]:
    created = {"action": "c2pa.created", "digitalSourceType": DIGITAL_SOURCE_TYPE, **action}
    return {
        "claim_generator_info": [{"name": "brandpress", "version": VERSION}],
        "title": title,
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [created]}}, *assertions],
    }
