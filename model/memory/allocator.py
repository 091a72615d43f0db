"""How torch's CUDA allocator is set. No torch here: it reads its settings when it's loaded."""

from __future__ import annotations

import re
import sys
from collections.abc import MutableMapping
from importlib.util import find_spec
from pathlib import Path

SETTING = "expandable_segments:True"
"""Segments that grow: tensors whose sizes change from picture to picture leave no gaps that nothing fits into."""

NAME, OLD_NAME = "PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF"
RENAMED = (2, 9)
"""The version of torch from which on it warns of the old name."""


def set_allocator(environment: MutableMapping[str, str], torch: str | None = None) -> None:
    """Ask for segments that grow, unless the environment says something of the allocator already. Linux only: CUDA has
    them nowhere else. torch: its version, if not the one that is installed."""
    if NAME in environment or OLD_NAME in environment or sys.platform != "linux":
        return
    version = torch or _installed()
    if version is not None:
        environment[NAME if _release(version) >= RENAMED else OLD_NAME] = SETTING


def _installed() -> str | None:
    """torch's version, from its file: importlib.metadata takes longer than all else that `import model` does."""
    spec = find_spec("torch")
    try:
        text = Path(spec.origin or "").with_name("version.py").read_text() if spec else ""
    except OSError:
        return None
    found = re.search(r"^__version__ = '(\d+\.\d+)", text, re.MULTILINE)
    return found[1] if found else None


def _release(version: str) -> tuple[int, int]:
    major, minor = version.split(".")[:2]
    return int(major), int(minor)
