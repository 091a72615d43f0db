"""Expanding a campaign into points, and the problems that are detected only then."""

from __future__ import annotations

from pathlib import Path

import pytest

from brandpress.pipeline.spec.load import load_campaign
from brandpress.pipeline.spec.problem import SpecError

JOB = """campaign: c
brand: {corpus}/northwind/brand.yaml
model: nano
deliver: out
"""


def load(corpus: Path, tmp_path: Path, text: str):
    (tmp_path / "job.yaml").write_text(JOB.format(corpus=corpus) + text)
    return load_campaign(tmp_path / "job.yaml")


def problems(corpus: Path, tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(SpecError) as raised:
        load(corpus, tmp_path, text)
    return [problem.what for problem in raised.value.problems]


MATRIX = "matrix: {product: [mug, bottle], scene: {beach: on a beach, snow: in snow}}\n"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("size: 64x64\nseeds: 2\n", ["mug-beach-s0", "mug-beach-s1", "mug-snow-s0", "mug-snow-s1"]),
        (
            'size: 64x64\noutput: {name: "{{ campaign }}-{{ brand }}-{{ index }}-{{ format }}"}\n',
            ["c-northwind-0-64x64", "c-northwind-1-64x64", "c-northwind-2-64x64", "c-northwind-3-64x64"],
        ),
        (
            'size: 64x64\noutput: {name: "{{ scene }}/{{ product.sku | default(product) | lower }}"}\n',
            ["beach/nw-100", "snow/nw-100", "beach/bottle", "snow/bottle"],
        ),
    ],
)
def test_output_names(corpus: Path, tmp_path: Path, text: str, names: list[str]) -> None:
    campaign = load(corpus, tmp_path, MATRIX + 'prompt: "{{ product }} {{ scene }}"\n' + text)
    assert [point.name for point in campaign.points][:4] == names


def test_the_prompt_can_use_the_seed_and_the_format(corpus: Path, tmp_path: Path) -> None:
    text = (
        "matrix: {product: [mug], format: {wide: 128x64, tall: 64x128}}\nseeds: [4, 9]\n"
        'prompt: "{{ product }} {{ seed }} {{ format }} {{ format.width }} {{ index }}"\n'
    )
    prompts = [point.prompt for point in load(corpus, tmp_path, text).points]
    assert prompts == ["mug 4 wide 128 0", "mug 9 wide 128 1", "mug 4 tall 64 2", "mug 9 tall 64 3"]


def test_points_of_one_combination_share_it(corpus: Path, tmp_path: Path) -> None:
    points = load(corpus, tmp_path, MATRIX + 'prompt: "{{ product }} {{ scene }}"\nseeds: 3\nsize: 64x64\n').points
    first, _, third, *_ = points
    assert first.axes is third.axes
    assert first.prompt is third.prompt


def test_a_problem_of_many_points_is_reported_once(corpus: Path, tmp_path: Path) -> None:
    messages = problems(
        corpus,
        tmp_path,
        MATRIX + 'prompt: "{{ product.sku }} {{ scene }}"\nsize: 64x64\nseeds: 50\noutput: {name: x}\n',
    )
    assert messages == [
        "the prompt of {product: bottle, scene: beach} can't be rendered: 'bottle' has no 'sku' (and 1 more)",
        "'x' is the name of two variants: {product: mug, scene: beach, seed: 0} and "
        "{product: mug, scene: beach, seed: 1} (and 198 more)",
    ]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('prompt: "{{ product }}"\nsize: 64x64\n', "would be the same picture"),
        ('prompt: "{{ scene }}"\nsize: 64x64\nreferences: [product]\n', None),
        ('prompt: "{{ scene }} {{ seed }}"\nsize: 64x64\nseeds: 2\n', "would be the same picture"),
        ('prompt: "{{ index }}"\nsize: 64x64\n', None),
    ],
)
def test_the_same_picture_is_not_rendered_twice(corpus: Path, tmp_path: Path, text: str, what: str | None) -> None:
    if what is None:
        assert len(load(corpus, tmp_path, MATRIX + text).points) == 4
    else:
        assert what in problems(corpus, tmp_path, MATRIX + text)[0]


