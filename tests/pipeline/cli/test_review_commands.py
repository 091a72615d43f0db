"""The commands measure and calibrate."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from brandpress.pipeline.cli import app as cli
from brandpress.pipeline.deliver.delivery import deliver
from brandpress.pipeline.deliver.encode import Metadata, encode
from brandpress.pipeline.review import suite
from brandpress.pipeline.store.folder import open_campaign
from tests.campaigns import write_campaign
from tests.pipeline.deliver.records import HEADER, publish_records, record, variant
from tests.pipeline.review.pictures import ColourCells

Capture = pytest.CaptureFixture[str]
COLOURS = ("#1f4d3a", "#f7f7f2", "#e02020")


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A job whose campaign has three pictures, and a brand with a palette."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    job = write_campaign(tmp_path / "job", 3, products=("mug",))
    brand = json.loads((tmp_path / "job" / "brand.yaml").read_text())
    brand["palette"] = {"pine": "#1f4d3a", "snow": "#f7f7f2"}
    (tmp_path / "job" / "brand.yaml").write_text(json.dumps(brand))
    folder = open_campaign(str(tmp_path / "job" / "out"), "spring")
    records = []
    for number, colour in enumerate(COLOURS):
        picture = Image.new("RGB", (64, 64), colour)
        picture.paste("#1f4d3a", (8, 8, 32, 56))
        data = encode(picture, "png", Metadata("0" * 64, "test"))
        records.append(deliver(folder, record(number), variant(number).asset, data))
    publish_records(folder, HEADER, 3, records, list)
    return job


def test_measure_prints_figures_and_the_worst(job: Path, capsys: Capture) -> None:
    assert cli.run(["measure", str(job), "--only", "palette,ground", "--worst", "1"]) == 0
    output = capsys.readouterr()
    lines = output.out.splitlines()
    assert lines[0] == "3 pictures of manifests/00000001/manifest.json"
    assert [line.split()[0] for line in lines[1:4]] == ["measure", "palette", "ground"]
    assert "palette: mean CIEDE2000 difference to the palette's nearest colour, by area; lower is better" in lines
    assert lines[-2] == "the worst 1 picture:"
    assert lines[-1].startswith("mug/scene002: palette ")
    assert output.err == ""


def test_measure_as_json(job: Path, capsys: Capture) -> None:
    assert cli.run(["measure", str(job), "--only", "palette", "--only", "duplicate", "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["schema"] == "brandpress.measures/1"
    assert list(values["measures"]) == ["palette", "duplicate"]
    assert [picture["name"] for picture in values["pictures"]] == [f"mug/scene{number:03}" for number in range(3)]
    scores = {score["measure"]: score for score in values["pictures"][0]["scores"]}
    assert set(scores) == {"palette", "duplicate"}
    assert scores["palette"]["value"] == 0
    assert values["figures"][0]["count"] == 3
    assert values["worst"][0]["name"] == "mug/scene002"


def test_measure_exits_with_3_if_a_picture_is_missing(job: Path, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "job" / "out" / "spring" / variant(1).asset).unlink()
    assert cli.run(["measure", str(job), "--only", "palette"]) == 3
    error = capsys.readouterr().err
    assert "the picture is missing" in error
    assert "1 picture not measured; `brandpress verify` checks all pictures" in error


def test_measure_refuses_an_unknown_measure(job: Path, capsys: Capture) -> None:
    assert cli.run(["measure", str(job), "--only", "pallete"]) == 1
    assert "did you mean 'palette'?" in capsys.readouterr().err


def test_measure_needs_a_published_campaign(job: Path, tmp_path: Path, capsys: Capture) -> None:
    assert cli.run(["measure", str(job), "--only", "noise", "--deliver", str(tmp_path / "elsewhere")]) == 4
    assert "nothing is published here yet" in capsys.readouterr().err


def test_calibrated_thresholds_are_used(job: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite, "load_network", lambda features: ColourCells())
    assert cli.run(["calibrate", str(job), "--pictures", "4"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("product:mug: subject ")
    file = job.parent / "northwind.calibration.json"
    assert lines[1:] == [f"thresholds: {file}", f"drawing: {file.with_suffix('.svg')}"]
    stored = json.loads(file.read_text())
    assert (stored["schema"], stored["basis"]) == ("brandpress.calibration/1", "references")
    assert file.with_suffix(".svg").read_text().startswith("<svg")
    assert cli.run(["measure", str(job), "--only", "subject", "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["warnings"] == []
    (figure,) = values["figures"]
    assert figure["subject"] == "product:mug"
    assert figure["threshold"] == stored["subjects"]["product:mug"]["measures"]["subject"]["threshold"]
    assert figure["missed"] >= 2
    assert all("vector" not in score["evidence"] for picture in values["pictures"] for score in picture["scores"])


def test_a_stale_calibration_is_a_warning(job: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite, "load_network", lambda features: ColourCells())
    assert cli.run(["calibrate", str(job), "--pictures", "4", "--json"]) == 0
    file = Path(json.loads(capsys.readouterr().out)["file"])
    file.write_text(file.read_text().replace('"references": [\n    "', '"references": [\n    "0'))
    assert cli.run(["measure", str(job), "--only", "subject"]) == 0
    assert "its references have changed since the calibration" in capsys.readouterr().err


def test_calibrate_with_too_few_delivered_pictures(job: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite, "load_network", lambda features: ColourCells())
    assert cli.run(["calibrate", str(job), "--delivered"]) == 1
    assert "no subject has 4 pictures in the latest manifest" in capsys.readouterr().err
    assert not (job.parent / "northwind.calibration.json").exists()


def test_a_broken_calibration_names_its_place(job: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite, "load_network", lambda features: ColourCells())
    (job.parent / "northwind.calibration.json").write_text("{")
    assert cli.run(["measure", str(job), "--only", "subject"]) == 1
    assert "northwind.calibration.json:1:2: this isn't valid JSON" in capsys.readouterr().err
