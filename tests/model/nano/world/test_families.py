"""Which icons of a family are drawn, and their nouns."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from brandpress.model.nano.world.families import FAMILIES, Family, family_icons
from brandpress.model.nano.world.nouns import Emoji

FOX = Emoji("fox", "character", "animal-mammal", "1f98a", "fox", ("fox", "FOX FACE", "fox_face"))
OWL = Emoji("owl", "character", "animal-bird", "1f989", "owl", ("owl", "OWL"))
COOK = Emoji("cook", "character", "person-role", "1f9d1-200d-1f373", None, ("cook", "COOK"))


def nouns(tmp_path: Path, family: Family, icons: tuple[str, ...], codes: dict[str, str]) -> list[tuple[str, str, str]]:
    folder = tmp_path / "node_modules" / family.package
    folder.mkdir(parents=True)
    (folder / "icons.json").write_text(json.dumps({"icons": {name: {"body": name} for name in icons}}), "utf-8")
    (folder / "chars.json").write_text(json.dumps(codes), "utf-8")
    return [(icon.name, icon.noun, icon.group) for icon in family_icons(tmp_path, family, (FOX, OWL, COOK))]


def test_icons_are_matched_by_code_points_if_the_package_has_them(tmp_path: Path) -> None:
    codes = {"1f98a": "reynard", "1f44b": "fox"}
    assert nouns(tmp_path, FAMILIES[0], ("fox", "reynard"), codes) == [("reynard", "fox", "animal-mammal")]


def test_icons_are_matched_by_name(tmp_path: Path) -> None:
    family = Family("made-up", same=("uhu=owl",), objects=("cable-release",), people=("chief=boss",), out="owl-1")
    names = ("foxface", "fox-2", "uhu", "owl-1", "woman-cook-1", "cable-release", "chief", "arrow")
    assert nouns(tmp_path, family, names, {}) == [
        ("foxface", "fox", "animal-mammal"),
        ("fox-2", "fox", "animal-mammal"),
        ("uhu", "owl", "animal-bird"),
        ("woman-cook-1", "cook", "person-role"),
        ("cable-release", "cable release", "made-up"),
        ("chief", "boss", "person"),
    ]


def test_art_of_the_evaluation_is_never_trained_on() -> None:
    assert not {"noto", "openmoji"} & {family.style for family in FAMILIES}


def test_a_missing_package_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"twemoji/icons\.json"):
        list(family_icons(tmp_path, FAMILIES[0], ()))
