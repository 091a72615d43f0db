"""The machine that a check ran on."""

from __future__ import annotations

import importlib.metadata
import platform
from datetime import UTC, datetime
from typing import Any

import torch

PACKAGES = ("torch", "triton", "transformers", "diffusers")


def machine(device: torch.device) -> dict[str, Any]:
    """Returns date, device and versions."""
    facts: dict[str, Any] = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "device": "CPU",
        "python": platform.python_version(),
        "versions": {name: version_of(name) for name in PACKAGES},
    }
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        facts |= {
            "device": torch.cuda.get_device_name(device),
            "capability": ".".join(map(str, torch.cuda.get_device_capability(device))),
            "memory": f"{total / 1e9:.0f} GB, {free / 1e9:.0f} GB free",
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),
        }
    return facts


def version_of(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
