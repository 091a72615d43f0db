"""Moments of the workers' clocks on the driver's clock: a driver that stalls doesn't change how long a picture took."""

from __future__ import annotations


class WorkerClocks:
    """Knows each worker's clock by the quickest message that came from it. All values are in seconds."""

    def __init__(self) -> None:
        self._offsets: dict[str, float] = {}

    def local(self, worker: str, sent: float | None, received: float) -> float:
        """Returns when a message was sent, by the driver's clock, and never later than it was received.

        sent: by the worker's clock; None if the worker doesn't say. The first message counts as sent when received.
        """
        if sent is None:
            return received
        offset = min(received - sent, self._offsets.get(worker, received - sent))
        self._offsets[worker] = offset
        return sent + offset

    def remove(self, worker: str) -> None:
        """Forgets `worker`."""
        self._offsets.pop(worker, None)
