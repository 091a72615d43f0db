"""What a benchmark ran on: the processor, memory and versions; nothing that names the machine or its folders."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import torch

from brandpress.model.memory.host import machine_memory
from brandpress.pipeline.render.driver.cluster import available_cpus
from brandpress.pipeline.version import VERSION

PACKAGES = ("torch", "diffusers", "transformers", "ray", "numpy", "pillow")


def host() -> dict[str, str]:
    """Machine and versions, in words, in the order they are to be read."""
    return {
        "processor": f"{processor()} ({platform.machine()}, {torch.backends.cpu.get_cpu_capability()})",
        "cores": f"{available_cpus()}, {torch.get_num_threads()} threads",
        "memory": f"{machine_memory() / 2**30:.1f} GiB",
        "system": platform.system(),
        "brandpress": VERSION,
        "python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
    }


def today() -> str:
    return datetime.now(UTC).date().isoformat()


def processor() -> str:
    """Its model's name, as the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"
