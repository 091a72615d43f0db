"""Inputs of render keys for tests."""

from __future__ import annotations

from brandpress.model.checkpoint.describe import ModelDescription
from brandpress.model.choice import ModelChoice
from brandpress.pipeline.plan.identity import KeyInputs

INPUTS = KeyInputs(
    weights="0" * 64,
    prompt="a green mug on the left, “überall” \u6771\u4eac",
    references=("1" * 64, "2" * 64),
    width=1024,
    height=768,
    steps=4,
    guidance=1.0,
    seed=7,
    quantisation=None,
    sampler="euler-empirical-mu/2",
    format="png",
)


def model(**changes: object) -> ModelDescription:
    """Returns a model description without a folder."""
    values = {
        "name": "some-model",
        "family": "klein",
        "choice": ModelChoice("some-model"),
        "parts": None,
        "licence": "Apache-2.0",
        "commercial_use": True,
        "weights_digest": "ab" * 32,
        "steps": {"preview": 6, "standard": 20, "final": 50},
        "guidance": 4.0,
        "max_references": 10,
        "kv": False,
        "distilled": False,
    }
    return ModelDescription(**(values | changes))  # type: ignore[arg-type]
