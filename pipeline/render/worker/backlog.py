"""Limits how many pictures wait for upload."""

from __future__ import annotations

from threading import Condition

from brandpress.model.request import MAX_PIXELS

MAX_WAITING_PICTURES = 32
MAX_WAITING_PIXELS = 2 * MAX_PIXELS
"""Two of the largest pictures, or a burst of small ones: 24 MiB, and as much again for their files."""


class Backlog:
    """Pictures being uploaded. If there are none, a picture of any size may enter."""

    def __init__(self, max_pictures: int = MAX_WAITING_PICTURES, max_pixels: int = MAX_WAITING_PIXELS) -> None:
        self._max_pictures, self._max_pixels = max_pictures, max_pixels
        self._pictures = self._pixels = 0
        self._changed = Condition()

    def enter(self, pixels: int, *, wait: bool = True) -> bool:
        """Adds a picture of `pixels`, waiting for room if `wait`. Returns whether it was added."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._has_room(pixels), None if wait else 0):
                return False
            self._pictures += 1
            self._pixels += pixels
            return True

    def leave(self, pixels: int) -> None:
        """Removes a picture of `pixels`, whose upload has ended."""
        with self._changed:
            self._pictures -= 1
            self._pixels -= pixels
            self._changed.notify()

    def _has_room(self, pixels: int) -> bool:
        fits = self._pictures < self._max_pictures and self._pixels + pixels <= self._max_pixels
        return fits or not self._pictures
