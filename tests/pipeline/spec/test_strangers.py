"""Files from strangers: they name nothing outside their repository, and no message quotes a file that isn't a spec. No
text is lost in a comment without a word, and checking a file takes no more time than its length explains."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import yaml
from PIL import Image

from brandpress.pipeline.plan.validate import validate
from brandpress.pipeline.spec.campaign import parse_negative_prompt
from brandpress.pipeline.spec.load import load_campaign
from brandpress.pipeline.spec.problem import SpecError, WrongValueError
from brandpress.pipeline.spec.root import ROOT

JOB = {
    "campaign": "spring",
    "brand": "brand.yaml",
    "model": "nano",
    "matrix": {"product": ["mug"]},
    "prompt": "{{ product.description }} on a table",
    "size": "64x64",
    "deliver": "out",
}
BRAND = "brand: shop\nproducts:\n  mug: {description: a mug, sku: NW-1, references: [references/mug.png]}\n"
TOKEN = "hvs.CAESIJ3kQ9z8vR5T2m1Xw7Yp4Lb6Nc0D"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository with a valid brand spec."""
    repository = tmp_path / "repository"
    (repository / "references").mkdir(parents=True)
    (repository / ".git").mkdir()
    Image.new("RGB", (64, 64), "green").save(repository / "references" / "mug.png")
    (repository / "brand.yaml").write_text(BRAND)
    return repository


def problems(folder: Path, text: str | None = None, **fields: object) -> list[str]:
    """Returns the problems of a job, without its folder."""
    file = folder / "job.yaml"
    file.write_text(yaml.safe_dump({**JOB, **fields}, sort_keys=False) if text is None else text)
    return [str(problem).replace(f"{folder}/", "") for problem in validate(file).problems]


def brand_problems(folder: Path, text: str) -> list[str]:
    (folder / "brand.yaml").write_text(text)
    return problems(folder)


# Which files a job may name, and what messages quote


@pytest.mark.parametrize("written", ["../secret", "{parent}/secret", "link.yaml", "linked/secret"])
def test_a_brand_spec_outside_the_repository_is_not_read(folder: Path, written: str) -> None:
    (folder.parent / "secret").write_text(f"brand: {TOKEN}\n")
    (folder / "link.yaml").symlink_to(folder.parent / "secret")
    (folder / "linked").symlink_to(folder.parent)
    [problem] = problems(folder, brand=written.format(parent=folder.parent))
    assert f"is outside '{str(folder)[:20]}" in problem
    assert ROOT in problem
    assert TOKEN not in problem


def test_without_a_repository_specs_can_stand_beside_jobs_but_not_higher(tmp_path: Path) -> None:
    jobs, specs = tmp_path / "brands" / "jobs", tmp_path / "brands" / "specs"
    jobs.mkdir(parents=True)
    specs.mkdir()
    (specs / "brand.yaml").write_text("brand: shop\nproducts: {mug: {description: a mug}}\n")
    (tmp_path / "brand.yaml").write_text((specs / "brand.yaml").read_text())
    assert problems(jobs, brand="../specs/brand.yaml") == []
    assert "is outside" in problems(jobs, brand="../../brand.yaml")[0]


def test_the_operator_names_another_root(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder.parent / "brand.yaml").write_text("brand: shop\nproducts: {mug: {description: a mug}}\n")
    monkeypatch.setenv(ROOT, str(folder.parent))
    assert problems(folder, brand="../brand.yaml") == []
    monkeypatch.setenv(ROOT, str(folder / "references"))
    assert f"({ROOT})" in problems(folder)[0]


@pytest.mark.parametrize(
    "content",
    [
        TOKEN,
        f"- {TOKEN}",
        f"password: {TOKEN}",
        f"{TOKEN}: x",
        f"*{TOKEN}",
        f"&{TOKEN} [",
        f"!{TOKEN} x",
        f"a: !x!{TOKEN} y",
        f"a: [{TOKEN}\nb: c: d",
        f"description: {TOKEN}\ndata: [{TOKEN}]",
        f'"{TOKEN}',
        "password: 12345678",
        "12345678",
        "2026-01-02",
    ],
)
def test_no_message_quotes_a_file_that_is_not_a_spec(folder: Path, content: str) -> None:
    (folder / "secret").write_text(content)
    shown = "\n".join(problems(folder, brand="secret") + [str(p) for p in validate(folder / "secret").problems])
    assert "secret:" in shown
    for piece in (TOKEN, TOKEN[4:], "password", "12345678", "2026"):
        assert piece not in shown


