"""A checkpoint whose weights are replaced by others, and put back, while a campaign is rendered with it."""

from __future__ import annotations

from pathlib import Path


class SwappedWeights:
    """swapped: whether the checkpoint has the other weights at the moment."""

    def __init__(self, checkpoint: Path) -> None:
        self._file = max(checkpoint.glob("transformer/*.safetensors"))
        self._original = self._file.read_bytes()
        self.swapped = False

    def swap(self) -> int:
        """Replaces the weights, in turn by others and by the original ones; in one step, or by writing into the file as
        a careless copy does. Returns 1, the number of faults."""
        self.swapped = not self.swapped
        content = bytearray(self._original)
        content[-1] ^= self.swapped
        if self.swapped:
            self._file.write_bytes(content)
        else:
            beside = self._file.with_suffix(".new")
            beside.write_bytes(content)
            beside.replace(self._file)
        return 1
