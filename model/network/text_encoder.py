"""Prompt -> text embeddings: hidden states of three layers of a language model, concatenated.

The transformer attends to padding, so every position has an embedding.
- klein: Qwen3, layers 9, 18 and 27, 512 tokens, padded on the right. Padding attends to the prompt, so all positions
  are computed. Source: diffusers 0.42.1 `_get_qwen3_prompt_embeds`.
- dev: Mistral-3, layers 10, 20 and 30, 512 tokens, padded on the left, with a system message. A prompt's embeddings
  equal those of a run without padding (positions are relative, attention looks back only), and all padding tokens have
  the same embedding, so only the prompt is computed. Source: diffusers 0.42.1 `_get_mistral_3_small_prompt_embeds`.

Legend: L length in tokens, X width of an embedding (layers x width of the language model).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from brandpress.model.network.chat import MISTRAL_OPTIONS, QWEN3_OPTIONS, mistral_messages, qwen3_messages
from brandpress.model.network.device_copy import copy_to_device
from brandpress.model.network.tokenising import tokenizer_errors

FAILED = "the prompt can't be tokenised"


class TextEncoder(Protocol):
    """What the renderer needs from a text encoder. length: the tokens of every embedding."""

    length: int

    def encode(self, prompt: str) -> Tensor:
        """Returns the prompt's embeddings (1, length, X)."""
        ...


class Trunk(nn.Module):
    """A language model without its head and without the layers above the last of `layers`.

    layers: which hidden states to return; k is the output of the k-th layer. If the last k is the model's full depth
    (`final_norm`), it is the state after the final norm, as in transformers.
    """

    def __init__(self, model: Any, layers: Sequence[int], *, final_norm: bool) -> None:
        super().__init__()
        self.model, self.layers, self.final_norm = model, tuple(layers), final_norm

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
        return torch.device(self.model.device)

    def forward(self, ids_1L: Tensor, mask_1L: Tensor | None = None) -> Tensor:
        """Returns hidden states (1, L, X). ids, mask: on the CPU; the mask is 0 at padding, None without padding."""
        mask = copy_to_device(causal_mask(torch.ones_like(ids_1L) if mask_1L is None else mask_1L), self.device)
        ids = copy_to_device(ids_1L, self.device)
        states: dict[int, Tensor] = {}
        hooks = [
            self.model.layers[k - 1].register_forward_hook(
                lambda _module, _inputs, output, k=k: states.__setitem__(k, output)
            )
            for k in self.layers
        ]
        try:
            last = self.model(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state
        finally:
            for hook in hooks:
                hook.remove()
        if self.final_norm:
            states[max(self.layers)] = last
        return torch.cat([states[k] for k in self.layers], dim=-1)


class Qwen3TextEncoder(nn.Module):
    """The text encoder of FLUX.2 [klein]."""

    def __init__(self, trunk: Trunk, tokenizer: Any, length: int) -> None:
        super().__init__()
        self.trunk, self.tokenizer, self.length = trunk, tokenizer, length

    @torch.inference_mode()
    def encode(self, prompt: str) -> Tensor:
        """Returns the prompt's embeddings (1, length, X). Prompts are truncated to `length` tokens."""
        chat = self.tokenizer.apply_chat_template(qwen3_messages(prompt), tokenize=False, **QWEN3_OPTIONS)
        inputs = tokenise_padded(self.tokenizer, chat, self.length)
        out: Tensor = self.trunk(inputs.input_ids, inputs.attention_mask)
        return out


class MistralTextEncoder(nn.Module):
    """The text encoder of FLUX.2 [dev]."""

    def __init__(self, trunk: Trunk, tokenizer: Any, length: int) -> None:
        super().__init__()
        self.trunk, self.tokenizer, self.length = trunk, tokenizer, length
        self._padding: Tensor | None = None

    @torch.inference_mode()
    def encode(self, prompt: str) -> Tensor:
        """Returns the prompt's embeddings (1, length, X). Prompts are truncated to `length` tokens."""
        chat = self.tokenizer.apply_chat_template(mistral_messages(prompt), tokenize=False, **MISTRAL_OPTIONS)
        if self.tokenizer.padding_side != "left":
            inputs = tokenise_padded(self.tokenizer, chat, self.length, add_special_tokens=False)
            out: Tensor = self.trunk(inputs.input_ids, inputs.attention_mask)
            return out
        ids = tokenise_mistral(self.tokenizer, chat, self.length)
        prompt_1LX: Tensor = self.trunk(ids)
        return torch.cat((self._padding_embedding(ids).expand(-1, self.length - ids.shape[1], -1), prompt_1LX), dim=1)

    def _padding_embedding(self, ids: Tensor) -> Tensor:
        """Returns the embedding of any left padding token (1, 1, X), computed from the weights: it needn't be zero.

        Padding attends to nothing. The math backend of attention returns zeros for that; cuDNN's, the default on a
        GPU, returns garbage.
        """
        if self._padding is None:
            pad = torch.full_like(ids[:, :1], self.tokenizer.pad_token_id)
            mask = torch.cat((torch.zeros_like(pad), torch.ones_like(ids)), dim=1)
            with sdpa_kernel(SDPBackend.MATH):
                self._padding = self.trunk(torch.cat((pad, ids), dim=1), mask)[:, :1].clone()
        return self._padding


def causal_mask(mask_1L: Tensor) -> Tensor:
    """Padding mask (1, L) -> attention mask (1, 1, L, L): tokens attend to themselves and earlier ones, not to padding.

    transformers would build the same mask, but blocks on the GPU: with a padding mask to check for any padding, without
    a mask to check for packed sequences.
    """
    length = mask_1L.shape[1]
    return torch.ones(length, length, dtype=torch.bool).tril() & mask_1L.bool()[:, None, None]


def tokenise_padded(tokenizer: Any, chat: str, length: int, **options: Any) -> Any:
    """Returns token ids and mask, truncated or padded to exactly `length`. Raises CheckpointError."""
    with tokenizer_errors(tokenizer.name_or_path, FAILED):
        return tokenizer(chat, return_tensors="pt", padding="max_length", truncation=True, max_length=length, **options)


def tokenise_mistral(tokenizer: Any, chat: str, length: int) -> Tensor:
    """Returns token ids (1, L), at most `length`. The chat template has already added the start token.

    Raises CheckpointError.
    """
    with tokenizer_errors(tokenizer.name_or_path, FAILED):
        ids: Tensor = tokenizer(
            chat, return_tensors="pt", truncation=True, max_length=length, add_special_tokens=False
        ).input_ids
    return ids