def test_a_brand_spec_given_as_job_is_one_problem(folder: Path) -> None:
    with pytest.raises(SpecError) as raised:
        load_campaign(folder / "brand.yaml")
    assert str(raised.value).count("\n") == 0
    assert "brand.yaml:1:1: this is a brand spec, not a campaign's job" in str(raised.value)


def test_a_job_given_as_brand_is_one_problem(folder: Path) -> None:
    shown = problems(folder, brand="job.yaml")
    assert len(shown) == 1
    assert shown[0].startswith("job.yaml:1:1: this is a campaign's job, not a brand spec; a brand spec has 'brand'")


# Comments that were meant as text


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("prompt: a mug in color #0047AB on white\n", "8:24"),
        ("prompt: a mug #1: the best\n", "8:15"),
        ("prompt: #0047AB\n", "8:9"),
        ("prompt:\n  #0047AB\n", None),
        ("prompt: > #0047AB\n  a mug\n", "8:11"),
        ("prompt: {scene: a mug in color #0047AB\n  }\n", "8:32"),
        ("prompt: [a mug in #0047AB\n  ]\n", "8:19"),
        ("description: from spring #2\nprompt: a mug\n", "8:26"),
        ("x-prompt: &p a mug in #0047AB\nprompt: *p\n", "8:23"),
        ("prompt: a mug\n  in color #0047AB\n  on white\n", "9:12"),
        ("prompt: {palette: #0047AB}\n", "8:19"),
    ],
)
def test_a_comment_behind_text_is_a_problem(folder: Path, text: str, place: str | None) -> None:
    (folder / "brand.yaml").write_text("brand: shop\nproducts: {mug: {description: a mug}}\n")
    fields = {name: value for name, value in JOB.items() if name != "prompt"}
    matrix = yaml.safe_dump(fields, sort_keys=False, default_flow_style=None)
    assert matrix.count("\n") == 7
    shown = problems(folder, matrix + text)
    assert shown
    if place is not None:
        assert shown[0].startswith(f"job.yaml:{place}: ")
        assert "comment" in shown[0]
        assert "put the text in quotes" in shown[0]


@pytest.mark.parametrize(
    "text",
    [
        "brand: shop\npalette: {sand: #f4e9cd}\nproducts:\n  mug: {description: a mug}\n",
        "brand: shop\npalette: {sand: #f4e9cd\n  }\nproducts:\n  mug: {description: a mug}\n",
        "brand: shop\npalette:\n  sand: #f4e9cd\nproducts:\n  mug: {description: a mug}\n",
    ],
)
def test_an_unquoted_colour_is_named(folder: Path, text: str) -> None:
    shown = brand_problems(folder, text)
    assert "#f4e9cd" in shown[0]
    assert "put the text in quotes" in shown[0]
    assert ":2:17:" in shown[0] or ":3:9:" in shown[0]


@pytest.mark.parametrize(
    "text",
    [
        "prompt: a mug # the best\n",
        "prompt: 'a mug' #1\n",
        'prompt: "a mug #1"\n',
        "prompt: a mug#1\n",
        "prompt: |\n  a mug in #0047AB\n",
        "prompt: >\n  a mug in #0047AB\n  on white\n",
        "#prompt: a cup\nprompt: a mug\n",
        "seeds: 1 #one\nprompt: a mug\n",
        "x-notes: spring #2\nprompt: a mug\n",
    ],
)
def test_other_comments_are_comments(folder: Path, text: str) -> None:
    assert problems(folder, yaml.safe_dump({k: v for k, v in JOB.items() if k != "prompt"}) + text) == []


# Values as the file writes them


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("00123", '"00123"'),
        ("0510210600", '"0510210600"'),
        ("0x1F", '"0x1F"'),
        ("1_000", '"1_000"'),
        ("12:30", '"12:30"'),
        ("1e3", None),
        ("1.50", '"1.50"'),
        ("+5", '"+5"'),
        ("2024-01-05", '"2024-01-05"'),
        ("2001-12-14t21:59:43.10-05:00", '"2001-12-14t21:59:43.10-05:00"'),
    ],
)
def test_hints_quote_the_text_of_the_file(folder: Path, written: str, hint: str | None) -> None:
    shown = brand_problems(folder, f"brand: shop\nproducts:\n  mug: {{description: a mug, sku: {written}}}\n")
    if hint is None:
        assert shown == []
    else:
        assert shown[0].endswith(f"put it in quotes: {hint}")


