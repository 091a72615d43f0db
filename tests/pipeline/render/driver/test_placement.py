"""What workers ask Ray for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from brandpress.model.checkpoint.describe import ModelDescription, describe
from brandpress.pipeline.render.driver.cluster import Resources
from brandpress.pipeline.render.driver.placement import (
    TOY_PARAMETERS,
    Demand,
    Node,
    cpu_warning,
    demand_of,
    gpu_threads,
    is_toy,
    largest_share,
    wants_gpus,
)
from tests.model.sparse import sparse

NANO = describe("nano", Path())
HOSTED = describe("flux.2-flex", Path())


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> ModelDescription:
    """A model whose transformer has the fewest weights that are no toy."""
    file = tmp_path_factory.mktemp("large") / "transformer.safetensors"
    sparse(file, {"block.weight": ("BF16", (TOY_PARAMETERS,))})
    assert NANO.parts is not None
    return replace(NANO, family="custom", parts=replace(NANO.parts, transformer=file))


def test_a_toy_is_known_by_its_weights(large: ModelDescription) -> None:
    assert is_toy(NANO)
    assert is_toy(replace(NANO, family="custom"))
    assert not is_toy(large)
    assert not is_toy(HOSTED)


@pytest.mark.parametrize(
    ("model", "gpus", "shared", "cpu", "wanted"),
    [
        ("nano", 1, False, False, True),
        ("nano", 0, False, False, False),
        ("nano", 0, True, False, False),
        ("large", 0, True, False, True),
        ("large", 0, False, False, False),
        ("large", 1, True, True, False),
        ("hosted", 8, True, False, False),
    ],
)
def test_gpus_are_asked_for_even_if_a_cluster_has_none_yet(
    large: ModelDescription, model: str, gpus: int, shared: bool, cpu: bool, wanted: bool
) -> None:
    description = {"nano": NANO, "large": large, "hosted": HOSTED}[model]
    assert wants_gpus(description, Resources(cpus=8, gpus=gpus, shared=shared), cpu=cpu) == wanted


def test_a_large_model_on_this_machines_cpu_is_warned_about(
    large: ModelDescription, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    here = Resources(cpus=8, gpus=0)
    assert "use --cpu if that is intended" in (cpu_warning(large, here, cpu=False) or "")
    for model, offer, cpu in ((NANO, here, False), (large, here, True), (large, replace(here, gpus=1), False)):
        assert cpu_warning(model, offer, cpu=cpu) is None
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert cpu_warning(large, here, cpu=False) is None


@pytest.mark.parametrize(
    ("cores", "workers", "share"),
    [((1, 1), 1, 1), ((4,), 1, 4), ((3, 3), 3, 1), ((3, 3), 2, 3), ((4, 1), 2, 2), ((0,), 1, 1), ((2,), 5, 1)],
)
def test_every_worker_fits_on_a_node(cores: tuple[int, ...], workers: int, share: int) -> None:
    assert largest_share([Node(count) for count in cores], workers) == share


def test_demands() -> None:
    assert demand_of([Node(4)], per_gpu=0, threads=3) == Demand(cpus=3)
    assert demand_of([Node(4, 2)], per_gpu=1, threads=1) == Demand(cpus=1.0, gpus=1.0)
    assert demand_of([Node(4), Node(1, 2)], per_gpu=1, threads=1) == Demand(cpus=0.0, gpus=1.0)
    assert demand_of([], per_gpu=4, threads=1).bundle() == {"CPU": 0.25, "GPU": 0.25}
    assert (Demand(2).resource, Demand(2).amount, Demand(0, 0.5).resource) == ("CPU", 2, "GPU")


def test_threads_beside_a_gpu_are_its_share_of_its_nodes_cores() -> None:
    assert gpu_threads([Node(64), Node(16, 2), Node(8, 2)], 1) == 4
    assert gpu_threads([Node(16, 2)], 4) == 2
    assert gpu_threads([Node(0, 4)], 1) == 1
    assert gpu_threads([], 1) == 1
