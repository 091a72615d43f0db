"""What campaigns ask for, and how far their pictures are apart."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from brandpress.model.family import QWEN3_8B
from tests.bench.campaign import Campaign, Job, largest, psnr
from tests.bench.checkpoint import Shape, TextShape

BLACK, GREY = np.zeros((2, 2, 3), int), np.full((2, 2, 3), 51)
JOB = Job(pictures=6, prompts=2, references=3, side=64, steps=1)


def test_only_pictures_that_both_have_are_compared() -> None:
    ours = {0: BLACK, 1: BLACK, 2: GREY}
    assert largest(ours, {0: BLACK}) == 0
    assert largest(ours, {0: BLACK, 2: BLACK}) == 51
    assert psnr(ours, {0: BLACK}) == math.inf


def test_psnr_is_of_all_pictures_together() -> None:
    assert psnr({0: BLACK}, {0: GREY}) == pytest.approx(20 * math.log10(5))
    assert psnr({0: BLACK, 1: BLACK}, {0: GREY, 1: BLACK}) == pytest.approx(20 * math.log10(5) + 10 * math.log10(2))


def test_a_job_shares_references_and_repeats_prompts_with_other_seeds() -> None:
    requests = JOB.requests()
    assert len({request.prompt for request in requests}) == 2
    assert len({request.seed for request in requests}) == 6
    assert all(request.references is requests[0].references for request in requests)
    assert [picture.size for picture in requests[0].references] == [(64, 64)] * 3


def test_diffusers_renders_other_pictures_in_each_round_and_tells_the_seconds_of_all(tmp_path: Path) -> None:
    shape = Shape("klein-kv", 1, 1, 1, TextShape(QWEN3_8B, 128, 4), (8, 16, 32, 32))
    campaign = Campaign.make(JOB, shape, tmp_path)
    theirs, ours = campaign.theirs("Flux2KleinKVPipeline", 2), campaign.ours()
    assert theirs.share == pytest.approx(1 / 3)
    rounds = [theirs.run(number) for number in range(4)]
    assert [set(pictures) for pictures in rounds] == [{0, 1}, {2, 3}, {4, 5}, {0, 1}]
    pictures = ours.run(0)
    assert set(pictures) == set(range(6))
    assert max(largest(pictures, some) for some in rounds) <= 1
