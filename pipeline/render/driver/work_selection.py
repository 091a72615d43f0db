"""Which variants a run renders: the missing and failed ones, or only the failed ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from brandpress.pipeline.deliver.record import Record
from brandpress.pipeline.deliver.resume import keys_with_status
from brandpress.pipeline.deliver.status import Failure, failure_of
from brandpress.pipeline.plan.diff import missing
from brandpress.pipeline.plan.variant import Variant


@dataclass(frozen=True, slots=True)
class WorkSelection:
    """The work of one run.

    todo: the variants to render; iterate once. done: how many variants are done already. held_back: quarantined
    variants, which only `retry_failed` renders. suspects: render keys of variants that were in flight when a worker of
    an earlier run was lost.
    """

    todo: Iterator[Variant]
    done: int
    held_back: tuple[Failure, ...]
    suspects: frozenset[str]

    @classmethod
    def of(cls, variants: Sequence[Variant], index: Mapping[str, Record], *, retry_failed: bool) -> WorkSelection:
        """Selects among `variants`, given the store's records of them keyed by render key."""
        done, quarantined = keys_with_status("done", index), keys_with_status("quarantined", index)
        failed = index.keys() - done
        if retry_failed:
            todo = (variant for variant in variants if variant.render_key in failed) if failed else iter(())
        else:
            todo = missing(variants, done | quarantined)
        held_back = () if retry_failed else tuple(failure_of(index[key]) for key in quarantined)
        return cls(
            todo=todo,
            done=len(done),
            held_back=tuple(sorted(held_back, key=lambda failure: failure.name)),
            suspects=frozenset(key for key in failed if index[key].strikes),
        )
