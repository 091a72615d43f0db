"""When a GPU is retired, and how many workers the rest has room for."""

from __future__ import annotations

import pytest

from brandpress.pipeline.render.driver.gpu_health import MAX_DEVICE_LOSSES, GpuHealth


def lose(health: GpuHealth, node: str, gpu: str, count: int = MAX_DEVICE_LOSSES) -> list[str | None]:
    """Places a worker on a GPU and counts `count` losses there. Returns the warnings."""
    health.place("worker", node, gpu)
    return [health.count_loss("worker") for _ in range(count)]


def test_a_gpu_is_retired_after_losses_in_a_row() -> None:
    health = GpuHealth(gpus=2, per_gpu=2)
    health.place("neighbour", "node", "1")
    *earlier, warning = lose(health, "node", "0")
    assert earlier == [None] * (MAX_DEVICE_LOSSES - 1)
    assert warning is not None and warning.startswith("no more workers are started on GPU 0 of node node: the last 3 ")
    assert (health.is_retired("worker"), health.is_retired("neighbour"), health.is_retired("new")) == (
        True,
        False,
        False,
    )
    assert health.max_workers(4) == 2
    assert lose(health, "node", "0") == [None] * MAX_DEVICE_LOSSES, "it is reported once"


def test_a_picture_in_between_resets_the_count() -> None:
    health = GpuHealth(gpus=1, per_gpu=1)
    lose(health, "node", "0", MAX_DEVICE_LOSSES - 1)
    health.reset_losses("worker")
    assert lose(health, "node", "0", MAX_DEVICE_LOSSES - 1) == [None] * (MAX_DEVICE_LOSSES - 1)
    assert health.max_workers(1) == 1


@pytest.mark.parametrize(("node", "where"), [("node", "node node"), ("", "this machine")])
def test_losses_on_an_unknown_gpu_cost_a_worker_each(node: str, where: str) -> None:
    health = GpuHealth(gpus=0, per_gpu=1)
    *_, warning, again = lose(health, node, "", MAX_DEVICE_LOSSES + 1)
    assert warning is not None and f" on {where}: " in warning
    assert again == warning
    assert not health.is_retired("worker")
    assert health.max_workers(4) == 2


@pytest.mark.parametrize(
    ("gpus", "per_gpu", "workers", "expected"), [(2, 1, 2, 2), (2, 1, 5, 2), (2, 3, 5, 5), (0, 1, 5, 5)]
)
def test_healthy_gpus_limit_the_number_of_workers(gpus: int, per_gpu: int, workers: int, expected: int) -> None:
    assert GpuHealth(gpus, per_gpu).max_workers(workers) == expected
