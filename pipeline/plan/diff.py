"""What of a plan is still to be rendered."""

from __future__ import annotations

from collections.abc import Iterable, Set

from pipeline.plan.variant import Variant


def missing(variants: Iterable[Variant], done_keys: Set[str]) -> tuple[Variant, ...]:
    """The variants whose render key isn't done, in their order."""
    return tuple(variant for variant in variants if variant.render_key not in done_keys)
