"""The review page of a run that is at work: it's written again as pictures are delivered, and reloads itself."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from brandpress.pipeline.deliver.manifest import Counts, Manifest, NothingPublishedError
from brandpress.pipeline.deliver.record import ModelStamp
from brandpress.pipeline.render.events import Event, Planned, VariantRecorded
from brandpress.pipeline.review.measures.scales import SCALES
from brandpress.pipeline.review.page.content import PageSettings, ReviewedPictures
from brandpress.pipeline.review.page.folder import write_page
from brandpress.pipeline.review.page.load import BrandContext, read_reviewed
from brandpress.pipeline.store.protocol import Store, StoreError

INTERVAL = 3.0
"""Least seconds between two versions of the page."""
SHARE = 3
"""Writing the page takes at most one of this many seconds of a run."""
_END = object()


class LivePage:
    """Writes the page on a thread of its own. Problems with it never disturb the run; the last one is in `problem`."""

    def __init__(
        self, out: Path, folder: Store, campaign: str, brand: str, context: BrandContext, pictures: str | None
    ) -> None:
        self.problem = ""
        self._out, self._folder, self._context, self._pictures = out, folder, context, pictures
        self._events: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._counts = Counts(planned=0, done=0, failed=0, missing=0)
        self._records: dict[str, Mapping[str, Any]] = {}
        self._published = ReviewedPictures(
            _empty_manifest(campaign, brand),
            records=(),
            scales=SCALES,
            references=context.references.keys(),
            palette=context.palette,
        )
        self._thread = threading.Thread(target=self._work, name="live page", daemon=True)
        self._thread.start()

    def show(self, event: Event) -> None:
        """Takes an event of the run."""
        if isinstance(event, Planned | VariantRecorded):
            self._events.put(event)

    def close(self) -> None:
        """Writes the page of what is published now, which doesn't reload itself, and ends."""
        self._events.put(_END)
        self._thread.join()
        self._start()
        self._write(live=False)

    def _work(self) -> None:
        self._start()
        ended, next_time = False, 0.0
        while not ended:
            ended = not self._take(self._events.get())
            while not ended and (wait := next_time - time.monotonic()) > 0:
                with suppress(queue.Empty):
                    ended = not self._take(self._events.get(timeout=wait))
            while not ended and not self._events.empty():
                ended = not self._take(self._events.get())
            if not ended:
                start = time.monotonic()
                self._write()
                taken = time.monotonic() - start
                next_time = start + max(INTERVAL, SHARE * taken)

    def _take(self, event: object) -> bool:
        """Takes one event into account. Returns whether the run goes on."""
        match event:
            case Planned(planned=planned, done=done):
                self._counts = Counts(planned=planned, done=done, failed=0, missing=planned - done)
            case VariantRecorded(record=record) if record.status == "done" and record.asset and record.sha256:
                self._records[record.name] = record.model_dump(mode="json")
                self._count(done=1)
            case VariantRecorded():
                self._count(failed=1)
        return event is not _END

    def _count(self, done: int = 0, failed: int = 0) -> None:
        counts = self._counts
        self._counts = counts.model_copy(
            update={
                "done": counts.done + done,
                "failed": counts.failed + failed,
                "missing": max(0, counts.missing - done - failed),
            }
        )

    def _start(self) -> None:
        """Takes over what is published, if anything is."""
        try:
            self._published = read_reviewed(self._folder, self._context)
        except NothingPublishedError:
            return
        except StoreError as error:
            self.problem = str(error)
            return
        self._records = {record["name"]: record for record in self._published.records}

    def _write(self, *, live: bool = True) -> None:
        reviewed = replace(self._published, records=[self._records[name] for name in sorted(self._records)])
        if live or reviewed.manifest.number == 0:
            manifest = reviewed.manifest.model_copy(update={"counts": self._counts, "created": datetime.now(UTC)})
            reviewed = replace(reviewed, manifest=manifest)
        try:
            settings = PageSettings(self._pictures, live=live)
            broken = write_page(self._out, self._folder, reviewed, self._context, settings)
            self.problem = broken[0] if broken else ""
        except StoreError as error:
            self.problem = str(error)


def _empty_manifest(campaign: str, brand: str) -> Manifest:
    """Returns the manifest of a campaign that has none yet."""
    return Manifest(
        campaign=campaign,
        brand=brand,
        spec_sha256="",
        model=ModelStamp(name="", weights_digest="", licence=""),
        number=0,
        created=datetime.now(UTC),
        status="partial",
        counts=Counts(planned=0, done=0, failed=0, missing=0),
        parts=(),
    )
