"""Templates render piece by piece and cache texts; the result is the same as rendering the whole template."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brandpress.pipeline.spec import template
from brandpress.pipeline.spec.template import MAX_PIECES, TemplateRenderError, compile_template
from brandpress.pipeline.spec.template_environment import ENVIRONMENT
from brandpress.pipeline.spec.template_values import CHOICE_ATTRIBUTES, Named

WORDS = {"scene": CHOICE_ATTRIBUTES, "mood": CHOICE_ATTRIBUTES, "seed": ()}
SOURCES = (
    "{{ scene }}",
    " in {{ mood.text }}",
    "-{{ seed }}",
    "{{ seed + 1 }}",
    "{% if scene == 'beach' %}sand, {{ mood }}{% elif mood is defined %}snow{% endif %}",
    "{{ scene ~ mood }}",
    "{{ mood | upper }} ",
    "{{ 'plain' }}",
)
scenes = [Named.choice(text, name, text) for name, text in (("beach", "beach"), ("sea", "beach"), ("snow", "snow"))]
moods = [Named.choice(f"calm {i}", f"m{i}", f"calm {i}") for i in range(3)]
values = st.fixed_dictionaries(
    {"scene": st.sampled_from(scenes), "mood": st.sampled_from(moods), "seed": st.integers()}
)


@given(st.lists(st.sampled_from(SOURCES), max_size=6), st.lists(values, min_size=1, max_size=12), st.integers(1, 3))
def test_pieces_render_like_the_whole_template(sources: list[str], cases: list[dict[str, object]], cached: int) -> None:
    """However few texts are cached, and in any order of values."""
    source = "".join(sources)
    compiled, whole = compile_template(source, WORDS), ENVIRONMENT.from_string(source)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(template, "CACHED_TEXTS", cached)
        assert [compiled.render(one) for one in cases] == [whole.render(one).strip() for one in cases]


def test_values_that_look_alike_are_cached_separately() -> None:
    compiled = compile_template("{{ scene.name }}", WORDS)
    assert [compiled.render({"scene": scene}) for scene in scenes] == ["beach", "sea", "snow"]


def test_a_text_for_a_missing_value_is_not_used_for_others() -> None:
    compiled = compile_template("{% if mood is defined %}{{ mood }}{% endif %}.", WORDS)
    assert [compiled.render(one) for one in ({}, {"mood": moods[0]}, {})] == [".", "calm 0.", "."]


def test_a_template_with_very_many_pieces() -> None:
    source = "{{ scene }}{{ seed + 1 }}" * MAX_PIECES
    assert compile_template(source, WORDS).render({"scene": scenes[0], "seed": 1}) == "beach2" * MAX_PIECES


def test_pieces_that_are_too_long_in_total() -> None:
    text = "x" * 15_000
    with pytest.raises(TemplateRenderError, match="the text is longer than 20,000 characters"):
        compile_template("{{ scene }}{{ scene.text }}", WORDS).render({"scene": Named.choice(text, "x", text)})
