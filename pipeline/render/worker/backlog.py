"""How much may wait at once between the model and the store."""

from __future__ import annotations

from threading import Condition

from brandpress.model.request import MAX_PIXELS

MOST_PICTURES = 32
MOST_PIXELS = 2 * MAX_PIXELS
"""Two of the largest pictures, or a burst of small ones: 24 MiB, and as much again for their files."""


class Backlog:
    """Pictures that are on their way. A picture of any size may enter when nothing else is."""

    def __init__(self, pictures: int = MOST_PICTURES, pixels: int = MOST_PIXELS) -> None:
        self._most_pictures, self._most_pixels = pictures, pixels
        self._pictures = self._pixels = 0
        self._changed = Condition()

    def enter(self, pixels: int, *, wait: bool = True) -> bool:
        """Waits until there's room for a picture of so many pixels; without `wait`, returns whether there is."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._has_room(pixels), None if wait else 0):
                return False
            self._pictures += 1
            self._pixels += pixels
            return True

    def leave(self, pixels: int) -> None:
        """A picture that had entered has arrived."""
        with self._changed:
            self._pictures -= 1
            self._pixels -= pixels
            self._changed.notify()

    def _has_room(self, pixels: int) -> bool:
        fits = self._pictures < self._most_pictures and self._pixels + pixels <= self._most_pixels
        return fits or not self._pictures
