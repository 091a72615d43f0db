"""nano's tokenizer: Qwen2's (byte-level BPE, right padding) with a small vocabulary and a chat template of our own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import Qwen2TokenizerFast
from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX

from brandpress.model.nano.architecture import TEXT_LENGTH, VOCABULARY
from brandpress.model.nano.prompt_template import END, START, prompt_template
from brandpress.model.nano.world.scenes import HUES

PAD_ID, START_ID, END_ID = 0, 1, 2
PAD = "<|endoftext|>"
CAPITALS = re.compile("[A-Z]{2,}")
NOT_A_COLOUR = "dark"
"""A word for grounds of many colours."""


def train_tokenizer(captions: Iterable[str]) -> Any:
    """Returns a `Qwen2TokenizerFast` whose vocabulary is trained on the captions.

    It spells runs of capitals letter by letter, so that the model can write any word of a sign.
    """
    core = Tokenizer(models.BPE())
    core.normalizer = normalizers.NFC()
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PRETOKENIZE_REGEX), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[PAD, START, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    core.train_from_iterator((CAPITALS.sub(" ", caption) for caption in captions), trainer)
    bpe = json.loads(core.to_str())["model"]
    return Qwen2TokenizerFast(
        vocab=bpe["vocab"],
        merges=[tuple(merge) for merge in bpe["merges"]],
        eos_token=END,
        pad_token=PAD,
        extra_special_tokens=[START],
        padding_side="right",
        model_max_length=TEXT_LENGTH,
        chat_template=prompt_template({name: colour for name, colour in HUES.items() if name != NOT_A_COLOUR}),
    )


def tokenise(tokenizer: Any, prompts: Sequence[str]) -> Any:
    """Returns the token ids and attention mask, padded or truncated to TEXT_LENGTH like the pipelines do."""
    chats = tokenizer.apply_chat_template([[{"role": "user", "content": p}] for p in prompts], tokenize=False)
    return tokenizer(chats, return_tensors="pt", padding="max_length", truncation=True, max_length=TEXT_LENGTH)


def empty_prompt() -> tuple[int, ...]:
    """Returns the token ids of the empty prompt, padded to TEXT_LENGTH."""
    return (START_ID, END_ID) + (PAD_ID,) * (TEXT_LENGTH - 2)
