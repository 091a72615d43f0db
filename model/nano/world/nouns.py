"""Selects the emoji that the training data shows, and their nouns in captions."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_CATEGORIES = {
    "Animals & Nature": "character",
    "Smileys & Emotion": "character",
    "People & Body": "character",
    "Food & Drink": "object",
    "Objects": "object",
    "Activities": "object",
    "Travel & Places": "object",
}
_OBJECT_SUBCATEGORIES = {"plant-other", "plant-flower", "heart"}
_PEOPLE = {"person-fantasy", "person-role", "person-sport"}
_OUT_SUBCATEGORIES = {"emotion", "arrow", "alphanum", "sound", "place-map"}
# excluded: pictures that fill the whole square, near-duplicates, and subjects unsuitable for a campaign
_OUT_NOUNS = re.compile(
    r"^(foggy|night with stars|sunrise|sunrise over mountains|cityscape.*|sunset|bridge at night|milky way"
    r"|national park|pile of poo|cigarette|coffin|headstone|pistol|water pistol|bomb|syringe|drop of blood|toilet"
    r"|placard|fog|tornado|.*o.?clock|.*thirty|(woman|man|mx) .*|mrs claus|waxing .*|waning .*|.*quarter moon.*|no .*"
    r"|.*\bsuit$|dotted line face|speaker .*|mobile phone with arrow|.*with (raised|lowered) flag|bell with slash"
    r"|chart .*|fire engine.*|.*(yen|euro|pound) banknote|hole|in tuxedo|with (veil|skullcap|crown)|wearing turban"
    r"|pregnant .*|breast feeding|feeding baby|white cane"
    r"|head shaking .*|magnifying glass tilted right|outbox tray|love hotel|kaaba|skull and crossbones)$"
)
_DROPPED_WORDS = re.compile(r"\b(button|emoji modifier|symbol|sign|selector)\b")
HELD_OUT_NOUNS = 80


@dataclass(frozen=True, slots=True)
class Emoji:
    """One emoji.

    code: its lower-case code points joined by "-". icon: its name in the flat set, if any. names: all its names.
    """

    noun: str
    category: str
    group: str
    code: str
    icon: str | None
    names: tuple[str, ...] = ()


def _clean(name: str) -> str:
    words = _DROPPED_WORDS.sub(
        " ", name.lower().replace("piata", "pinata").replace("-", " ").replace("\u2019", "").replace(":", " ")
    )
    return (
        " ".join(words.split())
        .removeprefix("person ")
        .replace("t rex", "t-rex")
        .replace("yo yo", "yo-yo")
        .replace(" tilted left", "")
    )


def list_emoji(art: Path) -> Iterator[Emoji]:
    """Yields the selected emoji in the order of their code points.

    art: the folder that contains `node_modules` with `emoji-datasource-google` and `@iconify-json/fluent-emoji-flat`.
    Raises FileNotFoundError for a missing file.
    """
    modules = art / "node_modules"
    rows: list[dict[str, Any]] = json.loads((modules / "emoji-datasource-google" / "emoji.json").read_text("utf-8"))
    icons: dict[str, str] = json.loads((modules / "@iconify-json/fluent-emoji-flat/chars.json").read_text("utf-8"))
    nouns: set[str] = set()
    for row in sorted(rows, key=lambda row: str(row["unified"])):
        group, part = str(row["category"]), str(row["subcategory"])
        if group not in _CATEGORIES or part in _OUT_SUBCATEGORIES or (group == "People & Body" and part not in _PEOPLE):
            continue
        code = str(row["unified"]).lower()
        icon = icons.get(code) or icons.get(code.replace("-fe0f", ""))
        noun = _clean(icon or str(row["name"]))
        if not noun or noun in nouns or len(noun.split()) > 4 or _OUT_NOUNS.match(noun):
            continue
        nouns.add(noun)
        category = "object" if part in _OBJECT_SUBCATEGORIES else _CATEGORIES[group]
        names = (noun, icon or noun, str(row["name"]), *row.get("short_names", ()))
        yield Emoji(noun=noun, category=category, group=part, code=code, icon=icon, names=names)


def held_out_nouns(nouns: set[str], count: int = HELD_OUT_NOUNS) -> frozenset[str]:
    """Returns the `count` nouns with the smallest SHA-256, at most a fifth of all. Training never shows them."""
    ordered = sorted(nouns, key=lambda noun: hashlib.sha256(noun.encode()).hexdigest())
    return frozenset(ordered[: min(count, len(ordered) // 5)])
