"""The processor, memory and versions of a benchmark run; nothing that identifies the machine or its folders."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import torch

from brandpress.model.memory.host import machine_memory
from brandpress.pipeline.cpus import available_cpus
from brandpress.pipeline.version import VERSION

PACKAGES = ("torch", "diffusers", "transformers", "ray", "numpy", "pillow")


def host() -> dict[str, str]:
    """Returns machine and versions as text, in the order of the report."""
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
    """Returns the date in UTC, as YYYY-MM-DD."""
    return datetime.now(UTC).date().isoformat()


def processor() -> str:
    """Returns the processor's model name."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"
