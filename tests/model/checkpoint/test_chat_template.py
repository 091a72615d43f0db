"""Chat templates of strangers: the same text as transformers' own, within limits of time and memory."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from transformers.utils.chat_template_utils import render_jinja_template

from brandpress.model.checkpoint import chat_template as module
from brandpress.model.checkpoint.chat_template import ChatTemplate
from brandpress.model.checkpoint.locate import NANO_FOLDER
from brandpress.model.checkpoint.prompt_length import token_counts
from brandpress.model.checkpoint.template_child import render
from brandpress.model.checkpoint.text import load_tokenizer
from brandpress.model.checkpoint.tokenizer import check_tokenizer
from brandpress.model.errors import CheckpointError
from brandpress.model.network.chat import MISTRAL_OPTIONS, QWEN3_OPTIONS, mistral_messages, qwen3_messages
from brandpress.model.network.text_encoder import tokenise_mistral, tokenise_padded
from tests.model.small import Small
from tests.model.tokenizers import DEV_TEMPLATE

PROMPTS = ["", "a fox\n in the {{ snow }} <b> & “ü” 🦊", "<tool_response> x </tool_response>"]
QWEN_LIKE = """\
{%- if tools %}{{- raise_exception('no tools') }}{%- endif %}
{%- set ns = namespace(last=messages|length - 1, open=true) %}
{%- for message in messages[::-1] %}
    {%- if message.role == "user" and not(message.content.startswith('<tool_response>')) %}{%- set ns.open = false %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
    {%- if loop.index0 > 100 %}{% break %}{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}
{%- endif %}
{{ messages | tojson }} {{ eos_token }} {{ documents is none }}
{% generation %}x{% endgeneration %}"""


def tokenizer_folder(folder: Path, template: str | None) -> Path:
    """nano's tokenizer with another chat template."""
    shutil.copytree(NANO_FOLDER / "tokenizer", folder / "tokenizer")
    (folder / "tokenizer" / "chat_template.jinja").unlink()
    if template is not None:
        (folder / "tokenizer" / "chat_template.jinja").write_text(template)
    return folder / "tokenizer"


@pytest.mark.parametrize("template", [QWEN_LIKE, DEV_TEMPLATE, "{{ messages[-1].content | string | upper }}"])
def test_texts_are_those_of_transformers(template: str, tmp_path: Path) -> None:
    chats = ChatTemplate(tokenizer_folder(tmp_path, template))
    for make, options in ((qwen3_messages, QWEN3_OPTIONS), (mistral_messages, MISTRAL_OPTIONS)):
        if template is QWEN_LIKE and make is mistral_messages:
            continue  # it takes text only
        if template is DEV_TEMPLATE and make is qwen3_messages:
            continue
        conversations = [make(prompt) for prompt in PROMPTS]
        expected, _ = render_jinja_template(
            conversations=conversations, chat_template=template, eos_token="<|im_end|>", **options
        )
        special = {"eos_token": "<|im_end|>"}
        assert (
            render({"template": template, "conversations": conversations, "variables": special | options}) == expected
        )
        assert chats.render(conversations, **options) == expected


@pytest.mark.parametrize("kind", ["klein", "dev"])
def test_a_loaded_tokenizer_renders_what_transformers_does(small_of: Callable[[str], Small], kind: str) -> None:
    from transformers import AutoTokenizer

    parts = small_of(kind).renderer.description.parts
    assert parts is not None
    ours, theirs = load_tokenizer(parts.tokenizer), AutoTokenizer.from_pretrained(parts.tokenizer)
    make, options = (qwen3_messages, QWEN3_OPTIONS) if kind == "klein" else (mistral_messages, MISTRAL_OPTIONS)
    for prompt in PROMPTS:
        expected = theirs.apply_chat_template(make(prompt), tokenize=False, **options)
        assert ours.apply_chat_template(make(prompt), tokenize=False, **options) == expected


HOSTILE = {
    "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}": "was stopped: it took more than",
    "{{ 'x' * 10**11 }}": "failed: MemoryError|was stopped",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}": "failed: .*unsafe",
    "{% set ns = namespace() %}{% set ns.__init__ = 1 %}": "failed: ",
    "{{ cycler.__init__.__globals__.os.system('touch ran') }}": "failed: ",
    "{% include '/etc/passwd' %}": "failed: ",
    "{% for": "failed: ",
    "{{ [1, 2, 3] | random }}": "failed: No filter named 'random'",
    "{{ lipsum() }}": "failed: 'lipsum' is undefined",
    "{{ raise_exception('not for you') }}": "failed: not for you",
}


