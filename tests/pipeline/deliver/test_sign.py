"""Signed pictures: the signature is the operator's, shows every change, and takes nothing away from the picture."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from typing import Any

import c2pa
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from PIL import Image

from brandpress.pipeline.deliver.c2pa_extra import CredentialsError
from brandpress.pipeline.deliver.content_credentials import has_credentials, without_credentials
from brandpress.pipeline.deliver.delivery import deliver, is_picture_of
from brandpress.pipeline.deliver.encode import CONTENT_TYPES, encode
from brandpress.pipeline.deliver.read_xmp import read_metadata
from brandpress.pipeline.deliver.record import Record
from brandpress.pipeline.deliver.sign import Ingredient, Signer, load_signer
from brandpress.pipeline.deliver.trust import Trust, trust_of
from brandpress.pipeline.deliver.xmp import metadata_of
from brandpress.pipeline.spec.output_name import EXTENSIONS
from brandpress.pipeline.spec.provenance import KEY_VARIABLE, SigningIdentity
from brandpress.pipeline.store.folder import open_campaign
from tests.certificates import Authority, Issued
from tests.http_server import serving
from tests.pipeline.deliver.records import record

AUTHORITY = Authority()
OTHER = Authority("Another authority")
FORMATS = list(EXTENSIONS)


def identity(issued: Issued, authority: Authority = AUTHORITY) -> SigningIdentity:
    return SigningIdentity(issued.certificate, authority.certificate, KEY_VARIABLE)


@pytest.fixture
def issued(monkeypatch: pytest.MonkeyPatch) -> Issued:
    """A certificate of AUTHORITY, with its key in the environment."""
    issued = AUTHORITY.issue()
    monkeypatch.setenv(KEY_VARIABLE, issued.key.decode())
    return issued


@pytest.fixture
def signer(issued: Issued) -> Signer:
    return load_signer(identity(issued))


def done(format: str, **changes: Any) -> Record:
    return record(1, format=format, width=256, height=256, **changes)


def picture() -> Image.Image:
    return Image.radial_gradient("L").convert("RGB")


def plain_file(format: str) -> bytes:
    return encode(picture(), format, metadata_of(done(format), "spring"))


@pytest.mark.parametrize("format", FORMATS)
def test_a_signed_file_is_trusted_and_is_the_same_picture(signer: Signer, format: str) -> None:
    plain = plain_file(format)
    signed = signer.sign(plain, done(format))
    assert trust_of(signed, AUTHORITY.certificate) is Trust.TRUSTED
    assert trust_of(plain, AUTHORITY.certificate) is Trust.ABSENT
    assert has_credentials(signed)
    assert without_credentials(signed) == plain
    assert len(signed) - len(plain) < 8_000, "no thumbnail"
    assert np.array_equal(np.asarray(Image.open(BytesIO(signed))), np.asarray(Image.open(BytesIO(plain))))
    assert read_metadata(signed) == read_metadata(plain)


@pytest.mark.parametrize("format", FORMATS)
def test_every_changed_byte_of_the_picture_is_noticed(signer: Signer, format: str) -> None:
    """Only the padding of the credentials themselves isn't protected."""
    plain = plain_file(format)
    signed = signer.sign(plain, done(format))
    start = next(place for place, (one, other) in enumerate(zip(plain, signed, strict=False)) if one != other)
    end = start + len(signed) - len(plain)
    places = [*range(0, start, max(1, start // 10)), *range(end, len(signed), max(1, (len(signed) - end) // 20))]
    for place in places if format != "webp" else range(4, start, max(1, start // 20)):
        changed = bytearray(signed)
        changed[place] ^= 1
        assert trust_of(bytes(changed), AUTHORITY.certificate) is not Trust.TRUSTED, place
    assert trust_of(signed[:-5], AUTHORITY.certificate) is not Trust.TRUSTED


@pytest.mark.parametrize("format", FORMATS)
def test_a_picture_that_was_saved_again_has_no_credentials(signer: Signer, format: str) -> None:
    stream = BytesIO()
    Image.open(BytesIO(signer.sign(plain_file(format), done(format)))).save(stream, format.upper())
    assert trust_of(stream.getvalue(), AUTHORITY.certificate) is Trust.ABSENT


def test_a_valid_signature_of_a_stranger_is_foreign(monkeypatch: pytest.MonkeyPatch) -> None:
    """Valid in C2PA's sense, which says nothing about who signed."""
    stranger = OTHER.issue()
    monkeypatch.setenv(KEY_VARIABLE, stranger.key.decode())
    signed = load_signer(identity(stranger, OTHER)).sign(plain_file("png"), done("png"))
    reader = c2pa.Reader("image/png", BytesIO(signed))
    assert reader.get_validation_state() == "Valid"
    assert trust_of(signed, AUTHORITY.certificate) is Trust.FOREIGN
    assert trust_of(signed, OTHER.certificate) is Trust.TRUSTED
    assert trust_of(signed, OTHER.certificate + AUTHORITY.certificate) is Trust.TRUSTED


def test_a_signature_ends_with_its_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a time stamp of an authority, nobody knows whether it was made before."""
    until = datetime.now(UTC) + timedelta(seconds=1.2)
    short = AUTHORITY.issue(until=until)
    monkeypatch.setenv(KEY_VARIABLE, short.key.decode())
    signed = load_signer(identity(short)).sign(plain_file("jpeg"), done("jpeg"))
    while datetime.now(UTC) <= until + timedelta(seconds=1):
        time.sleep(0.1)
    assert trust_of(signed, AUTHORITY.certificate) is Trust.EXPIRED


def test_the_credentials_say_what_made_the_picture_and_from_what(signer: Signer) -> None:
    stream = BytesIO()
    Image.new("RGB", (64, 64), "green").save(stream, "PNG")
    references = ({"role": "product", "file": "../secret-folder/mug.png", "sha256": "e" * 64},)
    rendered = done("png", references=references)
    signed = signer.sign(plain_file("png"), rendered, [Ingredient("mug.png", "image/png", stream.getvalue())])
    assert trust_of(signed, AUTHORITY.certificate) is Trust.TRUSTED
    manifest = c2pa.Reader("image/png", BytesIO(signed)).get_active_manifest()
    assert manifest is not None
    [ingredient] = manifest["ingredients"]
    assert (ingredient["title"], ingredient["relationship"]) == ("mug.png", "inputTo")
    assertions = {one["label"]: one["data"] for one in manifest["assertions"]}
    [created] = assertions["c2pa.actions.v2"]["actions"]
    assert created["action"] == "c2pa.created"
    assert created["digitalSourceType"].endswith("/trainedAlgorithmicMedia")
    assert created["softwareAgent"]["name"] == "nano"
    own = assertions["brandpress.render"]
    assert own["render_key"] == rendered.render_key
    assert own["references"] == [{"role": "product", "file": "mug.png", "sha256": "e" * 64}]
    assert own["model"]["licence"] == "Apache-2.0"
    assert "secret-folder" not in json.dumps(manifest)


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP384R1()),
        ec.generate_private_key(ec.SECP521R1()),
        ed25519.Ed25519PrivateKey.generate(),
        rsa.generate_private_key(65537, 2048),
    ],
    ids=["P-384", "P-521", "Ed25519", "RSA"],
)
def test_every_kind_of_key_signs(monkeypatch: pytest.MonkeyPatch, key: Any) -> None:
    issued = AUTHORITY.issue(key=key)
    monkeypatch.setenv(KEY_VARIABLE, issued.key.decode())
    signed = load_signer(identity(issued)).sign(plain_file("webp"), done("webp"))
    assert trust_of(signed, AUTHORITY.certificate) is Trust.TRUSTED


def test_what_cannot_sign_is_refused_before_anything_is_rendered(
    issued: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CredentialsError, match="the anchor doesn't trust what the certificate signs"):
        load_signer(identity(issued, OTHER))
    with pytest.raises(CredentialsError, match="isn't the key of the first certificate"):
        load_signer(identity(AUTHORITY.issue()))
    server = AUTHORITY.issue(ExtendedKeyUsageOID.SERVER_AUTH)
    monkeypatch.setenv(KEY_VARIABLE, server.key.decode())
    with pytest.raises(CredentialsError, match="extended key usage must be emailProtection"):
        load_signer(identity(server))
    monkeypatch.setenv(KEY_VARIABLE, "hunter2-is-no-key")
    with pytest.raises(CredentialsError, match=f"{KEY_VARIABLE} doesn't hold an unencrypted private key") as raised:
        load_signer(identity(issued))
    assert "hunter2" not in str(raised.value)
    monkeypatch.delenv(KEY_VARIABLE)
    with pytest.raises(CredentialsError, match=f"{KEY_VARIABLE} isn't set"):
        load_signer(identity(issued))


def test_a_missing_package_is_named_with_its_extra(issued: Issued, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "c2pa", None)
    with pytest.raises(CredentialsError, match=r'pip install "brandpress\[c2pa\]"'):
        load_signer(identity(issued))


def test_the_key_is_in_nothing_that_is_delivered(signer: Signer, issued: Issued) -> None:
    signed = signer.sign(plain_file("png"), done("png"))
    secret = b"".join(issued.key.splitlines()[1:-1])
    assert secret[:40] not in signed.replace(b"\n", b"")
    assert secret[:40].decode() not in repr(signer)


@pytest.mark.parametrize("format", FORMATS)
def test_a_signed_picture_of_another_writer_is_adopted(signer: Signer, tmp_path: Any, format: str) -> None:
    """No two signatures are the same, so two writers of one picture write different bytes."""
    folder = open_campaign(str(tmp_path), "spring")
    rendered = done(format, signed_by=signer.identity.fingerprint)
    first, second = (signer.sign(plain_file(format), rendered) for _ in range(2))
    assert first != second
    asset = f"assets/mug.{EXTENSIONS[format]}"
    assert folder.create(asset, first, CONTENT_TYPES[format])
    delivered = deliver(folder, rendered, asset, second)
    assert delivered.asset == asset
    assert folder.read(asset) == first


def test_an_unsigned_picture_is_not_adopted_where_a_signed_one_is_due(signer: Signer, tmp_path: Any) -> None:
    folder = open_campaign(str(tmp_path), "spring")
    rendered = done("png", signed_by=signer.identity.fingerprint)
    assert folder.create("assets/mug.png", plain_file("png"), "image/png")
    assert is_picture_of(plain_file("png"), done("png"))
    assert (
        deliver(folder, rendered, "assets/mug.png", signer.sign(plain_file("png"), rendered)).asset
        == "assets/mug-2.png"
    )


@pytest.fixture
def tracker() -> Iterator[tuple[str, list[str]]]:
    """The address of a server, and the paths that were requested of it."""
    requested: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requested.append(self.path)
            self.send_response(404)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    with serving(Handler, threading.Event()) as address:
        yield address, requested


def remote(address: str) -> bytes:
    """A JPEG that says that its credentials are at an address."""
    namespace = "http://purl.org/dc/terms/"
    xmp = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" xmlns:dcterms="{namespace}" dcterms:provenance="{address}/x.c2pa"/>'
        "</rdf:RDF></x:xmpmeta>"
    )
    file = BytesIO()
    picture().save(file, "JPEG", xmp=xmp.encode())
    return file.getvalue()


def test_credentials_at_an_address_are_not_fetched(tracker: tuple[str, list[str]], signer: Signer) -> None:
    """Otherwise whoever made a picture could have this machine call any address."""
    address, requested = tracker
    data = remote(address)
    marked = data[:2] + b"\xff\xeb\0\4JP" + data[2:]
    assert trust_of(marked, AUTHORITY.certificate) is not Trust.TRUSTED
    encoded = encode(picture(), "png", metadata_of(done("png"), "spring"))
    signed = signer.sign(encoded, done("png"), [Ingredient("mug.jpg", "image/jpeg", data)])
    assert trust_of(signed, AUTHORITY.certificate) is Trust.TRUSTED
    assert requested == []
