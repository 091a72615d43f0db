"""Prompt -> text embeddings: hidden states of three layers of a language model, side by side.

klein: Qwen3, layers 9, 18 and 27, 512 tokens, padded on the right; the padding is attended to by the picture, so all
positions are computed and kept. Source: diffusers 0.42.1 `_get_qwen3_prompt_embeds`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn


class TextEncoder(Protocol):
    """What the renderer needs of a text encoder."""

    length: int

    def encode(self, prompt: str) -> Tensor:
        """(1, length, X)"""
        ...


class Qwen3TextEncoder(nn.Module):
    """A Qwen3 trunk that holds no layer above the last one used and no language-model head.

    layers: indices of the hidden states, k = the output of the k-th layer. Where k is the model's full depth
    (`final_norm`), transformers gives the state behind the final norm, and so do we.
    """

    def __init__(self, trunk: Any, tokenizer: Any, layers: Sequence[int], length: int, final_norm: bool) -> None:
        super().__init__()
        self.trunk, self.tokenizer, self.layers, self.length = trunk, tokenizer, tuple(layers), length
        self.final_norm = final_norm

    @torch.inference_mode()
    def encode(self, prompt: str) -> Tensor:
        """The embedding (1, length, layers * width) of one prompt; longer prompts are cut at `length` tokens."""
        chat = self.tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True, enable_thinking=False
        )
        inputs = self.tokenizer(
            chat, return_tensors="pt", padding="max_length", truncation=True, max_length=self.length
        ).to(self.trunk.device)
        states: dict[int, Tensor] = {}
        hooks = [
            self.trunk.layers[k - 1].register_forward_hook(
                lambda _module, _inputs, output, k=k: states.__setitem__(k, output)
            )
            for k in self.layers
        ]
        try:
            last = self.trunk(**inputs, use_cache=False).last_hidden_state
        finally:
            for hook in hooks:
                hook.remove()
        if self.final_norm:
            states[max(self.layers)] = last
        return torch.cat([states[k] for k in self.layers], dim=-1)
