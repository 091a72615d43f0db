"""Configures torch's CUDA allocator. Doesn't import torch, which reads the setting when it's imported."""

from __future__ import annotations

import re
import sys
from collections.abc import MutableMapping
from importlib.util import find_spec
from pathlib import Path

SETTING = "expandable_segments:True"
"""Avoids fragmentation where tensor sizes change from picture to picture."""

NAME, OLD_NAME = "PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF"
RENAMED = (2, 9)
"""From this version on, torch warns about the old name."""


def set_allocator(environment: MutableMapping[str, str], torch: str | None = None) -> None:
    """Enable expandable segments in `environment`, unless it configures the allocator already.

    On Linux only, as CUDA supports them nowhere else. torch: its version; default: the installed one.
    """
    if NAME in environment or OLD_NAME in environment or sys.platform != "linux":
        return
    version = torch or _installed()
    if version is not None:
        environment[NAME if _release(version) >= RENAMED else OLD_NAME] = SETTING


def _installed() -> str | None:
    """Returns torch's version, read from its version.py: importlib.metadata takes longer than all other imports."""
    spec = find_spec("torch")
    try:
        text = Path(spec.origin or "").with_name("version.py").read_text() if spec else ""
    except OSError:
        return None
    match = re.search(r"^__version__ = '(\d+\.\d+)", text, re.MULTILINE)
    return match[1] if match else None


def _release(version: str) -> tuple[int, int]:
    major, minor = version.split(".")[:2]
    return int(major), int(minor)
