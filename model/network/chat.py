"""Prompts as conversations for the text encoders' chat templates. Imports no torch.

Source: diffusers 0.42.1 `pipeline_flux2_klein.py` and `pipeline_flux2.py`.
"""

from __future__ import annotations

from typing import Any

SYSTEM_MESSAGE = (
    "You are an AI that reasons about image descriptions. You give structured responses focusing on object "
    "relationships, object\nattribution and actions without speculation."
)
"""The system message that [dev] was trained with. Source: black-forest-labs/flux2 `system_messages.py` (Apache-2.0)."""

IMAGE_TOKEN = "[IMG]"  # noqa: S105 (no secret)
QWEN3_OPTIONS: dict[str, Any] = {"add_generation_prompt": True, "enable_thinking": False}
MISTRAL_OPTIONS: dict[str, Any] = {"add_generation_prompt": False}

Conversation = list[dict[str, Any]]


def qwen3_messages(prompt: str) -> Conversation:
    """The conversation for [klein]: only the prompt."""
    return [{"role": "user", "content": prompt}]


def mistral_messages(prompt: str, system: str = SYSTEM_MESSAGE, pictures: int = 0) -> Conversation:
    """The conversation for [dev]: a system message, placeholders for `pictures`, and the prompt.

    Removes placeholders (`IMAGE_TOKEN`) that are written in the prompt.
    """
    messages: Conversation = [{"role": "system", "content": [{"type": "text", "text": system}]}]
    if pictures:
        messages.append({"role": "user", "content": [{"type": "image"}] * pictures})
    prompt = prompt.replace(IMAGE_TOKEN, "")
    messages.append({"role": "user", "content": [{"type": "text", "text": prompt}]})
    return messages
