"""torch's allocator uses expandable segments, unless the environment configures it otherwise."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from brandpress.model.memory.allocator import NAME, OLD_NAME, SETTING, set_allocator


@pytest.mark.parametrize(
    ("torch", "environment", "expected"),
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
def test_the_variable_depends_on_torchs_version(
    torch: str, environment: dict[str, str], expected: dict[str, str]
) -> None:
    result = dict(environment)
    set_allocator(result, torch)
    assert result == expected


@pytest.mark.parametrize(
    "configured",
    [
        {},
        pytest.param({NAME: "max_split_size_mb:64"}, marks=pytest.mark.slow),
        pytest.param({OLD_NAME: "max_split_size_mb:64"}, marks=pytest.mark.slow),
    ],
)
def test_importing_the_model_sets_it_before_torch_is_loaded(configured: dict[str, str]) -> None:
    """In a new process, because this one has loaded torch."""
    program = (
        "import os, sys, brandpress.model; assert 'torch' not in sys.modules; import torch; torch.zeros(1);"
        f"print(os.environ.get({NAME!r}), os.environ.get({OLD_NAME!r}))"
    )
    clean = {name: value for name, value in os.environ.items() if name not in (NAME, OLD_NAME)}
    settings = subprocess.run(
        [sys.executable, "-c", program], env=clean | configured, capture_output=True, text=True, check=True
    ).stdout.split()
    expected = configured or {NAME: SETTING}
    assert settings == [str(expected.get(NAME)), str(expected.get(OLD_NAME))]
