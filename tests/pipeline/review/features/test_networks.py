"""The networks that pictures are compared with. The transformers have random weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import Dinov2Config, Dinov2Model, SiglipVisionConfig, SiglipVisionModel

from brandpress.model.errors import RequestError
from brandpress.pipeline.review.features.efficientnet import EfficientNetLite
from brandpress.pipeline.review.features.transformer import VisionTransformer
from brandpress.pipeline.review.measures.subject import SubjectLikeness
from tests.pipeline.review.pictures import sample, shown, subject

SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 56, "patch_size": 14}


@pytest.fixture(params=["dinov2", "siglip"])
def checkpoint(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder with a small random network."""
    torch.manual_seed(1)
    if request.param == "dinov2":
        model: torch.nn.Module = Dinov2Model(Dinov2Config(**SMALL))
    else:
        model = SiglipVisionModel(SiglipVisionConfig(**SMALL, intermediate_size=64))
    model.save_pretrained(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({"image_mean": [0.5] * 3, "image_std": [0.5] * 3}))
    return tmp_path


def test_transformers_have_a_vector_per_patch(checkpoint: Path) -> None:
    network = VisionTransformer.load(checkpoint)
    assert network.stride == 14
    assert network.mean == (0.5, 0.5, 0.5)
    features = network.map_of(shown(Image.new("RGBA", (40, 30), "teal"), side=84).resize((84, 70)))
    assert features.shape == (32, 5, 6)
    assert np.allclose(features.norm(dim=0), 1, atol=1e-5)


def test_a_transformers_name_depends_on_its_files(checkpoint: Path) -> None:
    before = VisionTransformer.load(checkpoint).name
    config = json.loads((checkpoint / "config.json").read_text())
    (checkpoint / "config.json").write_text(json.dumps(config | {"note": "changed"}))
    assert VisionTransformer.load(checkpoint).name != before


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (None, "there is no config.json; name a folder with DINOv2 or SigLIP weights"),
        ("{", "the file can't be read"),
        ('{"model_type": "bert"}', "the model type 'bert' isn't known; allowed: dinov2, "),
        ('{"model_type": "dinov2"}', "the model can't be loaded"),
    ],
)
def test_wrong_folders_are_refused(config: str | None, message: str, tmp_path: Path) -> None:
    if config is not None:
        (tmp_path / "config.json").write_text(config)
    with pytest.raises(RequestError, match=rf"--features .*{message}"):
        VisionTransformer.load(tmp_path)


@pytest.mark.slow
def test_efficientnet_tells_the_demos_subjects_apart() -> None:
    likeness = SubjectLikeness(EfficientNetLite.load())
    names = ("mug", "bottle", "sneaker")
    for name in names:
        picture = shown(likeness.templates_of(subject(name).references[0]).cutouts[0])
        scores = likeness(sample(picture, *map(subject, names)))
        values = {score.subject: score.value or 0.0 for score in scores if score.measure == "subject"}
        assert max(values, key=lambda label: values[label]) == f"product:{name}"
        assert sorted(values.values())[-2] + 0.1 < values[f"product:{name}"]
