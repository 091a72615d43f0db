"""Plans as comments; what strangers wrote has no effect in them. A real parser reads them as GitHub does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from brandpress.pipeline.plan.change import Change
from brandpress.pipeline.plan.expand import plan_for
from brandpress.pipeline.plan.markdown import MAX_CHARACTERS, code_span, plan_markdown
from brandpress.pipeline.plan.selection import campaign_selection
from brandpress.pipeline.plan.state import VariantState
from brandpress.pipeline.plan.summary import StoreState, Summary, summarise
from brandpress.pipeline.spec.load import load_campaign
from tests.pipeline.plan.keys import model

HOSTILE = [
    "<img src=x onerror=alert(1)>", "</details><script>alert(1)</script>", "@octocat please approve", "#1 GH-2",
    "[link](javascript:alert(1))", "![x](https://example.com/track.png)", "`` ` code", "```\n# heading\n```",
    "| a | b |", "*bold* _x_ ~~y~~", "&lt;b&gt;", "https://example.com", "-->", "\u202e\x1b[31m",
    "line\nbreak\r\n- item", "`", " ` ", "", "\\", "\\`@octocat",
]  # fmt: skip


@pytest.fixture
def summary(corpus: Path) -> Summary:
    plan = plan_for(load_campaign(corpus / "good" / "design.yaml"), model())
    states = tuple(VariantState(v.name, "new", v.axes, v.seed, v) for v in plan.variants)
    return summarise(plan, "s3://assets", StoreState(variants=states))


def tokens(text: str) -> list[Token]:
    """Returns all tokens of a text, with those within lines."""
    parsed = MarkdownIt("commonmark", {"html": True}).enable("table").enable("strikethrough").parse(text)
    return [child for token in parsed for child in (token, *(token.children or ()))]


@given(st.one_of(st.sampled_from(HOSTILE), st.text("`@<>&*_[]()#|!-\\ \nab", max_size=40)))
def test_any_text_is_shown_as_it_is(text: str) -> None:
    parsed = [token for token in tokens(f"- before {code_span(text)} after") if not token.children]
    [code] = [token for token in parsed if token.type == "code_inline"]
    assert [token.content for token in parsed if token.type == "text"] == ["before ", " after"]
    assert {token.type for token in parsed} == {
        "bullet_list_open", "list_item_open", "paragraph_open", "text", "code_inline", "paragraph_close",
        "list_item_close", "bullet_list_close",
    }  # fmt: skip
    if all(character.isprintable() or character.isspace() for character in text):
        assert code.content.strip() == " ".join(text.split())


def test_a_comment_has_counts_reasons_and_a_folded_list(summary: Summary) -> None:
    states = summary.states or ()
    stale = replace(states[0], state="stale", changes=(Change("prompt", "a mug", "a cup"), Change("steps", 2, 4)))
    gone = VariantState("old", "orphaned", {}, 0, None)
    text = plan_markdown(replace(summary, states=(stale, *states[1:], gone), removals=1))
    assert text.startswith("<!-- brandpress:plan spring -->\n### brandpress plan: `spring`\n")
    assert (
        "| new | stale | unchanged | held back | orphaned |\n|---:|---:|---:|---:|---:|\n| 11 | 1 | 0 | 0 | 1 |" in text
    )
    assert "12 variants: 12 to render, 1 to remove. Model `some-model`." in text
    assert "- `prompt`: 1 variant\n- `steps: 2 → 4`: 1 variant" in text
    assert "<summary>13 changes</summary>" in text
    assert f"- `~` `{stale.name}` stale: `prompt: a [-mug-] {{+cup+}}; steps: 2 → 4`\n" in text
    assert "- `-` `old` orphaned: `no longer planned`\n\n</details>\n" in text


def test_hostile_texts_have_no_effect(summary: Summary) -> None:
    states = tuple(
        VariantState(
            text, "stale", {}, 0, None, (Change("prompt", text, f"{text}!"), Change("format", text, text)), text
        )
        for text in HOSTILE
    )
    text = plan_markdown(replace(summary, states=states, warnings=tuple(HOSTILE)))
    kinds = [token for token in tokens(text) if not token.children]
    html = [token.content.strip() for token in kinds if token.type in ("html_block", "html_inline")]
    assert html == [
        "<!-- brandpress:plan spring -->",
        f"<details>\n<summary>{len(HOSTILE)} changes</summary>",
        "</details>",
    ]
    shown = "".join(token.content for token in kinds if token.type == "text")
    assert not set(shown) & set("@#<&[`")
    assert not {token.type for token in kinds} & {"link_open", "image", "fence", "code_block", "em_open", "strong"}


def test_a_comment_is_never_too_long(summary: Summary) -> None:
    one = VariantState("x" * 400, "stale", {}, 0, None, (Change("format", "a" * 400, "b" * 400),))
    text = plan_markdown(replace(summary, states=(one,) * 1_000, warnings=("w" * 10_000,) * 100))
    assert MAX_CHARACTERS - 2_000 < len(text) <= MAX_CHARACTERS
    assert "more\n\n</details>\n" in text
    text = plan_markdown(replace(summary, states=(one,) * 1_000), 3)
    assert text.count("`~`") == 3
    assert "- and 997 more" in text
    assert "<details>" not in plan_markdown(summary, 0)


def test_an_unreadable_store_and_a_selection(summary: Summary) -> None:
    text = plan_markdown(summarise(summary.plan, "s3://assets", None, "no `route`"))
    assert "12 variants. The store can't be read: `` no `route` ``" in text
    plan = summary.plan
    selection = campaign_selection(["product:mug", "!style:noir*"], plan.campaign, plan.variants)
    text = plan_markdown(replace(summary, selection=selection))
    assert "Selected: 8 variants by `product:mug` `!style:noir*`." in text
    assert "<summary>8 variants</summary>" in text