def test_a_number_says_how_yaml_reads_it(folder: Path) -> None:
    shown = brand_problems(
        folder, "brand: shop\npalette: {night: 004721}\nproducts:\n  mug: {description: a mug, sku: 00123}\n"
    )
    assert shown[0].endswith("did you mean '#004721'?")
    assert "the number 83 (YAML reads 00123 as octal)" in shown[1]


def test_fields_that_start_with_x_are_ignored(folder: Path) -> None:
    (folder / "brand.yaml").write_text(
        "x-defaults: &defaults {references: [references/mug.png]}\n"
        "brand: shop\nproducts: {mug: {<<: *defaults, description: a mug}}\n"
    )
    text = "x-quality: &quality {steps: 4}\n" + yaml.safe_dump(JOB) + "quality: *quality\n"
    assert problems(folder, text) == []
    campaign = load_campaign(folder / "job.yaml")
    assert campaign.brand.products["mug"].references == ("references/mug.png",)
    assert "unknown field 'y-z'" in problems(folder, **{"y-z": 1})[0]


# JSON prompts


def test_a_prompt_can_be_a_mapping(folder: Path) -> None:
    (folder / "brand.yaml").write_text('brand: shop\nproducts: {mug: {description: a "big" mug}}\n')
    prompt = {"subjects": [{"what": "{{ product.description }}", "count": 1}], "palette": ["#1f4d3a"], "on": True}
    assert problems(folder, prompt=prompt) == []
    [point] = load_campaign(folder / "job.yaml").points
    assert point.prompt == '{"on":true,"palette":["#1f4d3a"],"subjects":[{"count":1,"what":"a \\"big\\" mug"}]}'


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ({"a": {"b": ["{{ prodct }}"]}}, "unknown variable 'prodct'"),
        ({"{{ product }}": "a"}, "keys aren't templates"),
        ({"a": float("nan")}, "which JSON doesn't have"),
        ({"a": "b\x07"}, "contains the control character"),
        ({}, "prompt is empty"),
        ([[]], "prompt is empty"),
        ({"a": "x" * 30_000}, "is longer than 20,000 characters"),
    ],
)
def test_wrong_structured_prompts(folder: Path, prompt: object, message: str) -> None:
    assert message in problems(folder, prompt=prompt)[0]


def test_a_negative_prompt_can_be_a_mapping_without_templates() -> None:
    assert parse_negative_prompt({"b": ("text",), "a": 1}) == '{"a":1,"b":["text"]}'
    with pytest.raises(ExceptionGroup) as raised:
        parse_negative_prompt({"b": ("{{ product }}",)})
    [error] = raised.value.exceptions
    assert isinstance(error, WrongValueError)
    assert error.at == ("b", 0)


def test_tojson_writes_valid_json_in_a_text_prompt(folder: Path) -> None:
    (folder / "brand.yaml").write_text('brand: shop\nproducts: {mug: {description: a "big" mug}}\n')
    assert problems(folder, prompt='{"scene": {{ product.description | tojson }}}') == []
    [point] = load_campaign(folder / "job.yaml").points
    assert json.loads(point.prompt) == {"scene": 'a "big" mug'}


def test_an_unclosed_template_comment_says_how_to_write_its_characters(folder: Path) -> None:
    assert "write {{ '{#' }}" in problems(folder, prompt="{#1: a mug")[0]


# Suggestions


def test_the_suggestion_for_a_reference_can_be_pasted_and_the_product_is_named(folder: Path) -> None:
    [problem] = brand_problems(folder, BRAND.replace("mug.png", "mgu.png"))
    assert problem.endswith(
        "products.mug: there is no picture 'references/mgu.png'; did you mean 'references/mug.png'?"
    )


def test_a_misspelt_model_is_suggested_once(folder: Path) -> None:
    [problem] = problems(folder, model="nanoo")
    assert problem.startswith("job.yaml:3:8: model: 'nanoo' is not a folder")
    assert problem.endswith("did you mean nano?")


def test_no_name_is_suggested_for_itself(folder: Path) -> None:
    long = "references/" + "a" * 70
    text = BRAND.replace("references/mug.png", f"{long}.png")
    assert "did you mean" not in "".join(brand_problems(folder, text))


