"""nano's chat template, and the one of its weights."""

from __future__ import annotations

from typing import Any

import pytest

from brandpress.model.checkpoint.chat_template import ChatTemplate
from brandpress.model.checkpoint.locate import NANO_FOLDER
from brandpress.model.nano.tokenizer import END, START, tokenise
from brandpress.model.nano.world.scenes import HUES

TOKENIZER = NANO_FOLDER / "tokenizer"


def rendered(prompt: str) -> str:
    (text,) = ChatTemplate(TOKENIZER).render([[{"role": "user", "content": prompt}]], add_generation_prompt=True)
    assert text.startswith(START)
    assert text.endswith(END)
    return text[len(START) : -len(END)]


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        ("on a #1e5238 background", "on a dark green background"),
        ("a #FAD6E0 wall, #1c1c20.", "a light pink wall, black."),
        ("##ffffff#000000", "#whiteblack"),
        ("\n #3c3c48\n", "\n charcoal\n"),
    ],
)
def test_hex_colours_become_words(prompt: str, text: str) -> None:
    assert rendered(prompt) == text


@pytest.mark.parametrize(
    "prompt",
    [
        "",
        "#",
        "a fox # 1",
        "#12345",
        "#1234567",
        "#abcdefg",
        "#12345é",
        "#\uff1123456",
        "{{ messages }} #12345z",
        "  a\n",
    ],
)
def test_everything_else_stays_as_it_is(prompt: str) -> None:
    assert rendered(prompt) == prompt


@pytest.mark.parametrize("name", [name for name in HUES if name != "dark"])
def test_the_hex_code_of_a_colour_word_is_read_as_that_word(name: str) -> None:
    red, green, blue = HUES[name]
    assert rendered(f"on #{red:02x}{green:02x}{blue:02x}") == f"on {name}"


def test_a_trained_tokenizer_has_the_template_of_the_weights(tokenizer: Any) -> None:
    assert tokenizer.chat_template == ChatTemplate(TOKENIZER).text
    colours = tokenise(tokenizer, ["on #1e5238", "on dark green"])["input_ids"]
    assert colours[0].tolist() == colours[1].tolist()
