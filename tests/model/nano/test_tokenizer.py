"""nano's tokenizer, trained on captions, saved and loaded."""

from __future__ import annotations

from typing import Any

import pytest

from brandpress.model.nano.architecture import TEXT_LENGTH, VOCABULARY
from brandpress.model.nano.tokenizer import END, PAD, START, empty_prompt, tokenise, train_tokenizer

TEXTS = ["a red mug on the left", "", "  two  spaces\n", "Füchse, 狐 & 🦊!", "NW-100: 12,345", "<tag> \\ \t"]


@pytest.mark.parametrize("text", TEXTS)
def test_any_text_is_decoded_back(tokenizer: Any, text: str) -> None:
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_captions_have_few_tokens(tokenizer: Any) -> None:
    assert len(tokenizer) <= VOCABULARY
    assert len(tokenizer("a red mug on the left, in the snow")["input_ids"]) <= 12


def test_capitals_are_spelled_letter_by_letter(tokenizer: Any) -> None:
    assert tokenizer.convert_ids_to_tokens(tokenizer('"SALE"')["input_ids"]) == ['"', "S", "A", "L", "E", '"']


def test_padding_is_on_the_right(tokenizer: Any) -> None:
    encoding = tokenizer("a fox", padding="max_length", max_length=TEXT_LENGTH, truncation=True)
    ids, mask = encoding["input_ids"], encoding["attention_mask"]
    length = sum(mask)
    assert len(ids) == len(mask) == TEXT_LENGTH
    assert mask == [1] * length + [0] * (TEXT_LENGTH - length)
    assert set(ids[length:]) == {tokenizer.pad_token_id}
    assert tokenizer.pad_token == PAD


def test_long_texts_are_truncated(tokenizer: Any) -> None:
    text = "a fox and a panda " * 60
    token_ids = tokenizer(text, padding="max_length", max_length=TEXT_LENGTH, truncation=True)["input_ids"]
    assert token_ids == tokenizer(text)["input_ids"][:TEXT_LENGTH]


def test_a_chat_is_its_text_between_two_tokens(tokenizer: Any) -> None:
    messages = [{"role": "user", "content": "a fox"}]
    plain = tokenizer.apply_chat_template(messages, tokenize=False)
    as_in_pipelines = tokenizer.apply_chat_template(
        messages, tokenize=False, add_generation_prompt=True, enable_thinking=False
    )
    assert plain == as_in_pipelines == f"{START}a fox{END}"
    ids = tokenizer(plain)["input_ids"]
    assert ids[0] == tokenizer.convert_tokens_to_ids(START)
    assert ids[-1] == tokenizer.convert_tokens_to_ids(END)
    assert ids[1:-1] == tokenizer("a fox")["input_ids"]


def test_the_empty_prompt_is_what_the_tokenizer_makes_of_it(tokenizer: Any) -> None:
    assert list(empty_prompt()) == tokenise(tokenizer, [""])["input_ids"][0].tolist()


def test_training_is_reproducible(tokenizer: Any) -> None:
    corpus = ["a red mug on the left", "snow falls on the green bottle"]
    one, other = train_tokenizer(corpus), train_tokenizer(corpus)
    assert one.get_vocab() == other.get_vocab()
    assert one("a red bottle")["input_ids"] == other("a red bottle")["input_ids"]
    assert type(tokenizer).__name__ == type(one).__name__
