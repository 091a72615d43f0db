"""One step of the transformer, heads of 128 as the real models have them, without references."""

from __future__ import annotations

import torch
from diffusers import Flux2Transformer2DModel
from torch import Tensor

from model.positions import image_ids, text_ids
from model.transformer import Transformer, TransformerConfig
from tests.bench.alternate import Contest
from tests.model.layout import randomise

CONFIG = {
    "num_layers": 2,
    "num_single_layers": 6,
    "attention_head_dim": 128,
    "num_attention_heads": 4,
    "joint_attention_dim": 1536,
    "guidance_embeds": False,
}


def transformer_step(quick: bool) -> Contest[Tensor]:
    """1,024 target and 512 text tokens. Our position table is made once a picture, as the renderer does."""
    side, length = (8, 32) if quick else (32, 512)
    theirs = randomise(Flux2Transformer2DModel(**CONFIG))
    ours = Transformer(TransformerConfig.from_dict(CONFIG)).eval()
    ours.load_state_dict(theirs.state_dict())
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(1, side * side, 128, generator=generator)
    text = torch.randn(1, length, 1536, generator=generator)
    time = torch.tensor([0.7])
    ids, words = image_ids(side, side), text_ids(length)
    rope = ours.rope(torch.cat((words, ids)))

    @torch.inference_mode()
    def our_step() -> Tensor:
        velocity: Tensor = ours(image, text, ours.modulations(time * 1000), rope)
        return velocity

    @torch.inference_mode()
    def their_step() -> Tensor:
        velocity: Tensor = theirs(image, text, time, ids, words).sample
        return velocity

    def difference(one: Tensor, other: Tensor) -> float:
        return float((one - other).abs().max() / other.std())

    name = f"one step, {side * side:,} + {length} tokens, width 512"
    return Contest(name, our_step, their_step, difference, allowed=1e-3)
