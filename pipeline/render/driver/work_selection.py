"""Which variants a run renders: the missing and failed ones, or only the failed ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass

from brandpress.pipeline.deliver.resume import RecordIndex, is_held_back
from brandpress.pipeline.deliver.status import Failure, failure_of
from brandpress.pipeline.plan.diff import distinct, missing, render_keys
from brandpress.pipeline.plan.variant import Variant


@dataclass(frozen=True, slots=True)
class WorkSelection:
    """The work of one run.

    todo: the variants to render; iterate once. done: how many variants are done already. held_back: quarantined
    variants and those that have failed too often, which only `retry_failed` renders. suspects: render keys of variants
    that were in flight when a worker of an earlier run was lost. not_selected: how many variants aren't done and may
    not be rendered in this run.
    """

    todo: Iterator[Variant]
    done: int
    held_back: tuple[Failure, ...]
    suspects: frozenset[str]
    not_selected: int = 0

    @classmethod
    def of(
        cls, variants: Sequence[Variant], index: RecordIndex, *, retry_failed: bool, only: Set[str] | None = None
    ) -> WorkSelection:
        """Selects among `variants`, given the store's records of them. only: the render keys of those that may be
        rendered; None: all."""
        selected = variants if only is None else [variant for variant in variants if variant.render_key in only]
        others = {key: record for key, record in index.others.items() if only is None or key in only}
        held = {key: record for key, record in others.items() if is_held_back(record)}
        if retry_failed:
            todo = iter([variant for variant in distinct(selected) if variant.render_key in others])
        else:
            todo = missing(selected, index.done.keys() | held.keys())
        held_back = () if retry_failed else map(failure_of, held.values())
        return cls(
            todo=todo,
            done=len(index.done.keys() & render_keys(variants)),
            held_back=tuple(sorted(held_back, key=lambda failure: failure.name)),
            suspects=frozenset(key for key, record in others.items() if record.strikes),
            not_selected=sum(1 for _ in missing(variants, index.done.keys() | only)) if only is not None else 0,
        )


def wanted(todo: Iterator[Variant], only: Set[str] | None) -> Iterator[Variant]:
    """Returns the variants with these render keys; all if `only` is None."""
    return todo if only is None else (variant for variant in todo if variant.render_key in only)
