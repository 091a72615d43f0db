"""nano's architecture: FLUX.2's geometry (16 pixels per token, klein's blocks), small enough for any machine."""

from __future__ import annotations

from brandpress.model.network.config import AutoencoderConfig, TransformerConfig

AUTOENCODER = AutoencoderConfig(
    block_out_channels=(16, 32, 64, 96),
    decoder_block_out_channels=(24, 48, 88, 128),
    layers_per_block=1,
    latent_channels=16,
    norm_num_groups=8,
    mid_block_add_attention=False,
)

TEXT_WIDTH = 160
TEXT_LAYERS = (1, 2, 3)
TEXT_LENGTH = 64
VOCABULARY = 2048

TRANSFORMER = TransformerConfig(
    in_channels=AUTOENCODER.token_channels,
    num_layers=2,
    num_single_layers=6,
    attention_head_dim=32,
    num_attention_heads=9,
    joint_attention_dim=TEXT_WIDTH * len(TEXT_LAYERS),
    mlp_ratio=2.0,
    axes_dims_rope=(4, 12, 12, 4),
    guidance_embeds=False,
)

QWEN3 = {
    "hidden_size": TEXT_WIDTH,
    "intermediate_size": 2 * TEXT_WIDTH,
    "num_hidden_layers": max(TEXT_LAYERS),
    "num_attention_heads": TEXT_WIDTH // 32,
    "num_key_value_heads": TEXT_WIDTH // 32,
    "head_dim": 32,
    "vocab_size": VOCABULARY,
    "max_position_embeddings": 2 * TEXT_LENGTH,
    "tie_word_embeddings": True,
}

BASE_PIXELS = 256 * 256
"""The area of most pictures in training; those of more than 4 times as much are rendered at it and enlarged."""
REFERENCE_PIXELS = 128 * 128
"""Maximum area of a reference. In training, items are as large in their references as in the picture."""
