"""Compares a plan with the render keys that a store has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set

from brandpress.pipeline.plan.variant import Variant


def missing(variants: Iterable[Variant], done_keys: Set[str]) -> Iterator[Variant]:
    """Yields the variants whose render key isn't among `done_keys`, in their order; of those that share a picture, the
    first."""
    return (variant for variant in distinct(variants) if variant.render_key not in done_keys)


def distinct(variants: Iterable[Variant]) -> Iterator[Variant]:
    """Yields the first variant of each render key."""
    seen: set[str] = set()
    for variant in variants:
        if variant.render_key not in seen:
            seen.add(variant.render_key)
            yield variant


def render_keys(variants: Iterable[Variant]) -> frozenset[str]:
    """Returns the render keys of the variants."""
    return frozenset(variant.render_key for variant in variants)
