"""Checks that a checkpoint's scheduler is the one that pictures are sampled with. No torch here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from brandpress.model.checkpoint.files import read_json
from brandpress.model.errors import CheckpointError
from brandpress.model.network.config import shown

CLASS = "FlowMatchEulerDiscreteScheduler"
EXPECTED: dict[str, tuple[Any, ...]] = {
    "_class_name": (CLASS,),
    "num_train_timesteps": (1000,),
    "use_dynamic_shifting": (True,),
    "time_shift_type": ("exponential",),
    "shift_terminal": (None, 0, False),
    "invert_sigmas": (False,),
    "stochastic_sampling": (False,),
    "use_karras_sigmas": (False, None),
    "use_exponential_sigmas": (False, None),
    "use_beta_sigmas": (False, None),
}
"""The settings that change FLUX.2's schedule in diffusers, with the values that are followed here. `shift` and the
settings of `mu` have no effect: FLUX.2's pipelines compute it themselves."""


def check_scheduler(root: Path | None) -> None:
    """Raises CheckpointError if a folder's scheduler has a setting that isn't followed. Does nothing without one."""
    file = None if root is None else root / "scheduler" / "scheduler_config.json"
    if file is None or not file.exists():
        return
    config = read_json(file)
    for key, allowed in EXPECTED.items():
        if key in config and config[key] not in allowed:
            raise CheckpointError(
                f"{file}: {key}: {shown(config[key])} isn't supported; FLUX.2 is sampled with {shown(allowed[0])}"
            )
