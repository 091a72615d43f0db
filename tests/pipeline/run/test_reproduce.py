"""Delivered pictures are rendered again, byte for byte, or it is said what is missing for that."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import torch
from PIL import Image

from brandpress.model.errors import RequestError
from brandpress.pipeline.cli import app as cli
from brandpress.pipeline.deliver.record import new_record, stamp_of
from brandpress.pipeline.deliver.sign import load_signer
from brandpress.pipeline.plan.expand import Plan
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.render.events import Message, VariantRecorded
from brandpress.pipeline.render.worker.marking import Marking
from brandpress.pipeline.render.worker.render_loop import RenderLoop
from brandpress.pipeline.run.reproduce import NotReproducibleError, reproduce
from brandpress.pipeline.spec.load import load_campaign
from brandpress.pipeline.spec.provenance import KEY_VARIABLE
from brandpress.pipeline.store.folder import open_campaign
from tests.campaigns import draw_reference, plan_of, write_campaign
from tests.certificates import Authority, write_certificates
from tests.stand_in import StandIn

STAND_IN = "tests.stand_in:load"
PLAIN = Marking("spring")


def deliver_all(plan: Plan, marking: Marking = PLAIN) -> list[Path]:
    """Delivers what the stand-in draws for each variant, as a worker does. Returns the files, sorted by name."""
    messages: list[Message] = []
    folder = open_campaign(plan.campaign.address, plan.campaign.name)
    loop = RenderLoop(StandIn(), folder, stamp_of(plan.model), messages.append, Event(), marking=marking)
    loop.render(plan.variants)
    loop.close()
    records = [message.record for message in messages if isinstance(message, VariantRecorded)]
    assert {record.status for record in records} == {"done"}
    return sorted(Path(folder.uri) / str(record.asset) for record in records)


@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
def test_a_picture_is_reproduced_byte_for_byte(tmp_path: Path, format: str) -> None:
    job = write_campaign(tmp_path, 2, format=format, alt="a {{ product }}")
    for file in deliver_all(plan_of(job)):
        out = tmp_path / "again"
        result = reproduce(load_campaign(job), file, out=out, renderer=STAND_IN)
        assert (result.identical, result.pixels, result.max_difference, result.metadata) == (True, 0, 0, ())
        assert result.sha256 == result.rendered_sha256
        assert out.read_bytes() == file.read_bytes()


def test_a_later_version_of_the_job_is_enough(tmp_path: Path) -> None:
    """The picture's metadata are those of its time, and its references are known by their digests."""
    job = write_campaign(tmp_path, 1, products=("mug",), alt="a mug", seeds=[7])
    [file] = deliver_all(plan_of(job))
    write_campaign(tmp_path, 1, products=("mug", "lamp"), alt="another", prompt="{{ product }} {{ scene }} now")
    (tmp_path / "mug.png").rename(tmp_path / "moved.png")
    brand = json.loads((tmp_path / "brand.yaml").read_text())
    brand["products"]["mug"]["references"] = ["moved.png"]
    (tmp_path / "brand.yaml").write_text(json.dumps(brand))
    assert reproduce(load_campaign(job), file, renderer=STAND_IN).identical
    [record] = (tmp_path / "out" / "spring" / "records").iterdir()
    assert reproduce(load_campaign(job), record, renderer=STAND_IN).identical


def test_a_signature_is_not_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = Authority()
    issued = authority.issue()
    monkeypatch.setenv(KEY_VARIABLE, issued.key.decode())
    job = write_campaign(tmp_path, 1, products=("mug",), provenance=write_certificates(tmp_path, authority, issued))
    plan = plan_of(job)
    assert plan.campaign.signing is not None
    [file] = deliver_all(plan, Marking("spring", load_signer(plan.campaign.signing)))
    monkeypatch.delenv(KEY_VARIABLE)
    result = reproduce(load_campaign(job), file, renderer=STAND_IN)
    assert (result.identical, result.signed) == (True, True)
    assert result.sha256 != result.rendered_sha256


