"""The highest memory of a process."""

from __future__ import annotations

import pytest

from tests.bench.peak import CLEAR, peak_bytes, settle

MIB = 2**20


@pytest.mark.skipif(not CLEAR.exists(), reason="only Linux lets a peak start anew")
def test_a_peak_rises_with_what_is_held_and_starts_anew() -> None:
    held = settle()
    block = bytearray(b"x") * (256 * MIB)
    assert len(block) <= peak_bytes() - held + 8 * MIB
    del block
    assert settle() < held + 128 * MIB
