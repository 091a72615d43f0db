"""Free fields of products, characters, styles and axis values, in templates and messages."""

from __future__ import annotations

from pathlib import Path

import pytest

from brandpress.pipeline.spec.free_fields import for_locale, identifier_of
from brandpress.pipeline.spec.load import load_campaign
from brandpress.pipeline.spec.problem import SpecError

BRAND = """brand: x
products:
  mug: {{description: a mug, {mug}}}
  cup: {{description: a cup, {cup}}}
"""
JOB = """campaign: c
brand: brand.yaml
model: nano
matrix: {{product: [mug, cup]{matrix}}}
prompt: "{{{{ product }}}} {prompt}"
size: 64x64
deliver: out
"""
BOTH = {"mug": "title: Mug", "cup": "title: Cup"}


def prompts(folder: Path, prompt: str, matrix: str = "", mug: str = "title: Mug", cup: str = "title: Cup") -> list[str]:
    (folder / "brand.yaml").write_text(BRAND.format(mug=mug, cup=cup))
    (folder / "job.yaml").write_text(JOB.format(prompt=prompt, matrix=matrix))
    return [point.prompt for point in load_campaign(folder / "job.yaml").points]


def problems(folder: Path, *arguments: str, **fields: str) -> list[str]:
    with pytest.raises(SpecError) as raised:
        prompts(folder, *arguments, **fields)
    return [str(problem).removeprefix(f"{folder}/") for problem in raised.value.problems]


@pytest.mark.parametrize(
    ("field", "shown"),
    [
        ("title: A Mug", "A Mug"), ("title: 3", "3"), ("title: 19.90", "19.90"), ("title: true", "true"),
        ("title: [a, b]", "a, b"), ('title: "007"', "007"), ("title: {default: x}", "x"),
    ],
)  # fmt: skip
def test_values_in_templates(field: str, shown: str, tmp_path: Path) -> None:
    assert prompts(tmp_path, "{{ product.title }}", mug=field)[0] == f"mug {shown}"


@pytest.mark.parametrize(
    ("field", "prompt", "shown"),
    [
        ("price: 12.50", "{{ product.price ~ ' EUR' }}", "12.50 EUR"),
        ("price: 12.50", "{{ product.price | replace('.', ',') }}", "12,50"),
        ("price: 12.50", "{{ product.price + 1 }} {{ product.price | tojson }}", "13.5 12.5"),
        ("sizes: [12.50, true, a]", "{{ product.sizes }} {{ product.sizes ~ '' }}", "12.50, true, a 12.50, true, a"),
    ],
)
def test_numbers_are_inserted_as_they_are_written(field: str, prompt: str, shown: str, tmp_path: Path) -> None:
    assert prompts(tmp_path, prompt, mug=field, cup=field)[0] == f"mug {shown}"


@pytest.mark.parametrize("name", ["title", "format", "count", "upper", "join", "split", "index", "items", "values"])
def test_names_that_texts_of_python_have(name: str, tmp_path: Path) -> None:
    """`product.title` is the field, never a method of Python's str."""
    mug = f"{name}: Mine"
    rendered = prompts(tmp_path, f"{{{{ product.{name} | default('none') | upper }}}}", mug=mug, cup="other: x")
    assert rendered == ["mug MINE", "cup NONE"]


def test_conditions_and_lists_in_templates(tmp_path: Path) -> None:
    prompt = "{% if 'sale' in product.tags %}cheap{% else %}dear{% endif %} {{ product['tags'] | tojson }}"
    rendered = prompts(tmp_path, prompt.replace('"', "'"), mug="tags: [sale, new]", cup="tags: [sales]")
    assert rendered == ['mug cheap ["sale", "new"]', 'cup dear ["sales"]']


def test_texts_by_locale(tmp_path: Path) -> None:
    rendered = prompts(
        tmp_path,
        "{{ product.title }}, {{ locale.headline }}",
        ", locale: {en: {headline: Hello}, de: {text: deutsch, headline: Hallo}}",
        mug="title: {en: Mug, de: Tasse}",
        cup="title: {default: Cup}",
    )
    assert rendered == ["mug Mug, Hello", "mug Tasse, Hallo", "cup Cup, Hello", "cup Cup, Hallo"]


def test_a_locale_that_a_field_lacks(tmp_path: Path) -> None:
    [problem] = problems(
        tmp_path, "{{ product.title }} {{ locale }}", ", locale: [en, fr]", mug="title: {en: Mug}", cup="title: Cup"
    )
    assert "'mug' has no 'title' for the locale 'fr'; add fr, or default, to its title" in problem


