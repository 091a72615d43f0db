"""Sizes that nano enlarges are warnings, and cost and memory are those of the smaller picture."""

from __future__ import annotations

from pathlib import Path

from brandpress.model.memory.plan import Largest
from brandpress.pipeline.plan.cost.shape import shape_of
from brandpress.pipeline.plan.memory import largest_of
from brandpress.pipeline.plan.validate import validate
from brandpress.pipeline.plan.warnings import warnings_of
from tests.campaigns import plan_of, write_campaign

MESSAGE = "nano renders 1024x1024 as 256x256 and enlarges them, which blurs; up to 262,144 pixels, such as 512x512, it"


def test_an_enlarged_size_is_a_warning(tmp_path: Path) -> None:
    job = write_campaign(tmp_path, 1, model="nano", size="1024x1024")
    [warning] = [str(one) for one in validate(job).warnings if "enlarges" in one.what]
    assert f": warning: {MESSAGE}" in warning
    [text] = [text for text in warnings_of(plan_of(job)) if "enlarges" in text]
    assert MESSAGE in text


def test_several_sizes_are_one_warning_at_the_first(tmp_path: Path) -> None:
    (tmp_path / "brand.yaml").write_text("brand: b\nproducts: {mug: {description: a mug}}\n", "utf-8")
    sizes = ["256x256", "2048x1024", "1024x2048", "1024x1024", "2048x2048", "1536x1536", "1536x1024"]
    formats = "".join(f"    f{number}: {size}\n" for number, size in enumerate(sizes))
    job = tmp_path / "job.yaml"
    job.write_text(
        "campaign: c\nbrand: brand.yaml\nmodel: nano\nprompt: a mug\nsize: 256x256\ndeliver: out\n"
        f"output: {{name: '{{{{ format }}}}'}}\nmatrix:\n  format:\n{formats}",
        "utf-8",
    )
    shown = "2048x1024 as 352x176, 1024x2048 as 176x352, 1024x1024 as 256x256, 2048x2048 as 256x256 and 2 more sizes"
    [warning] = [str(one) for one in validate(job).warnings if "enlarges" in one.what]
    assert f"job.yaml:11:9: warning: nano renders {shown} smaller and enlarges them" in warning


def test_a_format_of_an_included_combination_is_the_place(tmp_path: Path) -> None:
    (tmp_path / "brand.yaml").write_text("brand: b\nproducts: {mug: {description: a mug}}\n", "utf-8")
    job = tmp_path / "job.yaml"
    job.write_text(
        "campaign: c\nbrand: brand.yaml\nmodel: nano\nprompt: a mug\nsize: 256x256\ndeliver: out\n"
        "matrix: {product: [mug]}\ninclude:\n  - {product: mug, format: {hero: 2048x256}}\n",
        "utf-8",
    )
    [warning] = [str(one) for one in validate(job).warnings if "enlarges" in one.what]
    assert "job.yaml:9:35: warning: nano renders 2048x256 as 736x96" in warning


def test_sizes_up_to_the_limit_are_no_warning(tmp_path: Path) -> None:
    job = write_campaign(tmp_path, 1, model="nano", size="512x512")
    assert not any("enlarges" in text for text in warnings_of(plan_of(job)))


def test_cost_and_memory_are_those_of_the_small_picture(tmp_path: Path) -> None:
    plan = plan_of(write_campaign(tmp_path, 1, model="nano", size="2048x2048"))
    shape = shape_of(plan.variants[0], plan.model, ())
    assert (shape.pixels, shape.sampled_pixels, shape.tokens) == (2048 * 2048, 256 * 256, 256)
    assert shape.file_pixels == 2048 * 256
    largest = largest_of(plan)
    assert (largest.width, largest.height) == (256, 256)
    assert isinstance(largest, Largest)
