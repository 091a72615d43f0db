"""The certificates that `provenance:` names; what is wrong with them is tested by the corpus."""

from __future__ import annotations

import hashlib
import os
import ssl
from pathlib import Path

import pytest

from brandpress.pipeline.spec.load import load_campaign
from brandpress.pipeline.spec.problem import SpecError
from brandpress.pipeline.spec.provenance import KEY_VARIABLE, MAX_PEM_BYTES, files_of, fingerprints
from brandpress.pipeline.spec.target import load_signing
from tests.campaigns import write_campaign
from tests.certificates import Authority, write_certificates

AUTHORITY = Authority()


def test_a_job_names_who_signs_and_whom_it_trusts(tmp_path: Path) -> None:
    issued = AUTHORITY.issue()
    provenance = write_certificates(tmp_path, AUTHORITY, issued)
    job = write_campaign(tmp_path, 1, provenance=provenance)
    campaign = load_campaign(job)
    signing = campaign.signing
    assert signing is not None
    assert signing == load_signing(job)
    assert (signing.certificates, signing.anchors) == (issued.certificate, AUTHORITY.certificate)
    assert signing.key_env == KEY_VARIABLE
    der = ssl.PEM_cert_to_DER_cert(issued.certificate.decode())
    assert signing.fingerprint == hashlib.sha256(der).hexdigest()
    assert [file.name for file in files_of(campaign.job.provenance, tmp_path)] == ["signer.pem", "root.pem"]
    assert issued.key.decode() not in repr(campaign)


def test_without_the_field_nobody_signs(tmp_path: Path) -> None:
    job = write_campaign(tmp_path, 1)
    assert load_campaign(job).signing is load_signing(job) is None


def test_the_digests_of_a_chain() -> None:
    chain = AUTHORITY.issue().certificate + b"# the issuer\n" + AUTHORITY.certificate
    assert len(fingerprints(chain)) == 2
    assert fingerprints(chain)[1:] == fingerprints(AUTHORITY.certificate)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"-----BEGIN CERTIFICATE-----\nnot base64!\n-----END CERTIFICATE-----\n", "no certificate that can be read"),
        (b"", "no certificate that can be read"),
        (b"x" * (MAX_PEM_BYTES + 1), f"larger than {MAX_PEM_BYTES:,} bytes"),
    ],
)
def test_files_that_are_no_certificates(tmp_path: Path, content: bytes, message: str) -> None:
    job = write_campaign(tmp_path, 1, provenance=write_certificates(tmp_path, AUTHORITY, AUTHORITY.issue()))
    (tmp_path / "root.pem").write_bytes(content)
    for read in (load_campaign, load_signing):
        with pytest.raises(SpecError, match=message):
            read(job)


def test_a_named_pipe_is_not_waited_for(tmp_path: Path) -> None:
    job = write_campaign(tmp_path, 1, provenance=write_certificates(tmp_path, AUTHORITY, AUTHORITY.issue()))
    (tmp_path / "root.pem").unlink()
    os.mkfifo(tmp_path / "root.pem")
    with pytest.raises(SpecError, match=r"'root\.pem' can't be read: it isn't a regular file; allowed: a PEM file"):
        load_signing(job)
