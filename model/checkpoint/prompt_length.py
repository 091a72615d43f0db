"""Counts the tokens of prompts as the text encoder sees them, without torch and fast enough for a plan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brandpress.model.checkpoint.describe import ModelDescription
from brandpress.model.checkpoint.files import read_json
from brandpress.model.errors import CheckpointError
from brandpress.model.network.chat import IMAGE_TOKEN, MISTRAL_OPTIONS, QWEN3_OPTIONS, mistral_messages, qwen3_messages

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TOKENIZER = "tokenizer.json"
CONFIG = "tokenizer_config.json"
CHAT = "chat_template.jinja"
PROBE = ' A <probe> & "more":\n\n«Über» {{ it }} '
"""Text that a template which changes prompts would almost certainly change."""

SPECIAL = ("bos_token", "eos_token", "unk_token", "pad_token")


def token_counts(model: ModelDescription, prompts: Sequence[str]) -> list[int]:
    """Returns the tokens of each prompt before truncation, including the chat template's. 0 for hosted tiers.

    Raises CheckpointError.
    """
    from transformers.utils.chat_template_utils import render_jinja_template

    parts = model.parts
    if parts is None or not prompts:
        return [0 for _ in prompts]
    config = read_json(parts.tokenizer / CONFIG)
    mistral = parts.text_config is not None and "mistral" in str(read_json(parts.text_config).get("model_type"))

    def chats(prompts: Sequence[str]) -> list[str]:
        texts, _ = render_jinja_template(
            conversations=[mistral_messages(prompt) if mistral else qwen3_messages(prompt) for prompt in prompts],
            chat_template=_chat_template(parts.tokenizer, config),
            **(MISTRAL_OPTIONS if mistral else QWEN3_OPTIONS),
            **{name: _text(config[name]) for name in SPECIAL if config.get(name)},
        )
        return list(texts)

    if mistral:
        prompts = [prompt.replace(IMAGE_TOKEN, "") for prompt in prompts]
    try:
        tokenizer, texts = _tokenizer(parts.tokenizer / TOKENIZER), _as_chats(chats, prompts)
    except Exception as error:  # both libraries raise bare exceptions
        raise CheckpointError(f"{parts.tokenizer}: tokens can't be counted: {error}") from error
    return [len(encoded) for encoded in tokenizer.encode_batch_fast(texts, add_special_tokens=not mistral)]


def _as_chats(chats: Callable[[Sequence[str]], list[str]], prompts: Sequence[str]) -> list[str]:
    """Applies the chat template to the prompts. Rendering takes longer than counting, so if a probe and the longest
    prompt show that the template only adds a prefix and a suffix, these are added to the other prompts directly."""
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


def _chat_template(folder: Path, config: dict[str, Any]) -> str:
    file = folder / CHAT
    return file.read_text() if file.is_file() else str(config["chat_template"])


def _text(token: Any) -> str:
    return str(token["content"] if isinstance(token, dict) else token)
