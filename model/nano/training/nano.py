"""nano's transformer and text encoder, which are trained together."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import Qwen3Config, Qwen3Model

from brandpress.model.nano.architecture import QWEN3, TEXT_LAYERS, TEXT_LENGTH, TRANSFORMER
from brandpress.model.nano.data.batches import SOURCES, Batch
from brandpress.model.nano.tokenizer import PAD_ID
from brandpress.model.network.positions import image_ids, reference_ids, text_ids
from brandpress.model.network.rope import Rope
from brandpress.model.network.transformer import Transformer

SOURCE_BLOCK = 1
"""After this single-stream block, a head predicts the source of each token. The head is for training only."""


class Nano(nn.Module):
    """The transformer, the text encoder and the source head."""

    def __init__(self) -> None:
        super().__init__()
        self.transformer = Transformer(TRANSFORMER)
        self.text_encoder = Qwen3Model(Qwen3Config(**QWEN3))
        nn.init.zeros_(self.transformer.proj_out.weight)
        self.source_head = nn.Linear(TRANSFORMER.width, SOURCES)
        self._ropes: dict[tuple[object, ...], Rope] = {}

    def embed(self, tokens: Tensor) -> Tensor:
        """Returns the embedding (B, L, layers * width) of right-padded tokens (B, L), stacked as in klein."""
        # transformers would build the mask itself, which synchronises with the device
        mask = {"full_attention": attention_mask(tokens)}
        hidden = self.text_encoder(tokens, attention_mask=mask, output_hidden_states=True, use_cache=False)
        return torch.cat([hidden.hidden_states[layer] for layer in TEXT_LAYERS], dim=-1)

    def velocity(self, noisy: Tensor, time_B: Tensor, text: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Returns the velocity (B, N, C) and the logits (B, N, SOURCES) of each token's source."""
        model = self.transformer
        references = None
        if batch.count:
            at_zero = model.modulations(torch.zeros(1, device=noisy.device))
            references = model.reference_kv(batch.references, at_zero, self._reference_rope(batch))
        hidden: list[Tensor] = []
        hook = model.single_transformer_blocks[SOURCE_BLOCK].register_forward_hook(
            lambda _block, _inputs, output: hidden.append(output[0][:, TEXT_LENGTH:])
        )
        velocity = model(noisy, text, model.modulations(time_B * 1000), self._rope(batch), references)
        hook.remove()
        return velocity, self.source_head(F.layer_norm(hidden[-1], hidden[-1].shape[-1:]))

    def _rope(self, batch: Batch) -> Rope:
        key = (batch.grid, batch.targets.device)
        if key not in self._ropes:
            ids = torch.cat((text_ids(TEXT_LENGTH), image_ids(*batch.grid)))
            self._ropes[key] = rope_table(self.transformer, ids, batch.targets.device)
        return self._ropes[key]

    def _reference_rope(self, batch: Batch) -> Rope:
        key = (batch.reference_grid, batch.count, batch.targets.device)
        if key not in self._ropes:
            ids = reference_ids([batch.reference_grid] * batch.count)
            self._ropes[key] = rope_table(self.transformer, ids, batch.targets.device)
        return self._ropes[key]


def attention_mask(tokens: Tensor) -> Tensor:
    """Returns the mask (B, 1, L, L) of tokens (B, L): causal, without padding."""
    length = tokens.shape[1]
    causal = torch.ones(length, length, dtype=torch.bool, device=tokens.device).tril()
    return causal & (tokens != PAD_ID)[:, None, None, :]


def rope_table(model: Transformer, ids: Tensor, device: torch.device) -> Rope:
    """Returns the RoPE table in bfloat16, which is exact enough for training and halves the work."""
    exact = model.rope(ids)
    return Rope(exact.cos.bfloat16().to(device), exact.sin.bfloat16().to(device))
