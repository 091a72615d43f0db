"""Which marks pictures lost on their way, typed as commands."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from brandpress.pipeline.cli import app as cli
from brandpress.pipeline.deliver.delivery import deliver
from brandpress.pipeline.deliver.encode import encode
from brandpress.pipeline.deliver.manifest import LATEST
from brandpress.pipeline.deliver.record import new_record, stamp_of
from brandpress.pipeline.deliver.resume import read_index
from brandpress.pipeline.deliver.sign import load_signer
from brandpress.pipeline.deliver.xmp import metadata_of
from brandpress.pipeline.plan.diff import render_keys
from brandpress.pipeline.render.driver.publishing import publish_index
from brandpress.pipeline.spec.provenance import KEY_VARIABLE
from brandpress.pipeline.store.address import open_store
from brandpress.pipeline.store.folder import open_campaign
from tests.campaigns import plan_of, write_campaign
from tests.certificates import Authority, write_certificates

AUTHORITY = Authority()


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A published campaign of two signed pictures with alt texts."""
    issued = AUTHORITY.issue()
    monkeypatch.setenv(KEY_VARIABLE, issued.key.decode())
    provenance = write_certificates(tmp_path, AUTHORITY, issued)
    job = write_campaign(tmp_path, 2, products=("mug",), alt="a mug {{ scene }}", provenance=provenance)
    plan = plan_of(job)
    folder, stamp = open_campaign(plan.campaign.address, plan.campaign.name), stamp_of(plan.model)
    assert plan.campaign.signing is not None
    signer = load_signer(plan.campaign.signing)
    for variant in plan.variants:
        record = new_record(variant, stamp, "done")
        record = record.model_copy(update={"signed_by": signer.identity.fingerprint})
        picture = Image.linear_gradient("L").convert("RGB").resize((64, 64))
        data = encode(picture, "png", metadata_of(record, "spring"))
        deliver(folder, record, variant.asset, signer.sign(data, record))
    index = read_index(folder, render_keys(plan.variants))
    publish_index(folder, plan, stamp, index, folder.stat(LATEST))
    return job


def marks(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, list[dict[str, Any]]]:
    code = cli.run(["marks", *map(str, arguments), "--json"])
    output = json.loads(capsys.readouterr().out)
    assert output["schema"] == "brandpress.marks/1"
    assert output["complete"] == (code == 0)
    return code, output["pictures"]


def saved_again(file: Path, target: Path, **options: Any) -> Path:
    Image.open(BytesIO(file.read_bytes())).save(target, **options)
    return target


