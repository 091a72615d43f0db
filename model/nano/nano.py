"""The transformer and the text encoder, as they are trained together."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import Qwen3Config, Qwen3Model

from brandpress.model.nano.architecture import QWEN3, TEXT_LAYERS, TEXT_LENGTH, TRANSFORMER
from brandpress.model.nano.batches import SOURCES, Batch
from brandpress.model.nano.tokenizer import PAD_ID
from brandpress.model.network.positions import image_ids, reference_ids, text_ids
from brandpress.model.network.transformer import Rope, Transformer

SOURCE_BLOCK = 1
"""Behind this single stream block a head tells which reference each token will show. The head isn't exported."""


class Nano(nn.Module):
    """What is trained together."""

    def __init__(self) -> None:
        super().__init__()
        self.transformer = Transformer(TRANSFORMER)
        self.text_encoder = Qwen3Model(Qwen3Config(**QWEN3))
        nn.init.zeros_(self.transformer.proj_out.weight)
        self.source_head = nn.Linear(TRANSFORMER.width, SOURCES)
        self._tables: dict[tuple[object, ...], Rope] = {}

    def embed(self, tokens: Tensor) -> Tensor:
        """(B, L) padded at the right -> (B, L, layers * width), as klein's pipelines stack them."""
        mask = {"full_attention": attention_mask(tokens)}  # made here: transformers' own way waits for the device
        hidden = self.text_encoder(tokens, attention_mask=mask, output_hidden_states=True, use_cache=False)
        return torch.cat([hidden.hidden_states[layer] for layer in TEXT_LAYERS], dim=-1)

    def velocity(self, noisy: Tensor, time_B: Tensor, text: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """The velocity (B, N, C), and the source of each token as logits (B, N, SOURCES)."""
        model = self.transformer
        references = None
        if batch.count:
            still = model.modulations(torch.zeros(1, device=noisy.device))
            references = model.reference_kv(batch.references, still, self._reference_rope(batch))
        inside: list[Tensor] = []
        hook = model.single_transformer_blocks[SOURCE_BLOCK].register_forward_hook(
            lambda _block, _inputs, output: inside.append(output[0][:, TEXT_LENGTH:])
        )
        velocity = model(noisy, text, model.modulations(time_B * 1000), self._rope(batch), references)
        hook.remove()
        return velocity, self.source_head(F.layer_norm(inside[-1], inside[-1].shape[-1:]))

    def _rope(self, batch: Batch) -> Rope:
        key = (batch.grid, batch.targets.device)
        if key not in self._tables:
            ids = torch.cat((text_ids(TEXT_LENGTH), image_ids(*batch.grid)))
            self._tables[key] = table(self.transformer, ids, batch.targets.device)
        return self._tables[key]

    def _reference_rope(self, batch: Batch) -> Rope:
        key = (batch.reference_grid, batch.count, batch.targets.device)
        if key not in self._tables:
            ids = reference_ids([batch.reference_grid] * batch.count)
            self._tables[key] = table(self.transformer, ids, batch.targets.device)
        return self._tables[key]


def attention_mask(tokens: Tensor) -> Tensor:
    """(B, L) -> (B, 1, L, L): whom each token attends to, those before it that aren't padding."""
    length = tokens.shape[1]
    causal = torch.ones(length, length, dtype=torch.bool, device=tokens.device).tril()
    return causal & (tokens != PAD_ID)[:, None, None, :]


def table(model: Transformer, ids: Tensor, device: torch.device) -> Rope:
    """The position table in bfloat16, which is enough to train with and half the work."""
    exact = model.rope(ids)
    return Rope(exact.cos.bfloat16().to(device), exact.sin.bfloat16().to(device))
