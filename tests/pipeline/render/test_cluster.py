"""The Ray of a run has room for its workers, and one that is connected already is used and left alone.

That it's closed to the network is seen in test_run.py, where a driver starts its own.
"""

from __future__ import annotations

import ray as ray_module

from pipeline.render.cluster import Resources, available_cpus, ray_resources


def test_it_has_a_core_for_each_worker(ray: Resources) -> None:
    assert ray.cpus == max(2, available_cpus())


def test_a_connected_ray_is_used_and_left_as_it_is(ray: Resources) -> None:
    with ray_resources(1) as resources:
        assert resources == ray
    assert ray_module.is_initialized()
