"""torch's allocator is asked for segments that grow, before torch is loaded, unless somebody has asked for another."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from brandpress.model.memory.allocator import NAME, OLD_NAME, SETTING, set_allocator


@pytest.mark.parametrize(
    ("torch", "given", "result"),
    [
        ("2.13.0+cu130", {}, {NAME: SETTING}),
        ("2.9.0", {}, {NAME: SETTING}),
        ("2.10.0a0+git1", {}, {NAME: SETTING}),
        ("2.8.0", {}, {OLD_NAME: SETTING}),
        ("2.9.0", {NAME: "backend:cudaMallocAsync"}, {NAME: "backend:cudaMallocAsync"}),
        ("2.9.0", {OLD_NAME: "max_split_size_mb:512"}, {OLD_NAME: "max_split_size_mb:512"}),
        ("2.9.0", {NAME: ""}, {NAME: ""}),
    ],
)
def test_what_is_set(torch: str, given: dict[str, str], result: dict[str, str]) -> None:
    environment = dict(given)
    set_allocator(environment, torch)
    assert environment == result


@pytest.mark.parametrize("given", [{}, {NAME: "max_split_size_mb:64"}, {OLD_NAME: "max_split_size_mb:64"}])
def test_it_is_set_before_torch_is_loaded_and_torch_takes_it(given: dict[str, str]) -> None:
    """In a process of its own: the one of the tests has loaded torch."""
    program = (
        "import os, sys, brandpress.model; assert 'torch' not in sys.modules; import torch; torch.zeros(1);"
        f"print(os.environ.get({NAME!r}), os.environ.get({OLD_NAME!r}))"
    )
    clean = {name: value for name, value in os.environ.items() if name not in (NAME, OLD_NAME)}
    settings = subprocess.run(
        [sys.executable, "-c", program], env=clean | given, capture_output=True, text=True, check=True
    ).stdout.split()
    expected = given or {NAME: SETTING}
    assert settings == [str(expected.get(NAME)), str(expected.get(OLD_NAME))]
