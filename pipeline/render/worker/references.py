"""Reference pictures of a worker: opened ahead on threads, each once, and kept while they're in use."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import RLock

from PIL import Image

from brandpress.model.request import MAX_REFERENCES
from brandpress.pipeline.plan.variant import Reference
from brandpress.pipeline.render.worker.reference import open_reference

THREADS = 2
KEPT_BYTES = 512 * 2**20
"""Of pixels: 42 pictures of 4 megapixels."""


class References:
    """The least recently used go first when they fill more than `kept` bytes, but the last ten always stay: they may
    be one set."""

    def __init__(self, kept: int = KEPT_BYTES) -> None:
        self._kept = kept
        self._pictures: OrderedDict[Reference, Future[Image.Image]] = OrderedDict()
        self._sizes: dict[Reference, int] = {}
        self._filled = 0
        self._lock = RLock()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="references")

    def ahead(self, references: Iterable[Reference]) -> None:
        """Begin to open what will be asked for; returns at once."""
        for reference in references:
            self._find(reference)

    def open(self, reference: Reference) -> Image.Image:
        """The picture as `open_reference` gives it. Raises RequestError; what couldn't be opened is tried anew the next
        time."""
        future = self._find(reference)
        try:
            picture = future.result()
        except Exception:
            self._drop(reference)
            raise
        finally:
            del future  # it would hold the error, whose frames hold this one
        self._keep(reference, picture.width * picture.height * len(picture.getbands()))
        return picture

    def close(self) -> None:
        """Opens nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _find(self, reference: Reference) -> Future[Image.Image]:
        with self._lock:
            if reference not in self._pictures:
                self._pictures[reference] = self._threads.submit(open_reference, reference)
            self._pictures.move_to_end(reference)
            return self._pictures[reference]

    def _keep(self, reference: Reference, size: int) -> None:
        with self._lock:
            if reference in self._pictures and reference not in self._sizes:
                self._sizes[reference] = size
                self._filled += size
            while self._filled > self._kept and len(self._pictures) > MAX_REFERENCES:
                self._drop(next(iter(self._pictures)))

    def _drop(self, reference: Reference) -> None:
        with self._lock:
            self._pictures.pop(reference, None)
            self._filled -= self._sizes.pop(reference, 0)
