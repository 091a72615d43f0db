"""A short storm of `make chaos`, and one over the real model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from brandpress.pipeline.render.worker.actor import RENDERER
from brandpress.pipeline.store.folder import open_campaign
from tests.campaigns import write_campaign
from tests.chaos.__main__ import on_s3
from tests.chaos.reader import Reader
from tests.chaos.renderer import BOOK
from tests.chaos.storm import calm, digest_in, weather
from tests.pipeline.deliver.test_rollback import publish_so_many
from tests.processes import ROOT
from tests.s3_server import S3Server


def test_a_worker_a_driver_and_the_store_are_killed(s3_environment: S3Server, tmp_path: Path) -> None:
    """s3_environment: restores the variables, which point to a server of the storm's own meanwhile."""
    storm = on_s3(tmp_path, Random(1), 10, ["store", "driver", "worker"], poisons=())
    assert (storm.wrong, storm.lost, storm.pictures) == ([], 0, 10)
    assert storm.runs >= 2
    assert storm.manifests_read > 0
    assert {storm.faults[f"{victim} killed"] for victim in ("worker", "driver", "store")} == {1}
    assert storm.faults.total() > 3, "calls were spoiled, too"


@pytest.mark.slow("pipeline")
def test_a_short_storm_leaves_no_trace(s3_server: S3Server) -> None:
    """s3_server: not used, but skips the test where there's none."""
    command = [sys.executable, "-m", "tests.chaos", "--faults", "15", "--scenes", "10", "--seed", "3", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    figures = json.loads(done.stdout)
    assert (figures["wrong"], figures["lost"]) == ([], 0)
    assert figures["faults"] >= 15
    assert figures["manifests_read"] > 0
    assert done.returncode == 0


@pytest.mark.slow("pipeline", "model")
def test_the_real_model_in_a_storm(tmp_path: Path) -> None:
    def job_in(folder: Path) -> Path:
        return write_campaign(folder, 24, products=("mug",), model="nano")

    environment = {BOOK: str(tmp_path / "book")}
    quiet, loud = job_in(tmp_path / "quiet"), job_in(tmp_path / "loud")
    assert calm(quiet, environment, RENDERER)["counts"]["done"] == 24
    digest = digest_in(open_campaign(str(quiet.parent / "out"), "spring"))
    kills = ["worker", "driver", "worker"]
    storm = weather(loud, str(loud.parent / "out"), digest, kills, Random(1), environment, None, RENDERER, ())
    assert storm.wrong == []
    assert (storm.pictures, storm.lost) == (24, 0)
    assert storm.faults["driver killed"] == 1
    assert storm.faults["worker killed"] >= 1


def test_a_reader_finds_fault_with_what_is_missing(tmp_path: Path) -> None:
    """The storm's own reader isn't blind."""
    folder = open_campaign(str(tmp_path), "spring")
    publish_so_many(folder, 2)
    (asset, *_) = folder.list("assets/")
    folder.delete(asset)
    reader = Reader(folder)
    reader._read()
    assert len(reader.faults) == 1
    assert "is missing" in reader.faults[0]
    folder.create(asset, b"another", "image/png")
    reader._read()
    assert "is changed" in reader.faults[1]
