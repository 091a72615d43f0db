"""How pending workers are described, in the progress and in errors."""

from __future__ import annotations

from brandpress.pipeline.render.events import WorkersPending


def describe_pending(pending: WorkersPending) -> str:
    """`waiting for resources: 1 GPU requested, 0 of 1 free`, or that the processes start, if there's enough."""
    if pending.total and pending.free >= pending.requested:
        return "the workers' processes are starting"
    return _waiting(pending)


def describe_starved(pending: WorkersPending) -> str:
    """The same of workers that have waited for too long: resources that are free are of no use to them."""
    if pending.total and pending.free * pending.workers >= pending.requested:
        return f"{_waiting(pending)}; probably no single node has room for one"
    return _waiting(pending)


def _waiting(pending: WorkersPending) -> str:
    noun = pending.resource if pending.requested == 1 else f"{pending.resource}s"
    text = f"waiting for resources: {pending.requested:g} {noun} requested, {pending.free:g} of {pending.total:g} free"
    return text if pending.total else f"{text}; the cluster has none now, unless its autoscaler adds nodes"
