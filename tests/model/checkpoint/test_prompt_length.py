"""Token counts without a text encoder, compared with the text encoders' own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from brandpress.model import CheckpointError
from brandpress.model.checkpoint.describe import describe
from brandpress.model.checkpoint.prompt_length import token_counts
from tests.model.small import Small

PROMPTS = ["", "a red mug", "a fox, " * 40, "Füchse & <|im_end|> 狐 in 🦊\n\n the snow", "[IMG] a fox"]


@pytest.mark.parametrize("kind", ["klein", "dev"])
def test_counts_match_the_text_encoder(small_of: Callable[[str], Small], kind: str) -> None:
    small = small_of(kind)
    encoder = small.renderer.loaded.text_encoder.get()
    lengths = []
    encoder.tokenizer, original = Spy(encoder.tokenizer, lengths), encoder.tokenizer
    try:
        for prompt in PROMPTS:
            encoder.encode(prompt)
    finally:
        encoder.tokenizer = original
    assert token_counts(small.renderer.description, PROMPTS) == lengths
    assert max(lengths) > 100 > min(lengths)


def test_without_a_config_the_family_gives_the_conversations(small_of: Callable[[str], Small]) -> None:
    model = small_of("dev").renderer.description
    assert model.parts is not None
    without = replace(model, family="flux.2-dev", parts=replace(model.parts, text_config=None))
    assert token_counts(without, PROMPTS) == token_counts(model, PROMPTS)


class Spy:
    """A tokenizer that records the length of each text without truncation."""

    def __init__(self, tokenizer: object, lengths: list[int]) -> None:
        self._tokenizer, self._lengths = tokenizer, lengths

    def __getattr__(self, name: str) -> object:
        return getattr(self._tokenizer, name)

    def __call__(self, text: str, **options: object) -> object:
        special = {"add_special_tokens": options["add_special_tokens"]} if "add_special_tokens" in options else {}
        self._lengths.append(len(self._tokenizer(text, **special).input_ids))
        return self._tokenizer(text, **options)


def test_hex_colours_are_counted_as_the_words_that_nano_reads(tmp_path: Path) -> None:
    """Also beside a longer prompt without any."""
    model, codes = describe("nano", tmp_path), [f"#1e52{number}" for number in range(40, 48)]
    colours, words = (f"a mug on {' and '.join(names)}" for names in (codes, ["dark green"] * len(codes)))
    long = "a mug on a beach, a fox on a hill, a robot in a forest, a red cup on a blue table, " * 2
    counts = token_counts(model, [colours, long, words])
    assert counts[0] == counts[2] == token_counts(model, [colours])[0]
    assert counts[1] == token_counts(model, [long])[0]


def test_counts_for_nano(tmp_path: Path) -> None:
    counts = token_counts(describe("nano", tmp_path), ["a mug", "a mug on a beach, a fox on the right"])
    assert 0 < counts[0] < counts[1] < 64


@pytest.mark.parametrize("kind", ["klein", "dev"])
@pytest.mark.parametrize(
    "template",
    [
        None,
        "{{ messages[-1].content | string | upper }}",
        "{% for m in messages %}<{{ m.content if m.content is string else m.content[0].text }}>{% endfor %}",
        "{% for m in messages %}{{ (m.content if m.content is string else m.content[0].text)[:9] }}|{% endfor %}",
        "always the same",
    ],
)
def test_counts_do_not_depend_on_other_prompts(
    small_of: Callable[[str], Small], tmp_path: Path, kind: str, template: str | None
) -> None:
    """For any template."""
    model = small_of(kind).renderer.description
    assert model.parts is not None
    shutil.copytree(model.parts.tokenizer, tmp_path / "tokenizer")
    if template is not None:
        (tmp_path / "tokenizer" / "chat_template.jinja").write_text(template)
    model = replace(model, parts=replace(model.parts, tokenizer=tmp_path / "tokenizer"))
    for prompts in (PROMPTS, PROMPTS[::-1], ["user", "a [IMG] mug", "user"], ["", ""]):
        assert token_counts(model, prompts) == [token_counts(model, [prompt])[0] for prompt in prompts]


def test_no_prompts_and_hosted_tiers_count_nothing(tmp_path: Path) -> None:
    assert token_counts(describe("nano", tmp_path), []) == []
    assert token_counts(describe("flux.2-pro", tmp_path), ["a mug"]) == [0]


def test_a_broken_tokenizer_is_named(small_of: Callable[[str], Small], tmp_path: Path) -> None:
    model = small_of("klein").renderer.description
    assert model.parts is not None
    (tmp_path / "tokenizer_config.json").write_text("{}")
    (tmp_path / "tokenizer.json").write_text("nonsense")
    broken = replace(model, parts=replace(model.parts, tokenizer=tmp_path))
    with pytest.raises(CheckpointError, match=f"{tmp_path}: tokens can't be counted: "):
        token_counts(broken, ["a mug"])


def test_counting_does_not_import_torch(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from brandpress.model.checkpoint.describe import describe; "
        "from brandpress.model.checkpoint.prompt_length import token_counts; "
        "token_counts(describe('nano', Path('.')), ['a mug']); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
