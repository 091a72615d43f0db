"""The peak memory of a process."""

from __future__ import annotations

import pytest

from tests.bench.peak import CLEAR, peak_bytes, settle

MIB = 2**20


@pytest.mark.skipif(not CLEAR.exists(), reason="only Linux can reset the peak")
def test_the_peak_rises_with_an_allocation_and_can_be_reset() -> None:
    baseline = settle()
    block = bytearray(b"x") * (256 * MIB)
    assert len(block) <= peak_bytes() - baseline + 8 * MIB
    del block
    assert settle() < baseline + 128 * MIB
