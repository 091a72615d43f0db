"""Small tokenizers with the chat templates of [klein] and [dev]."""

from __future__ import annotations

from typing import Any

from brandpress.model.nano.tokenizer import train_tokenizer
from brandpress.model.network.chat import SYSTEM_MESSAGE

WORDS = ["a red mug on the left and a fox on the right, on a beach", "snow falls on the green bottle", "0 1 2 3 4 !"]
DEV_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{{ '[INST]' if message.role == 'user' else '[SYSTEM_PROMPT]' }}"
    "{% for part in message.content %}{{ part.text if part.type == 'text' else '[IMG]' }}{% endfor %}"
    "{{ '[/INST]' if message.role == 'user' else '[/SYSTEM_PROMPT]' }}{% endfor %}"
)


def dev_tokenizer() -> Any:
    """Padded on the left, its chat template for structured content: what [dev]'s processor makes of text.

    The processor itself needs torchvision, which has no build for this project's torch.
    """
    tokenizer = train_tokenizer([*WORDS, SYSTEM_MESSAGE] * 2)
    tokens = ["[INST]", "[/INST]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[IMG]", "[IMG_BREAK]", "[IMG_END]"]
    tokenizer.add_special_tokens({"additional_special_tokens": tokens})
    tokenizer.bos_token = "<|im_start|>"
    tokenizer.padding_side = "left"
    tokenizer.chat_template = DEV_TEMPLATE
    return tokenizer
