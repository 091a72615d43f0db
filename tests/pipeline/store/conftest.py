"""Leaves out what this machine can't run."""

from __future__ import annotations

from tests.folding import exfat_can_be_mounted

collect_ignore = [] if exfat_can_be_mounted() else ["test_exfat.py"]
