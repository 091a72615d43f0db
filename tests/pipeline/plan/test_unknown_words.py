"""Words that nano wasn't trained with are a warning of plans."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from brandpress.model.checkpoint.known_words import FILE
from brandpress.model.checkpoint.locate import NANO_FOLDER
from brandpress.pipeline.plan.unknown_words import unknown_word_warnings
from brandpress.pipeline.plan.warnings import warnings_of
from tests.campaigns import plan_of, write_campaign


def warnings(folder: Path, prompt: object, model: str = "nano") -> list[str]:
    return list(unknown_word_warnings(plan_of(write_campaign(folder, 1, model=model, prompt=prompt))))


def test_words_that_training_never_had_are_named_once(tmp_path: Path) -> None:
    job = write_campaign(tmp_path, 2, model="nano", prompt="{{ product }} on a zeppelin, an artichoke and a zeppelin")
    [text] = [text for text in warnings_of(plan_of(job)) if "trained without" in text]
    assert text.endswith("so pictures may not show what they mean: 'zeppelin', 'artichoke'")


@pytest.mark.parametrize(
    "prompt",
    [
        "Product photo of our {{ product }} on a beach, soft light",
        "{{ product }} in front of snowy mountains, with Zilana the fox",
        "HERO IMAGE: {{ product }} in an AUTUMN forest, oxo abc",
        "{{ product.description }}, next to a café",
        "{{ product }} on #decade, #eeeeee and #1effff, walls and candles, which stand around these",
        {"typography": "{{ product }}\non\na\nbeach\ttable", "aperture": ["in the snow", 7]},
    ],
)
def test_known_words_names_and_what_references_show_are_none(prompt: object, tmp_path: Path) -> None:
    assert warnings(tmp_path, prompt) == []


def described(folder: Path, roles: list[str]) -> list[str]:
    """Returns the warnings of a job whose mug has unknown words in its description and its free fields."""
    prompt = "{{ product.description }} {{ product.title }} {{ product.tags | tojson }}"
    job = write_campaign(folder, 1, products=("mug",), model="nano", references=roles, prompt=prompt)
    brand = json.loads((folder / "brand.yaml").read_text("utf-8"))
    brand["products"]["mug"] = {
        "description": "a zorbulant mug",
        "title": "a glimby mug",
        "tags": ["blorpy", "froody"],
        "references": ["mug.png"],
    }
    (folder / "brand.yaml").write_text(json.dumps(brand), "utf-8")
    return list(unknown_word_warnings(plan_of(job)))


def test_references_explain_a_description_and_free_fields(tmp_path: Path) -> None:
    assert described(tmp_path, ["product"]) == []


def test_without_a_reference_in_the_picture_they_count(tmp_path: Path) -> None:
    [text] = described(tmp_path, [])
    assert text.endswith("'zorbulant', 'glimby', 'blorpy', 'froody'")


def test_a_list_in_capitals_with_a_mark_is_read(tmp_path: Path) -> None:
    shutil.copytree(NANO_FOLDER, tmp_path / "mine")
    (tmp_path / "mine" / FILE).write_bytes("\ufeffBEACH\r\nScene".encode())
    assert warnings(tmp_path, "a beach scene", model="./mine") == []


def test_only_the_first_words_are_named(tmp_path: Path) -> None:
    words = [f"{letter}zzqx" for letter in "abcdefghij"]
    [text] = warnings(tmp_path, f"{{{{ product }}}} {' '.join(words)}")
    assert text.endswith("'hzzqx' and 2 more")


def test_a_model_without_a_list_knows_all_words(tmp_path: Path) -> None:
    shutil.copytree(NANO_FOLDER, tmp_path / "mine")
    (tmp_path / "mine" / FILE).unlink()
    assert warnings(tmp_path, "{{ product }} on a zeppelin", model="./mine") == []


def test_a_list_outside_the_folder_isnt_read(tmp_path: Path) -> None:
    shutil.copytree(NANO_FOLDER, tmp_path / "mine")
    (tmp_path / "elsewhere").write_text("zeppelin")
    (tmp_path / "mine" / FILE).unlink()
    (tmp_path / "mine" / FILE).symlink_to(tmp_path / "elsewhere")
    [text] = warnings(tmp_path, "{{ product }} on a zeppelin", model="./mine")
    assert text.startswith("can't check whether ./mine knows the words of the prompts: ")


def test_a_list_that_cant_be_read_is_said(tmp_path: Path) -> None:
    shutil.copytree(NANO_FOLDER, tmp_path / "mine")
    (tmp_path / "mine" / FILE).write_bytes(b"\xff\xfe\xfa")
    [text] = warnings(tmp_path, "{{ product }} on a zeppelin", model="./mine")
    assert text.startswith("can't check whether ./mine knows the words of the prompts: ")
