"""Counts the tokens of prompts as the text encoder sees them, without torch and fast enough for a plan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from brandpress.model.checkpoint.chat_template import ChatTemplate
from brandpress.model.checkpoint.describe import ModelDescription
from brandpress.model.checkpoint.tokenizer import check_tokenizer
from brandpress.model.checkpoint.trunk import is_mistral
from brandpress.model.network.chat import IMAGE_TOKEN, MISTRAL_OPTIONS, QWEN3_OPTIONS, mistral_messages, qwen3_messages
from brandpress.model.network.tokenising import tokenizer_errors

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TOKENIZER = "tokenizer.json"
PROBE = ' A <probe> & "more":\n\n«Über» {{ it }} '
"""Text that a template which changes prompts would almost certainly change."""


def token_counts(model: ModelDescription, prompts: Sequence[str]) -> list[int]:
    """Returns the tokens of each prompt before truncation, including the chat template's. 0 for hosted tiers.

    Raises CheckpointError.
    """
    parts = model.parts
    if parts is None or not prompts:
        return [0 for _ in prompts]
    mistral = is_mistral(model, parts)

    def chats(prompts: Sequence[str]) -> list[str]:
        conversations = [mistral_messages(prompt) if mistral else qwen3_messages(prompt) for prompt in prompts]
        return ChatTemplate(parts.tokenizer).render(conversations, **(MISTRAL_OPTIONS if mistral else QWEN3_OPTIONS))

    if mistral:
        prompts = [prompt.replace(IMAGE_TOKEN, "") for prompt in prompts]
    with tokenizer_errors(parts.tokenizer, "tokens can't be counted"):
        check_tokenizer(parts.tokenizer)
        tokenizer, texts = _tokenizer(parts.tokenizer / TOKENIZER), _as_chats(chats, prompts)
        return [len(encoded) for encoded in tokenizer.encode_batch_fast(texts, add_special_tokens=not mistral)]


def _as_chats(chats: Callable[[Sequence[str]], list[str]], prompts: Sequence[str]) -> list[str]:
    """Applies the chat template to the prompts. Rendering takes longer than counting, so if a probe and the longest
    prompt show that the template only adds a prefix and a suffix, these are added to the other prompts directly. Not to
    those with a `#`: nano's template changes hex colours."""
    coloured = [prompt for prompt in prompts if "#" in prompt]
    if coloured:
        others = [prompt for prompt in prompts if "#" not in prompt]
        texts = dict(zip(coloured, chats(coloured), strict=True))
        texts |= zip(others, _as_chats(chats, others) if others else (), strict=True)
        return [texts[prompt] for prompt in prompts]
    longest = max(prompts, key=len)
    probe, last = chats([PROBE, longest])
    before, separator, after = probe.partition(PROBE)
    if not separator or last != f"{before}{longest}{after}":
        return chats(prompts)
    return [f"{before}{prompt}{after}" for prompt in prompts]


@lru_cache(maxsize=1)
def _tokenizer(file: Path) -> Tokenizer:
    """Cached because reading a real tokenizer takes half a second."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
