"""A cluster of two nodes that loses one: the other renders its pictures, which don't become suspects."""

from __future__ import annotations

from pathlib import Path

import pytest

from brandpress.pipeline.deliver.manifest import read_latest, read_records
from brandpress.pipeline.deliver.verify import verify
from brandpress.pipeline.store.folder import open_campaign
from tests.campaigns import write_campaign
from tests.processes import driver, read_events


@pytest.mark.slow
@pytest.mark.parametrize(
    ("renderer", "model"), [("tests.two_nodes:load_stand_in", None), ("tests.two_nodes:load_model", "nano")]
)
def test_losing_a_node_costs_only_time(tmp_path: Path, renderer: str, model: str | None) -> None:
    scenes = {f"s{number:02}": f"in scene {number} [sleep 0.3]" for number in range(16)}
    job = write_campaign(tmp_path, scenes, model=model)
    with driver(job, renderer, module="tests.two_nodes") as process:
        events = list(read_events(process))
        assert process.wait() == 0
    (outcome,) = [value for kind, value in events if kind == "outcome"]
    assert ("killed", "a node") in events
    first, *others = [value for kind, value in events if kind == "lost"]
    assert first == "its node is gone"
    assert all("its node has died" in cause for cause in others), "its replacement may have started there, too"
    assert (outcome["counts"]["done"], outcome["failed"]) == (32, [])
    folder = open_campaign(str(tmp_path / "out"), "spring")
    assert verify(folder).problems == ()
    latest = read_latest(folder)
    assert latest is not None
    assert {record.attempts for record in read_records(folder, latest)} == {1}
