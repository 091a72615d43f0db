"""A worker's cache of reference pictures, which are opened ahead of use on threads."""

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
CACHE_BYTES = 384 * 2**20
"""Of pixels in three bytes: 32 pictures of 4 megapixels. Pillow keeps four bytes per pixel, so they take 512 MiB."""


class References:
    """Evicts the least recently used pictures beyond `cache_bytes`, but keeps the last ten, which may be one set."""

    def __init__(self, cache_bytes: int = CACHE_BYTES) -> None:
        self._cache_bytes = cache_bytes
        self._pictures: OrderedDict[Reference, Future[Image.Image]] = OrderedDict()
        self._sizes: dict[Reference, int] = {}
        self._total_bytes = 0
        self._lock = RLock()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="references")

    def open_ahead(self, references: Iterable[Reference]) -> None:
        """Starts to open references on threads and returns immediately."""
        for reference in references:
            self._future(reference)

    def open(self, reference: Reference) -> Image.Image:
        """Returns the picture from `open_reference`. Raises RequestError; a failed reference is retried next time."""
        future = self._future(reference)
        try:
            picture = future.result()
        except Exception:
            self._evict(reference)
            raise
        finally:
            del future  # it holds the error, whose frames hold this frame
        self._keep(reference, picture.width * picture.height * len(picture.getbands()))
        return picture

    def close(self) -> None:
        """Stops opening references."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _future(self, reference: Reference) -> Future[Image.Image]:
        with self._lock:
            if reference not in self._pictures:
                self._pictures[reference] = self._threads.submit(open_reference, reference)
            self._pictures.move_to_end(reference)
            return self._pictures[reference]

    def _keep(self, reference: Reference, size: int) -> None:
        with self._lock:
            if reference in self._pictures and reference not in self._sizes:
                self._sizes[reference] = size
                self._total_bytes += size
            while self._total_bytes > self._cache_bytes and len(self._pictures) > MAX_REFERENCES:
                self._evict(next(iter(self._pictures)))

    def _evict(self, reference: Reference) -> None:
        with self._lock:
            self._pictures.pop(reference, None)
            self._total_bytes -= self._sizes.pop(reference, 0)
