"""A stranger's campaign through the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from brandpress.model import Renderer
from brandpress.model.nano.evaluation.brand import Brand
from brandpress.model.nano.evaluation.campaign import render_campaign, write_campaign
from brandpress.model.nano.evaluation.shots import pair_shots
from brandpress.model.nano.evaluation.stranger import shot_requests


def test_the_specs_name_each_shot_with_its_references(brand: Brand, tmp_path: Path) -> None:
    shots = pair_shots(brand, 3)
    job = yaml.safe_load(write_campaign(tmp_path, brand, shots, "nano", 256, [0]).read_text())
    assert job["matrix"]["shot"]["shot02"] == shots[2].prompt
    assert job["include"][0] == {"shot": "shot00", "product": "mug", "character": "fox"}
    spec = yaml.safe_load((tmp_path / "brand.yaml").read_text())
    assert (tmp_path / spec["products"]["mug"]["references"][0]).is_file()


@pytest.mark.slow
def test_the_command_line_renders_the_shots(brand: Brand, tmp_path: Path) -> None:
    pictures = render_campaign(tmp_path, brand, pair_shots(brand, 2), "nano", 128, [0, 7])
    assert [picture.size for picture in pictures] == [(128, 128)] * 4
    assert len({picture.tobytes() for picture in pictures}) == 4
    requests = shot_requests(pair_shots(brand, 2), 128, 4, [0, 7])
    assert [picture.tobytes() for picture in pictures] == [
        picture.tobytes() for picture in Renderer.load("nano").render(requests)
    ]
