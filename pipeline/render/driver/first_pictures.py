"""Ends a run whose first pictures are all unusable: its model is broken."""

from __future__ import annotations

from brandpress.pipeline.deliver.record import Record
from brandpress.pipeline.render.driver.outcome import NothingRenderedError

MAX_UNUSABLE = 3


class FirstPictures:
    """Counts the unusable pictures at the start of a run, until the model has returned a usable one."""

    def __init__(self, advice: str) -> None:
        """advice: what to do about the model; the end of the error."""
        self._advice, self._unusable, self._model_works = advice, 0, False

    def count_usable(self) -> None:
        """Counts a picture that the model has rendered."""
        self._model_works = True

    def count_recorded(self, record: Record, *, unusable: bool) -> None:
        """Counts a record. Raises NothingRenderedError after three unusable pictures and no other."""
        self._model_works = self._model_works or record.status == "done"
        self._unusable += unusable
        if self._unusable == MAX_UNUSABLE and not self._model_works:
            raise NothingRenderedError(f"the first {MAX_UNUSABLE} pictures failed: {record.cause}; {self._advice}")
