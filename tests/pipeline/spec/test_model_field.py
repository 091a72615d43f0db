"""Valid values of `model:`; wrong ones are in the corpus."""

from __future__ import annotations

from pathlib import Path

import pytest

from brandpress.model.choice import LoraChoice, ModelChoice
from brandpress.pipeline.spec.load import load_campaign
from brandpress.pipeline.spec.model_field import MAX_LORAS, parse_scale
from brandpress.pipeline.spec.problem import WrongValueError

MANY = ", ".join(f"{{file: {number}.safetensors}}" for number in range(MAX_LORAS))


@pytest.mark.parametrize(
    ("written", "choice"),
    [
        ("nano", ModelChoice("nano")),
        ('" ../my model "', ModelChoice("../my model")),
        ("{base: flux.2-dev}", ModelChoice("flux.2-dev")),
        ("{base: flux.2-dev, vae: null}", ModelChoice("flux.2-dev")),
        ("{base: flux.2-pro, region: eu}", ModelChoice("flux.2-pro", region="eu")),
        (
            "{base: m, transformer: x.safetensors, vae: ../ae.safetensors, text_encoder: text, quantise: fp8}",
            ModelChoice("m", "x.safetensors", "../ae.safetensors", "text", quantise="fp8"),
        ),
        (
            "{base: m, loras: [{file: a.safetensors, scale: -10}, {file: b.safetensors}, {file: c, scale: 0}]}",
            ModelChoice(
                "m", loras=(LoraChoice("a.safetensors", -10.0), LoraChoice("b.safetensors"), LoraChoice("c", 0.0))
            ),
        ),
        (
            f"{{base: m, loras: [{MANY}]}}",
            ModelChoice("m", loras=tuple(LoraChoice(f"{number}.safetensors") for number in range(MAX_LORAS))),
        ),
    ],
)
def test_choices(written: str, choice: ModelChoice, corpus: Path, tmp_path: Path) -> None:
    """Paths stay as they are written."""
    text = (corpus / "good" / "smallest.yaml").read_text().replace("../northwind", f"{corpus}/northwind")
    (tmp_path / "job.yaml").write_text(text.replace("../klein", written))
    campaign = load_campaign(tmp_path / "job.yaml")
    assert campaign.choice == choice
    assert campaign.model == choice.base


@pytest.mark.parametrize("scale", [10.5, -11, float("inf"), float("nan"), 10**400, True, "1", None])
def test_scales_out_of_range(scale: object) -> None:
    with pytest.raises(WrongValueError):
        parse_scale(scale)
