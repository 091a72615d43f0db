"""Groups of pictures, and how long they take: measured, scaled or by operations."""

from __future__ import annotations

from dataclasses import replace

import pytest

from brandpress.pipeline.plan.cost.device import device_named
from brandpress.pipeline.plan.cost.groups import Pace, work_of, worst
from brandpress.pipeline.plan.cost.samples import Sample
from brandpress.pipeline.plan.cost.seconds import picture_seconds, set_seconds
from brandpress.pipeline.plan.cost.shape import PictureShape
from brandpress.pipeline.plan.variant import Reference, Variant
from tests.pipeline.deliver.records import variant
from tests.pipeline.plan.cost.sizes import architecture, square
from tests.pipeline.plan.keys import model

H100 = device_named("NVIDIA H100")
KLEIN = architecture("flux.2-klein-4b")


def sample(shape: PictureShape, seconds: float, *, warm: bool = True) -> Sample:
    return Sample(shape, "NVIDIA H100", seconds, warm, "png", None, None)


def with_references(number: int, references: tuple[Reference, ...], **changes: object) -> Variant:
    return replace(variant(number), references=references, **changes)  # type: ignore[arg-type]


def test_variants_are_grouped_by_what_their_time_depends_on(tmp_path: object) -> None:
    mug = (Reference("product", "mug.png", None, "a" * 64),)  # type: ignore[arg-type]
    fox = (Reference("character", "fox.png", None, "b" * 64),)  # type: ignore[arg-type]
    sizes = {"a" * 64: (512, 512), "b" * 64: (512, 512)}
    variants = [
        *(with_references(number, mug) for number in range(3)),
        with_references(3, fox),
        with_references(4, mug, width=128, format="jpeg"),
        variant(5),
    ]
    work = work_of(variants, model(), sizes)
    small = PictureShape(64, 64, 64 * 64, 4, 1, (1024,))
    assert work.shapes == {
        small: 4,
        replace(small, width=128, sampled_pixels=128 * 64): 1,
        PictureShape(64, 64, 64 * 64, 4, 1, ()): 1,
    }
    assert work.sets == {small: 2}, "pictures of other sizes share a set"
    assert work.formats == {"png": 5 * 64 * 64, "jpeg": 128 * 64}
    assert work.pictures == 6
    assert work_of([], model(), {}).pictures == 0


def test_a_shape_that_was_rendered_before_is_measured() -> None:
    shape = square(1024)
    pace = Pace(KLEIN, H100, [sample(shape, seconds) for seconds in (1.0, 2.0, 3.0, 4.0, 50.0)])
    group = pace.group(shape, 7)
    assert (group.basis, group.records, group.pictures) == ("measured", 5, 7)
    assert group.seconds is not None
    assert (group.seconds.low, group.seconds.expected, group.seconds.high) == (2, 3, 4)


def test_pictures_that_prepared_a_set_do_not_count_if_others_exist() -> None:
    shape = square(1024, references=1)
    cold, warm = sample(shape, 9.0, warm=False), sample(shape, 1.0)
    group = Pace(KLEIN, H100, [cold, warm]).group(shape, 1)
    assert group.seconds is not None
    assert group.seconds.expected == 1.0
    group = Pace(KLEIN, H100, [cold]).group(shape, 1)
    assert group.seconds is not None
    assert group.seconds.expected == 9.0


def test_another_size_is_scaled_by_its_operations() -> None:
    """If pictures of 1024x1024 take twice what operations say, so do pictures of 2048x2048."""
    seconds = 2 * picture_seconds(KLEIN, square(1024), H100)
    pace = Pace(KLEIN, H100, [sample(square(1024), seconds)] * 5)
    group = pace.group(square(2048, references=2), 1)
    assert (group.basis, group.records) == ("scaled", 5)
    assert group.seconds is not None
    assert group.seconds.expected == pytest.approx(2 * picture_seconds(KLEIN, square(2048, references=2), H100))
    sets = pace.sets({square(1024, references=2): 3})
    assert sets.expected == pytest.approx(2 * 3 * set_seconds(KLEIN, square(1024, references=2), H100))


def test_without_records_operations_decide_with_a_wide_range() -> None:
    group = Pace(KLEIN, H100, []).group(square(1024), 1)
    assert group.basis == "model"
    assert group.seconds is not None
    assert group.seconds.low < group.seconds.expected < group.seconds.high
    measured_card = Pace(KLEIN, device_named("H200"), []).group(square(1024), 1)
    assert measured_card.seconds is not None
    ranges = [seconds.high / seconds.low for seconds in (group.seconds, measured_card.seconds)]
    assert ranges[0] > ranges[1]


def test_without_sizes_only_measured_shapes_are_known() -> None:
    pace = Pace(None, H100, [sample(square(1024), 1.0)])
    assert pace.group(square(1024), 1).basis == "measured"
    assert (pace.group(square(2048), 1).basis, pace.group(square(2048), 1).seconds) == ("unknown", None)
    assert pace.sets({square(1024, references=1): 1}).high == 0


def test_the_worst_basis_is_named() -> None:
    assert worst(["measured", "model", "scaled"]) == "model"
    assert worst(["measured", "scaled"]) == "scaled"