def test_equal_reference_files_count_as_the_same_reference(corpus: Path, tmp_path: Path) -> None:
    content = (corpus / "northwind" / "pictures" / "fox.png").read_bytes()
    (tmp_path / "a.png").write_bytes(content)
    (tmp_path / "b.png").write_bytes(content)
    (tmp_path / "brand.yaml").write_text(
        "brand: b\nproducts:\n  a: {description: a cup, references: [a.png]}\n"
        "  b: {description: a cup, references: [b.png]}\n"
    )
    (tmp_path / "job.yaml").write_text(
        "campaign: c\nbrand: brand.yaml\nmodel: nano\nmatrix: {product: '*'}\nprompt: '{{ product.description }}'\n"
        "references: [product]\nsize: 64x64\ndeliver: out\n"
    )
    with pytest.raises(SpecError, match=r"\{product: a\} and \{product: b\} would be the same picture"):
        load_campaign(tmp_path / "job.yaml")


@pytest.mark.parametrize(
    ("name", "shared"),
    [
        ("{{ product }}-{{ scene }}", True),
        ("{{ scene }}-{{ product }}-{{ index }}", True),
        ("{{ product }}-{{ index }}", False),
        (None, False),
    ],
)
def test_variants_share_a_picture_if_their_names_say_so(
    corpus: Path, tmp_path: Path, name: str | None, shared: bool
) -> None:
    output = f"output: {{name: '{name}'}}\n" if name else ""
    text = MATRIX + 'prompt: "{{ product }}"\nsize: 64x64\n' + output
    if shared:
        points = load(corpus, tmp_path, text).points
        assert len({point.name for point in points}) == 4
        assert len({point.prompt for point in points}) == 2
    else:
        assert "would be the same picture" in problems(corpus, tmp_path, text)[0]


def test_a_million_variants_are_the_limit(corpus: Path, tmp_path: Path) -> None:
    messages = problems(corpus, tmp_path, MATRIX + 'prompt: "{{ product }} {{ scene }}"\nsize: 64x64\nseeds: 250001\n')
    assert messages == ["this matrix makes up to 1,000,004 variants"]


def test_alt_texts_are_one_line_and_use_what_prompts_use(corpus: Path, tmp_path: Path) -> None:
    text = (
        'seeds: 2\nsize: 64x64\nprompt: "{{ product }} {{ scene }}"\n'
        "alt: |\n  {{ product.description }}\n  {{ scene }}, {{ palette.pine }}, take {{ seed }}\n"
    )
    campaign = load(corpus, tmp_path, MATRIX + text)
    described = {product: entity.description for product, entity in campaign.brand.products.items()}
    pine = campaign.brand.palette["pine"]
    assert [point.alt for point in campaign.points][:3] == [
        f"{described['mug']} on a beach, {pine}, take 0",
        f"{described['mug']} on a beach, {pine}, take 1",
        f"{described['mug']} in snow, {pine}, take 0",
    ]


def test_without_a_template_there_is_no_alt_text(corpus: Path, tmp_path: Path) -> None:
    campaign = load(corpus, tmp_path, MATRIX + 'size: 64x64\nprompt: "{{ product }} {{ scene }}"\n')
    assert {point.alt for point in campaign.points} == {""}


def rules(corpus: Path, tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(SpecError) as raised:
        load(corpus, tmp_path, text)
    return [problem.allowed for problem in raised.value.problems]


def test_the_advice_about_equal_names_and_pictures(corpus: Path, tmp_path: Path) -> None:
    matrix = "matrix: {}\ninclude: [{product: mug, style: dawn}, {product: mug}]\nsize: 64x64\n"
    text = (
        matrix + "prompt: '{{ product }}{% if style is defined %}, dawn{% endif %}'\noutput: {name: '{{ product }}'}\n"
    )
    assert rules(corpus, tmp_path, text) == ["add '{{ style }}' to the name"]
    [rule] = rules(corpus, tmp_path, matrix + "prompt: '{{ product }}'\n")
    assert rule == "use '{{ style }}' in the prompt, or in output.name to share one picture"


def test_the_advice_about_equal_default_names(corpus: Path, tmp_path: Path) -> None:
    text = "matrix: {a: [x, x-y], b: [y-z, z]}\nprompt: '{{ a }} + {{ b }}'\nsize: 64x64\n"
    assert rules(corpus, tmp_path, text) == ["write output.name with another separator, such as '{{ a }}/{{ b }}'"]