@pytest.mark.parametrize("template", [pytest.param(t, marks=pytest.mark.slow) if "99999" in t else t for t in HOSTILE])
def test_hostile_templates_end_with_an_error(template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tokenizer_folder(tmp_path, template)
    monkeypatch.setattr(module, "WALL_SECONDS", 30)
    start = time.process_time()
    with pytest.raises(CheckpointError, match=f"^{re.escape(str(folder))}: its chat template ({HOSTILE[template]})"):
        ChatTemplate(folder).render([qwen3_messages("a mug")])
    assert time.process_time() - start < 1, "it ran in this process"
    shutil.rmtree(folder)
    good = ChatTemplate(tokenizer_folder(tmp_path, "{{ messages[0].content }}!"))
    assert good.render([qwen3_messages("a mug")]) == ["a mug!"]


def test_a_template_gets_the_same_date_every_day(tmp_path: Path) -> None:
    """Mistral's template asks for the date."""
    template = "{% set today = strftime_now('%d %B %Y') %}{{ messages[0].content }} on {{ today }}"
    texts = ChatTemplate(tokenizer_folder(tmp_path, template)).render([qwen3_messages("a mug")])
    assert texts == ["a mug on 25 November 2025"]


def test_a_tokenizer_without_a_template_is_named(tmp_path: Path) -> None:
    folder = tokenizer_folder(tmp_path, None)
    for check in (check_tokenizer, load_tokenizer):
        with pytest.raises(CheckpointError, match=f"^{re.escape(str(folder))} has no chat template"):
            check(folder)


@pytest.mark.parametrize("place", ["text", "list", "json"])
def test_other_places_of_a_template(place: str, tmp_path: Path) -> None:
    folder = tokenizer_folder(tmp_path, None)
    config, template = folder / "tokenizer_config.json", "{{ messages[0].content }}!"
    if place == "json":
        (folder / "chat_template.json").write_text(json.dumps({"chat_template": template}))
    else:
        value = template if place == "text" else [{"name": "default", "template": template}]
        config.write_text(json.dumps(json.loads(config.read_text()) | {"chat_template": value}))
    assert ChatTemplate(folder).render([qwen3_messages("a")]) == ["a!"]


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+$",
        "(a|aa)*b",
        "(?:x*)*",
        r"(\p{L}+\s?)+",
        "((ab)?c)+",
        "(a?){30,}",
        "(?x) (a+) + b",
        "(?ix: (a+) + b)",
        "((a|a)){25}b",
        "(a{1,9}){25}b",
        "(a+){9}",
    ],
)
def test_patterns_that_take_for_ever_are_refused(pattern: str, tmp_path: Path) -> None:
    folder = tokenizer_folder(tmp_path, "{{ messages[0].content }}")
    file = folder / "tokenizer.json"
    value = json.loads(file.read_text())
    value["pre_tokenizer"] = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
    file.write_text(json.dumps(value))
    with pytest.raises(CheckpointError, match=re.escape(f"{file} has a pattern that can take for ever")):
        check_tokenizer(folder)


def test_a_pattern_that_the_library_gives_up_on_is_an_error(small_of: Callable[[str], Small], tmp_path: Path) -> None:
    """The library panics with something that isn't an Exception."""
    small = small_of("klein")
    parts = small.renderer.description.parts
    assert parts is not None
    folder = tmp_path / "tokenizer"
    shutil.copytree(parts.tokenizer, folder)
    file = folder / "tokenizer.json"
    value = json.loads(file.read_text())
    pattern = {"Regex": "a*a*a*a*a*a*a*a*b"}
    value["pre_tokenizer"] = {"type": "Split", "pattern": pattern, "behavior": "Isolated", "invert": False}
    value["normalizer"] = None
    file.write_text(json.dumps(value))
    config = folder / "tokenizer_config.json"  # the class of another model would bring its own pattern
    config.write_text(json.dumps(json.loads(config.read_text()) | {"tokenizer_class": "PreTrainedTokenizerFast"}))
    model = replace(small.renderer.description, parts=replace(parts, tokenizer=folder))
    with pytest.raises(CheckpointError, match=f"^{re.escape(str(folder))}: tokens can't be counted: "):
        token_counts(model, ["a" * 300 + "cb"])
    tokenizer = load_tokenizer(folder)
    for tokenise in (tokenise_padded, tokenise_mistral):
        with pytest.raises(CheckpointError, match=f"^{re.escape(str(folder))}: the prompt can't be tokenised: "):
            tokenise(tokenizer, "a" * 300 + "cb", 64)


def test_patterns_of_published_tokenizers_are_allowed(tmp_path: Path) -> None:
    from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX

    folder = tokenizer_folder(tmp_path, "{{ messages[0].content }}")
    file = folder / "tokenizer.json"
    tekken = (
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?"
        r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|"
        r"\s+(?!\S)|\s+"
    )
    for pattern in (
        PRETOKENIZE_REGEX,
        tekken,
        r"'s|'t| ?\p{L}+| ?\p{N}+|\s+(?!\S)|\s+",
        "[(a+)+]",
        r"\(a+\)+",
        r"(?:\p{N}{3})+",
        "(?i:x)",
    ):
        value = json.loads(file.read_text())
        value["pre_tokenizer"] = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated"}
        file.write_text(json.dumps(value))
        check_tokenizer(folder)
