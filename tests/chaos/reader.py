"""A reader that polls `latest.json` like a web site does, and checks every asset that the manifests list."""

from __future__ import annotations

import time
from threading import Event, Thread
from types import TracebackType

from brandpress.pipeline.deliver.manifest import BrokenManifestError, read_latest, read_records
from brandpress.pipeline.store.protocol import Store, StoreError, sha256_hex

PAUSE_SECONDS = 0.02


class Reader:
    """Polls in a thread while the block runs. `manifests`: manifests read completely; `problems`: inconsistencies."""

    def __init__(self, folder: Store) -> None:
        self.manifests = 0
        self.problems: list[str] = []
        self._folder = folder
        self._verified: set[tuple[str, str]] = set()
        self._ended = Event()
        self._thread = Thread(target=self._poll, daemon=True)

    def __enter__(self) -> Reader:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _poll(self) -> None:
        while not self._ended.is_set():
            try:
                self._read()
            except BrokenManifestError as error:
                self.problems.append(str(error))
            except StoreError:
                pass  # the store is down
            time.sleep(PAUSE_SECONDS)

    def _read(self) -> None:
        latest = read_latest(self._folder)
        if latest is None:
            return
        for record in read_records(self._folder, latest):
            if record.status != "done" or record.asset is None or record.sha256 is None:
                continue
            if (record.asset, record.sha256) in self._verified and self._folder.stat(record.asset) is not None:
                continue
            data = self._folder.read(record.asset)
            if data is None or sha256_hex(data) != record.sha256:
                self.problems.append(f"{latest.pointer.manifest}: {record.asset} is {'changed' if data else 'missing'}")
                continue
            self._verified.add((record.asset, record.sha256))
        self.manifests += 1
