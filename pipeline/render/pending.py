"""How pending workers are described, in the progress and in errors."""

from __future__ import annotations

from brandpress.pipeline.render.events import WorkersPending


def describe_pending(pending: WorkersPending) -> str:
    """`waiting for resources: 1 GPU requested, 0 of 1 free`."""
    noun = pending.resource if pending.requested == 1 else f"{pending.resource}s"
    text = f"waiting for resources: {pending.requested:g} {noun} requested, {pending.free:g} of {pending.total:g} free"
    if not pending.total:
        return f"{text}; the cluster has none now, unless its autoscaler adds nodes"
    if pending.free * pending.workers >= pending.requested:
        return f"{text}; the processes are about to start, or no single node has room for one"
    return text
