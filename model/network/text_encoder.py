"""Prompt -> text embeddings: hidden states of three layers of a language model, side by side.

Padding is attended to by the picture, so every position has its embedding.
- klein: Qwen3, layers 9, 18 and 27, 512 tokens, padded on the right. Padding attends to the prompt: all positions are
  computed. Source: diffusers 0.42.1 `_get_qwen3_prompt_embeds`.
- dev: Mistral-3, layers 10, 20 and 30, 512 tokens, padded on the left, with a system message. There a prompt's rows
  are those of a run without padding (positions are relative, attention looks back only), and all padding has one and
  the same row: only the prompt is computed. Source: diffusers 0.42.1 `_get_mistral_3_small_prompt_embeds`.

Legend: L length in tokens, X width of an embedding (layers x width of the language model).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from brandpress.model.network.chat import MISTRAL_OPTIONS, QWEN3_OPTIONS, mistral_messages, qwen3_messages
from brandpress.model.network.upload import upload


class TextEncoder(Protocol):
    """What the renderer needs of a text encoder."""

    length: int

    def encode(self, prompt: str) -> Tensor:
        """(1, length, X)"""
        ...


class Trunk(nn.Module):
    """A language model without head, cut above the last of `layers`, whose hidden states are wanted.

    layers: indices of the hidden states, k = the output of the k-th layer. Where k is the model's full depth
    (`final_norm`), transformers gives the state behind the final norm, and so do we.
    """

    def __init__(self, model: Any, layers: Sequence[int], final_norm: bool) -> None:
        super().__init__()
        self.model, self.layers, self.final_norm = model, tuple(layers), final_norm

    @property
    def device(self) -> torch.device:
        return torch.device(self.model.device)

    def forward(self, ids: Tensor, mask: Tensor | None = None) -> Tensor:
        """Token ids (1, L) and what of them isn't padding (1, L), both in the CPU's memory -> (1, L, X)."""
        seen = upload(causal(torch.ones_like(ids) if mask is None else mask), self.device)
        ids = upload(ids, self.device)
        states: dict[int, Tensor] = {}
        hooks = [
            self.model.layers[k - 1].register_forward_hook(
                lambda _module, _inputs, output, k=k: states.__setitem__(k, output)
            )
            for k in self.layers
        ]
        try:
            last = self.model(input_ids=ids, attention_mask=seen, use_cache=False).last_hidden_state
        finally:
            for hook in hooks:
                hook.remove()
        if self.final_norm:
            states[max(self.layers)] = last
        return torch.cat([states[k] for k in self.layers], dim=-1)


class Qwen3TextEncoder(nn.Module):
    """klein's."""

    def __init__(self, trunk: Trunk, tokenizer: Any, length: int) -> None:
        super().__init__()
        self.trunk, self.tokenizer, self.length = trunk, tokenizer, length

    @torch.inference_mode()
    def encode(self, prompt: str) -> Tensor:
        """(1, length, X); longer prompts are cut at `length` tokens."""
        chat = self.tokenizer.apply_chat_template(qwen3_messages(prompt), tokenize=False, **QWEN3_OPTIONS)
        inputs = padded(self.tokenizer, chat, self.length)
        out: Tensor = self.trunk(inputs.input_ids, inputs.attention_mask)
        return out


class MistralTextEncoder(nn.Module):
    """dev's."""

    def __init__(self, trunk: Trunk, tokenizer: Any, length: int) -> None:
        super().__init__()
        self.trunk, self.tokenizer, self.length = trunk, tokenizer, length
        self._padding: Tensor | None = None

    @torch.inference_mode()
    def encode(self, prompt: str) -> Tensor:
        """(1, length, X); longer prompts are cut at `length` tokens."""
        chat = self.tokenizer.apply_chat_template(mistral_messages(prompt), tokenize=False, **MISTRAL_OPTIONS)
        if self.tokenizer.padding_side != "left":
            inputs = padded(self.tokenizer, chat, self.length, add_special_tokens=False)
            out: Tensor = self.trunk(inputs.input_ids, inputs.attention_mask)
            return out
        ids = tokenise_mistral(self.tokenizer, chat, self.length)
        rows: Tensor = self.trunk(ids)
        return torch.cat((self._padding_row(ids).expand(-1, self.length - ids.shape[1], -1), rows), dim=1)

    def _padding_row(self, ids: Tensor) -> Tensor:
        """(1, 1, X): what any token of left padding becomes. Computed from the weights, as it needn't be zero.

        It attends to nothing, which the plain backend of attention answers with zeros; cuDNN's, which a GPU prefers,
        with anything.
        """
        if self._padding is None:
            pad = torch.full_like(ids[:, :1], self.tokenizer.pad_token_id)
            mask = torch.cat((torch.zeros_like(pad), torch.ones_like(ids)), dim=1)
            with sdpa_kernel(SDPBackend.MATH):
                self._padding = self.trunk(torch.cat((pad, ids), dim=1), mask)[:, :1].clone()
        return self._padding


def causal(mask: Tensor) -> Tensor:
    """(1, L) of what isn't padding -> (1, 1, L, L): each token sees itself and what is before it, but no padding.

    transformers would make the same of the first, and wait for the GPU to know whether there is padding at all; without
    any mask it waits to know whether several texts lie one behind the other.
    """
    length = mask.shape[1]
    return torch.ones(length, length, dtype=torch.bool).tril() & mask.bool()[:, None, None]


def padded(tokenizer: Any, chat: str, length: int, **options: Any) -> Any:
    """Token ids and mask of exactly `length`."""
    return tokenizer(chat, return_tensors="pt", padding="max_length", truncation=True, max_length=length, **options)


def tokenise_mistral(tokenizer: Any, chat: str, length: int) -> Tensor:
    """Token ids (1, L), at most `length`. The chat template has put the start token there already."""
    ids: Tensor = tokenizer(
        chat, return_tensors="pt", truncation=True, max_length=length, add_special_tokens=False
    ).input_ids
    return ids