def test_a_field_by_locale_without_the_axis(tmp_path: Path) -> None:
    [problem] = problems(tmp_path, "{{ product.title }}", mug="title: {en: Mug}")
    assert "'mug' has a 'title' for each locale, but the combination has no locale" in problem
    assert "add an axis locale to the matrix, or default to the field" in problem


def test_a_field_that_no_entity_has(tmp_path: Path) -> None:
    [problem] = problems(tmp_path, "{{ product.titel }}")
    assert problem.startswith("job.yaml:5:")
    assert "'product' has no 'titel'; allowed: 'name', 'description', 'sku', 'title'; did you mean 'title'?" in problem


def test_a_mistake_on_a_later_line_of_an_expression(tmp_path: Path) -> None:
    prompts(tmp_path, "")
    job = (tmp_path / "job.yaml").read_text()
    (tmp_path / "job.yaml").write_text(job.replace('"{{ product }} "', '"{{ product\n  ~ product.titel }} "'))
    with pytest.raises(SpecError, match=r"job\.yaml:6:13: 'product' has no 'titel'"):
        load_campaign(tmp_path / "job.yaml")


def test_a_field_that_only_some_entities_have(tmp_path: Path) -> None:
    [problem] = problems(tmp_path, "{{ product.title }}", cup="other: x")
    assert "the prompt of {product: cup} can't be rendered: 'cup' has no 'title'; give 'cup' a title, or" in problem


def test_axis_values_with_fields(tmp_path: Path) -> None:
    matrix = ", scene: {beach: {text: on a beach, mood: warm}, snow: in snow}, format: {web: {size: 64x64, shop: a}}"
    rendered = prompts(tmp_path, "{{ scene }} {{ scene.mood | default('-') }} {{ format.shop }} {{ format }}", matrix)
    assert rendered[:2] == ["mug on a beach warm a web", "mug in snow - a web"]


@pytest.mark.parametrize(
    ("mug", "message"),
    [
        ("descripton: x", "unknown field 'descripton' in products.mug; allowed: 'description', 'references', 'sku'"),
        ("refrences: [a.png]", "did you mean 'references'?"),
        ("Title: x", "products.mug: 'Title' isn't a valid name of a free field; allowed: lowercase letters"),
        ("2nd: x", "isn't a valid name of a free field"),
        ("name: x", "products.mug: the name 'name' is reserved"),
        ("title:", "products.mug: title is nothing"),
        ("title: ''", "products.mug: title is empty"),
        ("title: 00123", 'title is the number 83 (YAML reads 00123 as octal); put it in quotes: "00123"'),
        ("title: 2026-01-01", "title is the date 2026-01-01; put it in quotes"),
        ("title: []", "title has 0 items"),
        ("title: [[a]]", "title is a list; allowed: text, a number"),
        ("title: {en: {a: b}}", "title is a mapping; allowed: text"),
        ("title: {EN: x}", "'EN' isn't a valid name"),
        ("title: .inf", "title is the number .inf"),
        (f"title: {'x' * 5_001}", "title is 5,001 characters long"),
        (", ".join(f"f{i}: x" for i in range(101)), "has 101 free fields; allowed: at most 100"),
    ],
)
def test_wrong_fields(mug: str, message: str, tmp_path: Path) -> None:
    assert message in "\n".join(problems(tmp_path, "", mug=mug))


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (", scene: {a: {texts: x}}", "scene.a: unknown field 'texts'; allowed: 'text'"),
        (", scene: {a: {text: 3}}", "scene.a.text must be text, not the number 3"),
        (", format: {a: {shop: x}}", "format.a.size must be a size like 1024x1024, not nothing"),
        (", format: {a: {size: 64x65}}", "'64x65': the height 65 isn't a multiple of 16"),
        (", scene: {a: {name: x}}", "scene.a: the name 'name' is reserved"),
    ],
)
def test_wrong_fields_of_axis_values(matrix: str, message: str, tmp_path: Path) -> None:
    assert message in "\n".join(problems(tmp_path, "", matrix))


@pytest.mark.parametrize(
    ("written", "name"),
    [("Image Link", "image_link"), ("g:price", "price"), ("Länge (cm)", "lange_cm"), ("2nd", ""), ("价格", "")],
)
def test_names_of_columns(written: str, name: str) -> None:
    assert identifier_of(written) == name


def test_fields_without_locales_are_not_copied() -> None:
    fields = {"title": "x"}
    assert for_locale(fields, "en") is fields
    assert for_locale({"a": {"en": 1}, "b": {"de": 2}, "c": 3}, "en") == {"a": 1, "c": 3}
