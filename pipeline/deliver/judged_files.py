"""Which file of a picture verdicts and approvals are about: one that was lost and rendered again may be another one."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from pydantic_core import from_json

from brandpress.pipeline.deliver.delivery import read_record
from brandpress.pipeline.deliver.record import record_key
from brandpress.pipeline.deliver.verdicts import VerdictIndex
from brandpress.pipeline.store.protocol import Store


@dataclass(slots=True)
class JudgedFiles:
    """accepted: render key -> SHA-256 of the files that people approved or picked. done: lines of records by render
    key, as far as they are known. known: render key -> SHA-256, of all pictures that were asked for."""

    folder: Store
    verdicts: VerdictIndex
    accepted: Mapping[str, Set[str]]
    done: Mapping[str, bytes]
    known: dict[str, str] = field(default_factory=dict)

    def sha256(self, render_key: str) -> str | None:
        """Returns the SHA-256 of a picture's file; None if nobody and nothing has judged it. Raises StoreError.

        Its record is read only if several files have been judged. Otherwise it's assumed to be the one that was judged;
        what lists pictures, or judges them, compares it with the record. Without a record, an accepted file counts.
        """
        if render_key not in self.known and (sha256 := self._sha256(render_key)) is not None:
            self.known[render_key] = sha256
        return self.known.get(render_key)

    def _sha256(self, render_key: str) -> str | None:
        accepted = self.accepted.get(render_key, frozenset())
        judged = accepted | self.verdicts.digests.get(render_key, frozenset())
        if not judged:
            return None
        if (line := self.done.get(render_key)) is not None:
            return str(from_json(line)["sha256"])
        if len(judged) > 1:
            record = read_record(self.folder, record_key(render_key))
            if record is not None and record.sha256 is not None:
                return record.sha256
        return min(accepted or judged)