# Time


def many(count: int, name: str) -> list[str]:
    return [f"{name}-{number:05}" for number in range(count)]


@pytest.mark.parametrize("field", ["matrix", "exclude", "include"])
def test_unknown_names_take_time_in_proportion(folder: Path, field: str) -> None:
    """The time for 4 times as many names, with a wide margin: comparing all with all would take 16 times as long."""

    def seconds(count: int) -> float:
        brand = {"brand": "shop", "products": {name: {"description": "x"} for name in many(count, "product")}}
        (folder / "brand.yaml").write_text(yaml.safe_dump(brand))
        wrong = many(count, "produkt")
        fields: dict[str, object] = {"matrix": {"product": wrong if field == "matrix" else "*"}}
        if field != "matrix":
            fields[field] = [{"product": name} for name in wrong]
        start = time.process_time()
        assert len(problems(folder, **fields)) == count
        return time.process_time() - start

    seconds(10)
    assert seconds(400) < 10 * seconds(100)


@pytest.mark.parametrize(
    "text",
    [
        "x0: &a0 {k: 1}\n" + "".join(f"x{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 3)}]}}\n" for i in range(1, 500)),
        "x0: &a0 {k0: 1}\n" + "".join(f"x{i}: &a{i} {{<<: *a{i - 1}, k{i}: 1}}\n" for i in range(1, 800)),
        "x: &a {" + ", ".join(f"k{i}: 1" for i in range(1000)) + "}\ny: {<<: [" + ", ".join(["*a"] * 4000) + "]}\n",
    ],
    ids=["chain", "growing", "wide"],
)
def test_merge_keys_are_merged_once(folder: Path, text: str) -> None:
    start = time.process_time()
    assert problems(folder, text + yaml.safe_dump(JOB))
    assert time.process_time() - start < 5


def test_entries_of_many_shapes_are_limited(folder: Path) -> None:
    axes = {f"a{i}": ["v", "w"] for i in range(17)}
    exclude = [{f"a{j}": "v" for j in range(17) if number >> j & 1} for number in range(1, 1500)]
    prompt = "".join(f"{{{{ {axis} }}}}" for axis in axes)
    assert "comparisons" in problems(folder, matrix=axes, exclude=exclude, prompt=prompt)[0]


# Nothing that a file holds ends in a traceback


@pytest.mark.parametrize(
    "value",
    [
        "!!bool abc", "!!int ''", "!!int abc", "!!float x", "!!timestamp abc", "!!map x", "!!seq x", "!!null x",
        "0x" + "f" * 5000, "1" + ":1" * 5000, "9" * 5000, "0" + "7" * 5000, "0b" + "1" * 9000, "1" * 400 + ".5",
        "0001-01-01T00:00:00+23:59", "-.inf", ".nan", '"\\ud800"', '"\\0"',
    ],
)  # fmt: skip
def test_odd_scalars_are_problems_of_their_file(folder: Path, value: str) -> None:
    for field in JOB:
        text = yaml.safe_dump({name: inner for name, inner in JOB.items() if name != field}, sort_keys=False)
        for problem in problems(folder, f"{text}{field}: {value}\n"):
            assert "bug" not in problem
            assert problem.startswith("job.yaml:")
    for problem in brand_problems(folder, f"{BRAND}background: {value}\ndescription: {value}\n"):
        assert "bug" not in problem


@pytest.mark.parametrize(
    "prompt",
    [
        "{{ 1" + " + 1" * 4000 + " }}", "{{ product" + " | lower" * 2000 + " }}",
        "{{ product" + " and product" * 1500 + "}}",
        "{% if product %}" * 700 + "{% endif %}" * 700, "{{ " + "not " * 4000 + "product }}", "{{ '\\ud800' }}",
        "{{ '\\x00' }}", "{{ " + "9" * 5000 + " }}", "{{ 0x" + "f" * 5000 + " }}", "{{ 1e999 }}",
        "{{ product | replace(**product) }}", "{{ seed | pad('x') }}", "{{ product | trim(1) }}",
        "{{ product in seed }}",
    ],
)  # fmt: skip
def test_odd_templates_are_problems_of_the_prompt(folder: Path, prompt: str) -> None:
    [problem, *_] = problems(folder, prompt=prompt)
    assert "bug" not in problem
    assert problem.startswith("job.yaml:7:9: ")
