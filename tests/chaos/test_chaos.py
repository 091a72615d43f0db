"""Short storms, one of them with the real model, and the reader's checks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from PIL import Image

from brandpress.pipeline.deliver.delivery import deliver
from brandpress.pipeline.deliver.encode import Metadata, encode
from brandpress.pipeline.render.worker.actor import RENDERER
from brandpress.pipeline.store.folder import open_campaign
from tests.campaigns import write_campaign
from tests.chaos.__main__ import FOREIGN_NODE, LOST_NODE, SWAP, on_nodes, on_s3, with_swapped_weights
from tests.chaos.doubles import Stored, description, doubles, stored_pictures
from tests.chaos.reader import Reader
from tests.chaos.renderer import JOURNAL, MARK, colour_of
from tests.chaos.storm import is_wrong, published_digest, run_storm, run_undisturbed
from tests.pipeline.deliver.records import MODEL, record, variant
from tests.pipeline.deliver.test_rollback import publish_first
from tests.processes import ROOT
from tests.s3_server import S3Server


@pytest.mark.slow
def test_campaign_survives_a_killed_worker_driver_and_store(s3_environment: S3Server, tmp_path: Path) -> None:
    """s3_environment: restores the variables, which the storm points to its own server."""
    storm = on_s3(tmp_path, Random(1), 20, ["store", "driver", "worker"], poisons=())
    assert (storm.wrong, storm.lost, storm.pictures) == ([], 0, 20)
    assert storm.runs >= 2
    assert storm.manifests_read > 0
    assert {storm.faults[f"{victim} killed"] for victim in ("worker", "driver", "store")} == {1}
    assert storm.faults.total() > 3, "no fault was injected into a call"


@pytest.mark.slow
def test_short_storm_ends_with_a_correct_campaign(s3_server: S3Server) -> None:
    """s3_server: only skips the test where no server is installed; the chaos command starts its own."""
    command = [sys.executable, "-m", "tests.chaos", "--faults", "15", "--scenes", "10", "--seed", "3", "--json"]
    completed = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    figures = json.loads(completed.stdout)
    assert (figures["wrong"], figures["lost"]) == ([], 0)
    assert figures["faults"] >= 15
    assert figures["manifests_read"] > 0
    assert completed.returncode == 0


@pytest.mark.slow
def test_swapped_weights_give_no_picture_under_a_wrong_key(tmp_path: Path) -> None:
    storm = with_swapped_weights(tmp_path, Random(1), 12, [SWAP, "worker", SWAP, "driver"])
    assert (storm.wrong, storm.lost, storm.silently_wrong) == ([], 0, 0)
    assert storm.pictures == 12
    assert storm.faults[SWAP] >= 1


@pytest.mark.slow
def test_lost_and_foreign_nodes_lose_no_picture(tmp_path: Path) -> None:
    storm = on_nodes(tmp_path, Random(1), 12, [LOST_NODE, FOREIGN_NODE])
    assert (storm.wrong, storm.lost, storm.silently_wrong) == ([], 0, 0)
    assert storm.pictures == 12


def test_a_picture_of_other_weights_is_recognised(tmp_path: Path) -> None:
    """Otherwise the storm would find none."""
    folder = open_campaign(str(tmp_path), "spring")
    right, wrong = "12" * 32, "34" * 32
    picture = Image.new("RGB", (64, 64), "red")
    picture.paste(colour_of(right), MARK)
    data = encode(picture, "png", Metadata(variant(1).render_key, "test"))
    for digest, expected in ((right, False), (wrong, True)):
        described = record(1, model=MODEL.model_copy(update={"weights_digest": digest}))
        delivered = deliver(folder, described, f"assets/{digest}.png", data)
        assert is_wrong(folder, delivered, marked=True) is expected
        folder.delete(delivered.key)
    flat = encode(Image.new("RGB", (64, 64)), "png", Metadata(variant(2).render_key, "test"))
    assert is_wrong(folder, deliver(folder, record(2), "assets/flat.png", flat), marked=False)


@pytest.mark.slow
def test_storm_with_the_real_model(tmp_path: Path) -> None:
    def job_in(folder: Path) -> Path:
        return write_campaign(folder, 24, products=("mug",), model="nano")

    environment = {JOURNAL: str(tmp_path / "journal")}
    undisturbed, disturbed = job_in(tmp_path / "undisturbed"), job_in(tmp_path / "disturbed")
    assert run_undisturbed(undisturbed, environment, RENDERER)["counts"]["done"] == 24
    digest = published_digest(open_campaign(str(undisturbed.parent / "out"), "spring"))
    kills = ["worker", "driver", "worker"]
    storm = run_storm(
        disturbed, str(disturbed.parent / "out"), digest, kills, Random(1), environment, None, RENDERER, ()
    )
    assert storm.wrong == []
    assert (storm.pictures, storm.lost) == (24, 0)
    assert storm.faults["driver killed"] == 1
    assert storm.faults["worker killed"] >= 1


def test_a_render_is_double_if_it_began_while_its_picture_was_stored(tmp_path: Path) -> None:
    folder = open_campaign(str(tmp_path), "spring")
    publish_first(folder, 2)
    one, other = sorted(stored_pictures(folder), key=lambda stored: stored.picture)
    deleted = Stored(one.picture, one.since - 90, until=one.since - 60)
    when_stored = [one.since - 70, one.since + 5]
    when_deleted, when_unsure = one.since - 30, one.since + 1.5
    begun = {
        one.picture: [*when_stored, when_deleted, when_unsure],
        other.picture: [other.since - 70],
        "unknown": [one.since + 5],
    }
    counted = doubles(begun, {deleted, one, other})
    assert [(begin, stored.since) for begin, stored in counted] == list(
        zip(when_stored, (deleted.since, one.since), strict=True)
    )
    timeline = [(one.since - 9, "a run began"), (one.since + 1, "worker"), (one.since + 60, "driver")]
    assert description(*counted[1], timeline) == (
        "a render began 5.0 s after its picture was stored (a run began 14.0 s before, worker 4.0 s before)"
    )
    (asset, *_) = folder.list("assets/")
    folder.delete(asset)
    assert len(stored_pictures(folder)) == 1


def test_reader_reports_missing_and_changed_assets(tmp_path: Path) -> None:
    folder = open_campaign(str(tmp_path), "spring")
    publish_first(folder, 2)
    (asset, *_) = folder.list("assets/")
    folder.delete(asset)
    reader = Reader(folder)
    reader._read()
    assert len(reader.problems) == 1
    assert "is missing" in reader.problems[0]
    folder.create(asset, b"another", "image/png")
    reader._read()
    assert "is changed" in reader.problems[1]
