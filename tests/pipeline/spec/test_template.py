from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brandpress.pipeline.spec.brand import Product, Style
from brandpress.pipeline.spec.problem import WrongValueError
from brandpress.pipeline.spec.template import TemplateRenderError, compile_template
from brandpress.pipeline.spec.template_check import check_template
from brandpress.pipeline.spec.template_values import (
    CHOICE_ATTRIBUTES,
    ENTITY_ATTRIBUTES,
    FORMAT_ATTRIBUTES,
    Named,
    Palette,
)

VARIABLES = {
    "product": ENTITY_ATTRIBUTES,
    "style": ENTITY_ATTRIBUTES,
    "scene": CHOICE_ATTRIBUTES,
    "format": FORMAT_ATTRIBUTES,
    "seed": (),
    "index": (),
    "palette": ("pine", "deep-sea", "items"),
}
VALUES = {
    "product": Named.entity("mug", Product(description="a green mug", sku="NW-100")),
    "scene": Named.choice("on a beach", "beach", "on a beach"),
    "style": Named.entity("dawn", Style()),
    "seed": 7,
    "index": 12,
    "palette": Palette({"pine": "#1f4d3a", "deep-sea": "#000080", "items": "#ffffff"}),
}


def render(source: str, without: str = "") -> str:
    values = {name: value for name, value in VALUES.items() if name != without}
    return compile_template(source, VARIABLES).render(values)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ product }}", "mug"),
        ("{{ product.name }}: {{ product.description }} ({{ product.sku }})", "mug: a green mug (NW-100)"),
        ("{{ scene }} {{ scene.name }} {{ scene.text }}", "on a beach beach on a beach"),
        ("{{ palette.pine }} {{ palette['deep-sea'] }} {{ palette.items }}", "#1f4d3a #000080 #ffffff"),
        ("{% if product == 'mug' %}yes{% else %}no{% endif %}", "yes"),
        ("{{ scene == 'beach' }} {{ scene == 'on a beach' }} {{ scene == 'beech' }}", "true true false"),
        ("{{ scene != 'beach' }} {{ scene != 'snow' }} {{ scene in ['beach', 'snow'] }}", "false true true"),
        ("{{ 'a' if product.name in ['cup', 'mug'] else 'b' }}", "a"),
        ("{{ product.description | title | replace('Green', 'Red') }}", "A Red Mug"),
        ("{{ seed + 1 }}-{{ index | pad(4) }}-{{ product ~ seed }}", "8-0012-mug7"),
        ("{{ 'Über den Wolken!' | slug }}", "uber-den-wolken"),
        ("{{ style.description | default('plain') }}", "plain"),
        ("  {#- a comment -#}  {{ product }}\n", "mug"),
        ("{% raw %}{{ product }}{% endraw %}", "{{ product }}"),
        ('{"scene": "{{ scene }}", "n": {}}', '{"scene": "on a beach", "n": {}}'),
    ],
)
def test_allowed_constructs(source: str, text: str) -> None:
    assert render(source) == text


@pytest.mark.parametrize(
    "source",
    [
        "{{ product.__class__ }}",
        "{{ product['__class__'] }}",
        "{{ product['__cl' ~ 'ass__'] }}",
        "{{ ''.__class__ }}",
        "{{ product.description.__class__.__mro__ }}",
        "{{ scene.upper() }}",
        "{{ '{0.__class__}'.format(scene) }}",
        "{{ scene | attr('__class__') }}",
        "{{ scene | format }}",
        "{{ self }}",
        "{{ range(10) }}",
        "{{ cycler }}{{ lipsum }}{{ namespace }}{{ joiner }}{{ dict }}",
        "{% for x in scene %}{% endfor %}",
        "{% macro m() %}{% endmacro %}",
        "{% include 'x' %}",
        "{% import 'x' as y %}",
        "{% extends 'x' %}",
        "{% block b %}{% endblock %}",
        "{% set a = scene %}",
        "{% set a %}x{% endset %}",
        "{% with a = scene %}{% endwith %}",
        "{% filter upper %}x{% endfilter %}",
        "{{ scene * 99999 }}",
        "{{ 9 ** 9 }}",
        "{{ '%99d' % seed }}",
        "{{ 8 // 2 }}",
        "{{ 8 / 2 }}",
        "{{ scene[0] }}",
        "{{ scene[1:] }}",
        "{{ {'a': 1} }}",
        "{{ product is sameas scene }}",
        "{{ product is string }}",
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    ],
)
def test_forbidden_constructs_are_rejected(source: str) -> None:
    assert check_template(source, VARIABLES)
    with pytest.raises(WrongValueError):
        compile_template(source, VARIABLES)


@pytest.mark.parametrize(
    ("source", "without", "message"),
    [
        ("{{ product }}", "product", "there is no 'product'"),
        ("{{ product.sku }}", "product", "there is no 'product'"),
        ("{{ style.description }}", "", "'dawn' has no 'description'"),
        ("{{ seed + scene }}", "", "unsupported operand"),
        ("{{ scene | pad(10000000) }}", "", "pad takes a width of 1 to 20, not 10000000"),
        ("{{ scene | replace('', 'x') }}", "", "replace needs some text to look for"),
        ("{{ scene" + " | replace('a', 'aaaaaaaaaa')" * 8 + " }}", "", "replace returns more than 20,000 characters"),
        ("{{ scene ~ scene }}" * 1500, "", "the text is longer than 20,000 characters"),
    ],
)
def test_render_errors(source: str, without: str, message: str) -> None:
    with pytest.raises(TemplateRenderError, match=message.replace("(", r"\(")):
        render(source, without)


def test_all_problems_with_suggestions() -> None:
    errors = check_template(
        "{{ prodct }} {{ product.descripton }} {{ scene | uper }} {{ scene is definid }} {scene}", VARIABLES
    )
    assert [error.suggestion for error in errors] == [
        "'product'",
        "'description'",
        "'upper'",
        "'defined'",
        "'{{ scene }}'",
    ]


def test_the_variables_of_a_template() -> None:
    template = compile_template("{{ product.sku }}{% if scene is defined %}{{ seed }}{% endif %}", VARIABLES)
    assert template.variables == {"product", "scene", "seed"}


@given(st.text(string.ascii_letters + string.digits + " {}%#'\".|()[]_-+*~\n", max_size=60))
def test_any_text_is_rejected_or_rendered_safely(source: str) -> None:
    if check_template(source, VARIABLES):
        return
    try:
        text = render(source)
    except TemplateRenderError:
        return
    assert len(text) <= 20_000
    assert "<" not in text


def test_a_chain_of_filters_stops_at_the_limit() -> None:
    chain = "scene.text" + " | tojson" * 18  # the backslashes double with each
    with pytest.raises(TemplateRenderError, match=r"tojson returns more than 20,000 characters"):
        render("{% if (" + chain + ") == 'x' %}a{% endif %}")


def test_a_filter_refuses_a_text_beyond_the_limit() -> None:
    long = " ~ ".join(["'" + "a" * 11_000 + "'"] * 2)
    with pytest.raises(TemplateRenderError, match=r"upper takes at most 20,000 characters"):
        render("{% if (" + long + ") | upper == 'x' %}a{% endif %}")
