"""Sizes that nano enlarges are warnings, and cost and memory are those of the smaller picture."""

from __future__ import annotations

from pathlib import Path

from brandpress.model.memory.plan import Largest
from brandpress.pipeline.plan.cost.shape import shape_of
from brandpress.pipeline.plan.memory import largest_of
from brandpress.pipeline.plan.validate import validate
from brandpress.pipeline.plan.warnings import warnings_of
from tests.campaigns import plan_of, write_campaign

MESSAGE = "nano renders 1024x1024 as 256x256 and enlarges it, which blurs; up to 262,144 pixels, such as 512x512, it"


def test_an_enlarged_size_is_a_warning(tmp_path: Path) -> None:
    job = write_campaign(tmp_path, 1, model="nano", size="1024x1024")
    [warning] = [str(one) for one in validate(job).warnings if "enlarges" in one.what]
    assert f": warning: {MESSAGE}" in warning
    [text] = [text for text in warnings_of(plan_of(job)) if "enlarges" in text]
    assert MESSAGE in text


def test_each_of_several_sizes_is_named(tmp_path: Path) -> None:
    formats = {"small": {"size": "512x512"}, "wide": {"size": "2048x1024"}, "tall": {"size": "1024x2048"}}
    matrix = {"scene": {"beach": "on a beach"}, "format": formats}
    fields = {"prompt": "{{ scene }}", "references": [], "output": {"name": "{{ format }}"}}
    job = write_campaign(tmp_path, 1, model="nano", size=None, matrix=matrix, **fields)
    texts = [text for text in warnings_of(plan_of(job)) if "enlarges" in text]
    assert ["2048x1024 as 368x176" in texts[0], "1024x2048 as 176x368" in texts[1]] == [True, True]
    assert len(texts) == 2


def test_sizes_up_to_the_limit_are_no_warning(tmp_path: Path) -> None:
    job = write_campaign(tmp_path, 1, model="nano", size="512x512")
    assert not any("enlarges" in text for text in warnings_of(plan_of(job)))


def test_cost_and_memory_are_those_of_the_small_picture(tmp_path: Path) -> None:
    plan = plan_of(write_campaign(tmp_path, 1, model="nano", size="2048x2048"))
    shape = shape_of(plan.variants[0], plan.model, ())
    assert (shape.pixels, shape.sampled_pixels, shape.tokens) == (2048 * 2048, 256 * 256, 256)
    largest = largest_of(plan)
    assert (largest.width, largest.height) == (256, 256)
    assert isinstance(largest, Largest)