def test_a_changed_picture_differs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = write_campaign(tmp_path, 1, products=("mug",))
    [file] = deliver_all(plan_of(job))
    picture = Image.open(BytesIO(file.read_bytes()))
    picture.putpixel((3, 4), tuple(255 - level for level in picture.getpixel((3, 4))))  # type: ignore[union-attr]
    changed = tmp_path / file.name
    picture.save(changed)
    code = cli.run(["reproduce", str(changed), "--job", str(job), "--json"], renderer=STAND_IN)
    result = json.loads(capsys.readouterr().out)
    assert (code, result["schema"]) == (3, "brandpress.reproduction/1")
    assert (result["identical"], result["differing_pixels"]) == (False, 1)
    saved = tmp_path / f"copy.{file.name}"
    Image.open(file).save(saved)
    assert cli.run(["reproduce", str(saved), "--job", str(job)], renderer=STAND_IN) == 3
    assert "the pixels are identical; the files differ" in capsys.readouterr().out
    Image.open(file).resize((32, 32)).save(saved)
    assert cli.run(["reproduce", str(saved), "--job", str(job)], renderer=STAND_IN) == 3
    assert "the sizes differ" in capsys.readouterr().out
    assert cli.run(["reproduce", str(file), "--job", str(job)], renderer=STAND_IN) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "identical byte for byte"


def test_what_differs_is_named(tmp_path: Path) -> None:
    job = write_campaign(tmp_path, 1, products=("mug",))
    [file] = deliver_all(plan_of(job))
    digest = plan_of(job).model.weights_digest
    draw_reference(tmp_path / "mug.png", "#ff00ff")
    (tmp_path / "checkpoint" / "model_index.json").write_text(
        (tmp_path / "checkpoint" / "model_index.json").read_text().replace("{", '{"num_inference_steps": 9, ', 1)
    )
    with pytest.raises(NotReproducibleError) as raised:
        reproduce(load_campaign(job), file, renderer=STAND_IN)
    model, reference = raised.value.reasons
    assert model.startswith(f"model.weights_digest was {digest}, and is ")
    assert reference.startswith("the product reference mug.png with the SHA-256 ")


def forged(plan: Plan, variant: Variant, **changes: Any) -> None:
    folder = open_campaign(plan.campaign.address, plan.campaign.name)
    record = new_record(replace(variant, **changes), stamp_of(plan.model), "done")
    file = Path(folder.uri) / record.key
    file.write_bytes(record.model_copy(update={"asset": variant.asset}).to_json())


def test_a_record_that_is_not_that_of_its_key_is_refused(tmp_path: Path) -> None:
    job = write_campaign(tmp_path, 1, products=("mug",))
    plan = plan_of(job)
    [file] = deliver_all(plan)
    forged(plan, plan.variants[0], prompt="something else")
    with pytest.raises(NotReproducibleError, match="doesn't have the render key"):
        reproduce(load_campaign(job), file, renderer=STAND_IN)


def test_pictures_of_others_are_refused(tmp_path: Path) -> None:
    job = write_campaign(tmp_path, 1, products=("mug",))
    deliver_all(plan_of(job))
    stranger = tmp_path / "stranger.png"
    Image.new("RGB", (8, 8)).save(stranger)
    with pytest.raises(RequestError, match="neither its metadata nor the end of its name"):
        reproduce(load_campaign(job), stranger, renderer=STAND_IN)
    other = write_campaign(tmp_path / "other", 1, products=("lamp",))
    [file] = deliver_all(plan_of(other))
    with pytest.raises(RequestError, match=r"there is no record of [0-9a-f]{64} in "):
        reproduce(load_campaign(job), file, renderer=STAND_IN)
    with pytest.raises(RequestError, match="can't be read"):
        reproduce(load_campaign(job), tmp_path / "nothing.png", renderer=STAND_IN)


@pytest.mark.slow
def test_nano_reproduces_what_ray_has_rendered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Covers brandpress.pipeline.render.driver.run and brandpress.model.renderer: a run on Ray delivers a picture with
    nano, and another process makes the same file."""
    job = write_campaign(tmp_path, 1, products=("mug",), model="nano", size="128x128", format="webp", quality="preview")
    assert cli.run(["render", str(job), "--cpu"]) == 0
    [file] = (tmp_path / "out" / "spring" / "assets").rglob("*.webp")
    capsys.readouterr()
    (record,) = (json.loads(one.read_text()) for one in (tmp_path / "out" / "spring" / "records").iterdir())
    assert record["host"]["threads"] == os.environ["OMP_NUM_THREADS"], "pixels depend on it by rounding"
    torch.set_num_threads(int(record["host"]["threads"]) + 1)
    code = cli.run(["reproduce", str(file), "--job", str(job), "--cpu", "--json"])
    result = json.loads(capsys.readouterr().out)
    assert (code, result["identical"], result["differing_pixels"]) == (0, True, 0)
    assert torch.get_num_threads() == int(record["host"]["threads"])
