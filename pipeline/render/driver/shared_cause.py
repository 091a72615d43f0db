"""Recognises that the first variants of a run all fail for one reason, which the others would share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from brandpress.pipeline.plan.variant import Variant

MIN_FAILURES = 8
"""Variants that must have failed with the same cause before a run ends without a delivered picture."""

TRAITS: tuple[Callable[[Variant], object], ...] = (
    lambda variant: variant.reference_set,
    lambda variant: (variant.width, variant.height),
    lambda variant: variant.prompt,
)
"""What a cause may be peculiar to. Of each, two values must have failed if the run has two."""

_VARYING = re.compile(r"0x[0-9a-f]+|\d+(?:[.,]\d+)*", re.IGNORECASE)


class SharedCause:
    """Counts failures in a row with the same cause, until the first picture is delivered."""

    def __init__(self, variants: Iterable[Variant] = ()) -> None:
        """variants: all that the run is to render."""
        variants = tuple(variants)
        self._traits = tuple(trait for trait in TRAITS if _varies(map(trait, variants)))
        self._refuted = False
        self._uploading: set[str] = set()
        self._start_over("", "")

    def count_rendered(self, render_key: str) -> None:
        """The model has finished this variant; nothing is concluded until its picture is recorded."""
        self._uploading.add(render_key)

    def count_delivered(self) -> None:
        """A picture is delivered, so nothing keeps all variants from being rendered."""
        self._refuted = True
        self._uploading.clear()
        self._start_over("", "")

    def count_failure(self, variant: Variant, cause: str) -> None:
        """Counts a variant that failed, or whose worker was lost while it was rendered. Numbers in causes may
        differ."""
        self._uploading.discard(variant.render_key)
        if self._refuted:
            return
        pattern = pattern_of(cause)
        if pattern != self._pattern:
            self._start_over(pattern, cause)
        self._failed.add(variant.render_key)
        for trait, values in zip(self._traits, self._values, strict=True):
            if len(values) < 2:
                values.add(trait(variant))

    @property
    def is_possible(self) -> bool:
        """Whether no picture has been delivered yet."""
        return not self._refuted

    @property
    def conclusion(self) -> str | None:
        """Why the others would fail, too, as the start of a sentence; None as long as it isn't certain."""
        if len(self._failed) < MIN_FAILURES or self._uploading or any(self._narrow()):
            return None
        return f"the first {len(self._failed)} variants failed, all for the same reason: {self._cause}"

    @property
    def wants_others(self) -> bool:
        """Whether enough variants have failed, but they have so much in common that it may be the reason."""
        return len(self._failed) >= MIN_FAILURES and any(self._narrow())

    def is_another(self, variant: Variant) -> bool:
        """Whether a variant differs in something that all failed ones have in common."""
        return any(trait(variant) not in values for trait, values in self._narrow())

    def _start_over(self, pattern: str, cause: str) -> None:
        self._pattern, self._cause = pattern, cause
        self._failed: set[str] = set()
        self._values: tuple[set[object], ...] = tuple(set() for _ in self._traits)

    def _narrow(self) -> Iterator[tuple[Callable[[Variant], object], set[object]]]:
        """Yields the traits of which only one value has failed, and that value."""
        for trait, values in zip(self._traits, self._values, strict=True):
            if len(values) < 2:
                yield trait, values


def pattern_of(cause: str) -> str:
    """Returns a cause with its numbers replaced: two variants that fail for one reason may differ in these."""
    return _VARYING.sub("#", cause)


def _varies(values: Iterator[object]) -> bool:
    first = next(values, None)
    return any(value != first for value in values)
