"""Placeholders outside of templates are warnings of `validate` and `plan`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from brandpress.pipeline.plan.validate import validate
from brandpress.pipeline.plan.warnings import warnings_of
from tests.campaigns import plan_of, write_campaign


def messages(job: Path) -> list[str]:
    """The warnings of `validate`, which `plan` has as well."""
    warnings = [str(one) for one in validate(job).warnings if "isn't filled in" in one.what]
    assert [text.replace(": warning: ", ": ") for text in warnings] == [
        text for text in warnings_of(plan_of(job)) if "isn't filled in" in text
    ]
    return warnings


@pytest.mark.parametrize("placeholder", ["{{ palette.leaf }}", "{% if brand %}", "{{brand}}"])
def test_a_placeholder_in_a_scene(placeholder: str, tmp_path: Path) -> None:
    job = write_campaign(tmp_path, {"plain": "at home", "leaf": f"on {placeholder} ground"})
    column = job.read_text().index(placeholder) + 1
    [warning] = messages(job)
    assert warning.startswith(f"{job}:1:{column}: warning: '{placeholder}' in the scene 'leaf' isn't filled in; write")


def test_several_placeholders_of_an_axis_are_one_warning(tmp_path: Path) -> None:
    [warning] = messages(write_campaign(tmp_path, {name: f"on {{{{ {name} }}}}" for name in ("a", "b", "c")}))
    assert "'{{ a }}' in the scene 'a', and in 2 other texts of it, isn't filled in" in warning


def test_placeholders_in_descriptions_and_free_fields(tmp_path: Path) -> None:
    matrix = {"product": ["mug"], "scene": {"home": {"text": "at home", "light": "{{ light }}"}}}
    job = write_campaign(tmp_path, 1, matrix=matrix)
    brand = json.loads((tmp_path / "brand.yaml").read_text())
    brand["products"]["mug"]["description"] = "a {{ colour }} mug"
    (tmp_path / "brand.yaml").write_text(json.dumps(brand))
    product, scene = messages(job)
    assert "'{{ colour }}' in the product 'mug' isn't filled in" in product
    assert "'{{ light }}' in the scene 'home' isn't filled in" in scene


@pytest.mark.parametrize("text", ["at home", "{a}", '{"a": {"b": 1}}', "50 % off {{", "}} {{"])
def test_other_braces(text: str, tmp_path: Path) -> None:
    assert messages(write_campaign(tmp_path, {"a": text})) == []
