"""When the failures at the start of a run count as one cause that all variants share."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from brandpress.pipeline.plan.variant import Reference, Variant
from brandpress.pipeline.render.driver.shared_cause import MIN_FAILURES, SharedCause
from tests.pipeline.deliver.records import variant

CAUSE = "RuntimeError: shapes differ"


def variants(count: int = 40, *, sets: int = 1, sizes: int = 1, prompts: int = 1) -> list[Variant]:
    """Variants in the order of a plan: by set, size, prompt and seed."""
    results = []
    for number in range(count):
        reference = Reference("product", "a.png", Path("a.png"), str(number * sets // count))
        side = 64 + 16 * (number * sets * sizes // count % sizes)
        prompt = f"prompt {number * sets * sizes * prompts // count % prompts}"
        results.append(replace(variant(number), references=(reference,), width=side, prompt=prompt))
    return results


def after(failed: int, planned: list[Variant], cause: str = CAUSE) -> SharedCause:
    shared = SharedCause(planned)
    for one in planned[:failed]:
        shared.count_failure(one, cause)
    return shared


def test_enough_failures_with_one_cause_are_a_shared_cause() -> None:
    assert after(MIN_FAILURES - 1, variants()).conclusion is None
    assert after(MIN_FAILURES, variants()).conclusion == (
        f"the first {MIN_FAILURES} variants failed, all for the same reason: {CAUSE}"
    )


def test_numbers_in_a_cause_may_differ() -> None:
    shared = SharedCause(variants())
    for number, one in enumerate(variants()[:MIN_FAILURES]):
        shared.count_failure(one, f"OutOfMemoryError: {number}.5 GiB of 0x{number:x}f are missing")
    assert shared.conclusion is not None


def test_another_cause_starts_the_count_again() -> None:
    shared = after(MIN_FAILURES - 1, variants())
    shared.count_failure(variant(90), "OSError: no such file")
    for number in range(MIN_FAILURES - 1):
        shared.count_failure(variant(number), CAUSE)
    assert shared.conclusion is None
    shared.count_failure(variant(91), CAUSE)
    assert shared.conclusion is not None


def test_the_same_variant_counts_once() -> None:
    shared = SharedCause(variants())
    for _ in range(2 * MIN_FAILURES):
        shared.count_failure(variant(0), CAUSE)
    assert shared.conclusion is None


def test_one_delivered_picture_refutes_it_for_good() -> None:
    shared = SharedCause(variants())
    shared.count_delivered()
    for one in variants():
        shared.count_failure(one, CAUSE)
    assert shared.conclusion is None
    assert not shared.wants_others


def test_nothing_is_concluded_while_a_picture_is_being_uploaded() -> None:
    shared = SharedCause(variants())
    shared.count_rendered(variant(30).render_key)
    for one in variants()[:MIN_FAILURES]:
        shared.count_failure(one, CAUSE)
    assert shared.conclusion is None
    shared.count_failure(variants()[30], CAUSE)
    assert shared.conclusion is not None


@pytest.mark.parametrize("several", ["sets", "sizes", "prompts"])
def test_what_failed_variants_have_in_common_may_be_the_reason(several: str) -> None:
    planned = variants(**{several: 2})
    shared = after(MIN_FAILURES, planned)
    assert (shared.conclusion, shared.wants_others) == (None, True)
    assert [shared.is_another(one) for one in (planned[MIN_FAILURES], planned[-1])] == [False, True]
    shared.count_failure(planned[-1], CAUSE)
    assert (shared.conclusion is not None, shared.wants_others) == (True, False)
