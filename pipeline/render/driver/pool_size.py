"""How many workers a run starts, and how many CPU threads each has."""

from __future__ import annotations

import os

from brandpress.model.errors import RequestError
from brandpress.pipeline.cpus import available_cpus
from brandpress.pipeline.render.driver.cluster import Resources
from brandpress.pipeline.render.driver.placement import largest_share


def pool_size(
    workers: int | None, resources: Resources, variants: int, per_gpu: int = 1, *, elastic: bool = False
) -> int:
    """Returns how many workers to start: `per_gpu` for each GPU, or one without GPUs; never more than variants.

    elastic: GPUs may join later, so that more workers than fit now can wait for them. Raises RequestError if `workers`
    don't fit the GPUs, or if workers should share a GPU and there is none.
    """
    room = resources.gpus * per_gpu
    if elastic:
        return max(1, min(workers or room or per_gpu, variants))
    if per_gpu > 1 and not room:
        raise RequestError(
            f"--workers-per-gpu {per_gpu}: Ray has no GPU that workers could share; remove the option, or set "
            "--workers to run several workers on the CPU"
        )
    if workers and room and workers > room:
        rule = "each needs a GPU" if per_gpu == 1 else f"{per_gpu} share a GPU"
        raise RequestError(f"--workers {workers}: {rule}, and Ray has {resources.gpus}; allowed: 1 to {room}")
    return max(1, min(workers or room or 1, variants))


def threads_per_worker(workers: int, resources: Resources) -> int:
    """Returns the CPU threads of each worker: OMP_NUM_THREADS if set, or an equal share of the cores.

    The cores are those of this machine, or of a cluster's nodes, of which a worker uses one.
    """
    configured = os.environ.get("OMP_NUM_THREADS", "")
    if configured.isdecimal() and int(configured):
        return min(int(configured), largest_share(resources.machines, workers))
    if resources.shared:
        return largest_share(resources.machines, workers)
    return max(1, min(resources.cpus, available_cpus()) // workers)
