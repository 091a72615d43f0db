"""A run on Ray and a real S3 server that signs its pictures, and keeps aliases and thumbnails."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from brandpress.pipeline.cli import app as cli
from brandpress.pipeline.deliver.manifest import read_records, require_latest
from brandpress.pipeline.deliver.trust import Trust, trust_of
from brandpress.pipeline.deliver.verify import verify
from brandpress.pipeline.spec.provenance import KEY_VARIABLE
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store
from tests.campaigns import write_campaign
from tests.certificates import Authority, write_certificates

ROOT = Path(__file__).parents[4]


def render(job: Path) -> subprocess.CompletedProcess[str]:
    """Renders a job with the stand-in, in a process that starts its own Ray with the present environment."""
    command = [sys.executable, "-m", "tests.drive", str(job), "1", "tests.stand_in:load"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)


def aliases(folder: Store) -> dict[str, bytes | None]:
    return {key: folder.read(key) for key in folder.list("latest/")}


@pytest.mark.slow
def test_pictures_are_signed_and_have_aliases_and_thumbnails(
    s3_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Covers brandpress.pipeline.render.driver.run and brandpress.pipeline.render.worker.actor."""
    authority = Authority()
    issued = authority.issue()
    provenance = write_certificates(tmp_path, authority, issued)
    settings = {"products": ("mug",), "deliver": s3_uri, "provenance": provenance, "aliases": True, "thumbnails": 32}
    job = write_campaign(tmp_path, 2, **settings)  # type: ignore[arg-type]
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    refused = render(job)
    assert refused.returncode != 0
    assert re.search(rf"spring\.yaml:1:\d+: {KEY_VARIABLE} isn't set", refused.stdout + refused.stderr)
    monkeypatch.setenv(KEY_VARIABLE, issued.key.decode())
    first = render(job)
    assert first.returncode == 0, first.stderr
    folder = open_campaign(s3_uri, "spring")
    records = read_records(folder, require_latest(folder))
    before = aliases(folder)
    assert [*before.values()] == [folder.read(str(record.asset)) for record in records]
    assert sorted(before) == ["latest/mug/scene00.png", "latest/mug/scene01.png"]
    for record in records:
        data = folder.read(str(record.asset))
        assert data is not None
        assert trust_of(data, authority.certificate) is Trust.TRUSTED
        assert record.signed_by is not None
    assert len([*folder.list("thumbnails/")]) == 2
    assert verify(folder, authority.certificate).problems == ()
    secret = issued.key.splitlines()[1]
    assert not [key for key in folder.list("") if secret in (folder.read(key) or b"")]
    assert secret.decode() not in first.stdout + first.stderr
    write_campaign(tmp_path, {"scene00": "elsewhere"}, **settings)  # type: ignore[arg-type]
    assert render(job).returncode == 0
    [(key, content)] = aliases(folder).items()
    assert key == "latest/mug/scene00.png"
    assert content != before[key]
    assert cli.run(["rollback", str(job)]) == 0
    assert aliases(folder) == before
    assert cli.run(["verify", str(job)]) == 0