def test_delivered_pictures_have_all_their_marks(job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, pictures = marks(capsys, job.parent / "out", "--job", job)
    assert code == 0
    assert [picture["credentials"] for picture in pictures] == ["trusted"] * 2
    assert pictures[0]["marks"]["alt"] == "a mug in scene 0"
    assert pictures[0]["marks"]["source"].endswith("/trainedAlgorithmicMedia")
    code, pictures = marks(capsys, job.parent / "out")
    assert (code, pictures[0]["credentials"], pictures[0]["lost"]) == (0, "unchecked", [])


def test_lost_marks_are_named(job: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = sorted((tmp_path / "out").rglob("*.png"))
    cdn = tmp_path / "cdn"
    cdn.mkdir()
    converted = saved_again(first, cdn / first.with_suffix(".webp").name)
    xmp = Image.open(second).info["xmp"]
    kept = saved_again(second, cdn / "renamed.jpg", quality=80, xmp=xmp)
    code, pictures = marks(capsys, cdn, "--job", job)
    assert code == 3
    by_uri = {picture["uri"]: picture for picture in pictures}
    lost = by_uri[str(converted)]
    assert lost["delivered_as"] == f"assets/mug/{first.name}"
    assert set(lost["lost"]) >= {"source", "tool", "render_key", "model", "licence", "campaign", "alt", "credentials"}
    assert by_uri[str(kept)]["lost"] == ["credentials"]
    assert by_uri[str(kept)]["delivered_as"] == f"assets/mug/{second.name}"
    assert cli.run(["marks", str(cdn), "--job", str(job)]) == 3
    shown = capsys.readouterr().out
    assert f"{kept}: lost credentials" in shown
    assert shown.splitlines()[-1] == "2 pictures, 2 with lost marks or unreadable"
    code, pictures = marks(capsys, converted)
    assert (code, pictures[0]["lost"]) == (3, ["source", "tool", "render_key"])


def test_signatures_that_are_worth_nothing_are_lost(job: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = min((job.parent / "out").rglob("*.png"))
    data = bytearray(file.read_bytes())
    data[-30] ^= 1
    changed = job.parent / file.name
    changed.write_bytes(bytes(data))
    code, [picture] = marks(capsys, changed, "--job", job)
    assert (code, picture["credentials"], picture["lost"]) == (3, "broken", ["credentials"])


def test_what_cannot_be_read_is_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BRANDPRESS_REFERENCE_HOSTS", raising=False)
    code, pictures = marks(capsys, tmp_path / "nothing.png", "https://127.0.0.1/a.png")
    assert code == 3
    assert pictures[0]["error"] == "it can't be read: No such file or directory"
    assert "this machine doesn't allow '127.0.0.1'" in pictures[1]["error"]
    assert "brand spec" not in pictures[1]["error"]
    (tmp_path / "empty").mkdir()
    assert cli.run(["marks", str(tmp_path / "empty")]) == 1
    assert cli.run(["marks"]) == 1
    assert "--job" in capsys.readouterr().err


def test_without_addresses_the_public_ones_are_checked(
    job: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli.run(["marks", "--job", str(job)]) == 1
    assert f"{job} has no public_url:; name files or addresses: `brandpress marks FILE …`" in capsys.readouterr().err
    monkeypatch.setenv("BRANDPRESS_REFERENCE_HOSTS", "other.example")
    fields = json.loads(job.read_text())
    job.write_text(json.dumps({**fields, "public_url": "https://cdn.example/pictures"}))
    code, pictures = marks(capsys, "--job", job)
    assert code == 3
    assert [picture["uri"].partition(".png")[0].rpartition(".")[0] for picture in pictures] == [
        "https://cdn.example/pictures/spring/assets/mug/scene00",
        "https://cdn.example/pictures/spring/assets/mug/scene01",
    ]
    assert all("doesn't allow 'cdn.example'" in picture["error"] for picture in pictures)


def test_a_host_that_isnt_allowed_is_told_once(
    job: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRANDPRESS_REFERENCE_HOSTS", "other.example")
    urls = [f"https://cdn.example/{number}.png" for number in range(3)]
    uris = [*urls[:2], str(job.parent / "nothing.png"), "https://images.example/a.png", urls[2]]
    assert cli.run(["marks", *uris]) == 3
    because = "because this machine doesn't allow this host"
    assert capsys.readouterr().out.splitlines() == [
        f"cdn.example: 3 pictures can't be fetched, {because}; download them and name the files, or add the host to "
        "BRANDPRESS_REFERENCE_HOSTS",
        f"{job.parent}/nothing.png: it can't be read: No such file or directory",
        f"images.example: 1 picture can't be fetched, {because}; download it and name the file, or add the host to "
        "BRANDPRESS_REFERENCE_HOSTS",
        "5 pictures, 5 with lost marks or unreadable",
    ]


def test_pictures_in_a_bucket(job: Path, s3_uri: str, capsys: pytest.CaptureFixture[str]) -> None:
    store = open_store(s3_uri)
    files = sorted((job.parent / "out").rglob("*.png"))
    for file in files:
        store.create(f"pictures/{file.name}", file.read_bytes(), "image/png")
    store.create("pictures/readme.txt", b"no picture", "text/plain")
    code, pictures = marks(capsys, s3_uri, "--job", job)
    assert (code, len(pictures)) == (0, 2)
    one = f"{s3_uri}/pictures/{files[0].name}"
    code, [picture] = marks(capsys, one)
    assert (code, picture["uri"], picture["lost"]) == (0, one, [])
