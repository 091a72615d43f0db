"""What of a plan is still to be rendered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set

from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.plan.variants import Variants


def missing(variants: Iterable[Variant], done_keys: Set[str]) -> Iterator[Variant]:
    """The variants whose render key isn't done, in their order."""
    return (variant for variant in variants if variant.render_key not in done_keys)


class RenderKeys(Set[str]):
    """The render keys of a plan's variants, which differ, as a set that holds none of them.

    What it has in common with a real set costs one pass over the variants, and nothing if that set is empty.
    """

    def __init__(self, variants: Sequence[Variant]) -> None:
        self._variants = variants

    def __iter__(self) -> Iterator[str]:
        if isinstance(self._variants, Variants):
            return self._variants.keys()
        return (variant.render_key for variant in self._variants)

    def __len__(self) -> int:
        return len(self._variants)

    def __contains__(self, key: object) -> bool:
        return any(key == known for known in self)

    def __and__(self, other: Iterable[object]) -> frozenset[str]:
        there = other if isinstance(other, Set) else frozenset(other)
        return frozenset(key for key in self if key in there) if there else frozenset()

    __rand__ = __and__
