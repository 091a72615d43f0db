"""How many tokens prompts have, as the text encoder reads them: quick enough for a plan, without torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from model.chat import MISTRAL_OPTIONS, QWEN3_OPTIONS, mistral_messages, qwen3_messages
from model.checkpoint.describe import ModelDescription
from model.checkpoint.files import read_json
from model.errors import CheckpointError

TOKENIZER = "tokenizer.json"
CONFIG = "tokenizer_config.json"
CHAT = "chat_template.jinja"
SPECIAL = ("bos_token", "eos_token", "unk_token", "pad_token")


def token_counts(model: ModelDescription, prompts: Sequence[str]) -> list[int]:
    """Tokens of each prompt before it is cut, with what the chat template puts around it. Raises CheckpointError."""
    from tokenizers import Tokenizer
    from transformers.utils.chat_template_utils import render_jinja_template

    parts = model.parts
    if parts is None or not prompts:
        return [0 for _ in prompts]
    config = read_json(parts.tokenizer / CONFIG)
    mistral = parts.text_config is not None and "mistral" in str(read_json(parts.text_config).get("model_type"))
    conversations = [mistral_messages(prompt) if mistral else qwen3_messages(prompt) for prompt in prompts]
    try:
        tokenizer = Tokenizer.from_file(str(parts.tokenizer / TOKENIZER))
        texts, _ = render_jinja_template(
            conversations=conversations,
            chat_template=_chat_template(parts.tokenizer, config),
            **(MISTRAL_OPTIONS if mistral else QWEN3_OPTIONS),
            **{name: _text(config[name]) for name in SPECIAL if config.get(name)},
        )
    except Exception as error:  # both libraries raise bare exceptions
        raise CheckpointError(f"{parts.tokenizer}: tokens can't be counted: {error}") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return [len(encoded.ids) for encoded in tokenizer.encode_batch(texts, add_special_tokens=not mistral)]


def _chat_template(folder: Path, config: dict[str, Any]) -> str:
    file = folder / CHAT
    return file.read_text() if file.is_file() else str(config["chat_template"])


def _text(token: Any) -> str:
    return str(token["content"] if isinstance(token, dict) else token)
