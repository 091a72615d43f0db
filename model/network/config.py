"""Reading a checkpoint's own config files into our dataclasses."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from brandpress.model.errors import CheckpointError


def read_fields(target: type[Any], config: Mapping[str, Any], class_name: str) -> dict[str, Any]:
    """The fields of dataclass `target` found in a diffusers config, lists as tuples.

    Fields the dataclass doesn't know are left out: configs also carry bookkeeping and training-only entries. Raises
    CheckpointError when the config says it belongs to another class than `class_name`.
    """
    found = config.get("_class_name", class_name)
    if found != class_name:
        raise CheckpointError(f"_class_name is {found!r}; a FLUX.2 checkpoint has {class_name!r} here")
    known = {field.name for field in dataclasses.fields(target)}
    return {key: tuple(value) if isinstance(value, list) else value for key, value in config.items() if key in known}
