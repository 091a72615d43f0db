"""Reads a checkpoint's config files into dataclasses."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from brandpress.model.errors import CheckpointError


def read_fields(target: type[Any], config: Mapping[str, Any], class_name: str) -> dict[str, Any]:
    """Returns the fields of dataclass `target` from a diffusers config, lists as tuples.

    Ignores other entries: configs also hold bookkeeping and training options. Raises CheckpointError if the config
    names another class than `class_name`.
    """
    named_class = config.get("_class_name", class_name)
    if named_class != class_name:
        raise CheckpointError(f"_class_name is {named_class!r}; a FLUX.2 checkpoint has {class_name!r} here")
    names = {field.name for field in dataclasses.fields(target)}
    return {key: tuple(value) if isinstance(value, list) else value for key, value in config.items() if key in names}
