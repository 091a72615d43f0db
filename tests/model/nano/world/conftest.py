"""A small copy of the npm packages with a few emoji."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from PIL import Image, ImageDraw


def emoji(name: str, unified: str, category: str, subcategory: str) -> dict[str, str]:
    """Returns one row of emoji-datasource-google's emoji.json."""
    return {"name": name, "unified": unified, "category": category, "subcategory": subcategory}


EMOJI = (
    emoji("FOX FACE", "1F98A", "Animals & Nature", "animal-mammal"),
    emoji("POTTED PLANT", "1FAB4", "Animals & Nature", "plant-other"),
    emoji("HAMMER AND PICK", "2692-FE0F", "Objects", "tool"),
    emoji("SLICE OF PIZZA", "1F355", "Food & Drink", "food-prepared"),
    emoji("PIZZA", "1F356", "Food & Drink", "food-prepared"),  # same icon name as the previous emoji
    emoji("DESERT", "1F3DC-FE0F", "Travel & Places", "place-geographic"),
    emoji("FIREFIGHTER", "1F9D1-200D-1F692", "People & Body", "person-role"),
    emoji("WAVING HAND SIGN", "1F44B", "People & Body", "hand-fingers-open"),
    emoji("RIGHTWARDS ARROW", "27A1-FE0F", "Symbols", "arrow"),
    emoji("PISTOL", "1F52B", "Activities", "game"),
)
ICONS = {"1f98a": "fox", "2692": "hammer-and-pick", "1f355": "pizza", "1f356": "pizza"}
# (file name, colour, box of the ellipse in 64 x 64 pixels)
RENDERED = (
    ("1f98a", (240, 130, 40), (12, 8, 52, 56)),
    ("2692", (120, 120, 130), (4, 20, 60, 44)),
    ("1fab4", (50, 160, 70), (20, 4, 44, 60)),
    ("1f9d1-200d-1f692", (200, 50, 40), (16, 8, 48, 60)),
)


SQUARE = '<path fill="#e0b050" d="M0 0h32v32H0z"/>'
CIRCLE = '<circle cx="16" cy="16" r="12" fill="#f28222"/>'
SHADOW = '<path fill="#45413c" d="M2 30h28v2H2z" opacity=".15"/>'
# of 32 x 32 units unless said otherwise
FAMILY_ICONS: dict[str, dict[str, dict[str, object]]] = {
    "twemoji": {"fox-face": {"body": CIRCLE}, "desert-scene": {"body": SQUARE}, "waving-hand": {"body": CIRCLE}},
    "emojione": {"pizza": {"body": CIRCLE}, "menorah": {"body": CIRCLE}, "cinema": {"body": CIRCLE}},
    "fxemoji": {"foxgrin": {"body": '<path fill="#f28222" d="M0 0h4v8H0z"/>', "width": 4, "height": 8}},
    "streamline-emojis": {
        "fox-1": {"body": CIRCLE + SHADOW},
        "fox-2": {"body": CIRCLE},
        "man-firefighter-1": {"body": CIRCLE},
        "man-firefighter-2": {"body": CIRCLE},
    },
    "flat-color-icons": {"businessman": {"body": CIRCLE}, "up-down": {"body": CIRCLE}},
}
TWEMOJI_CODES = {"1f98a": "fox-face", "1f3dc": "desert-scene", "1f44b": "waving-hand"}


@pytest.fixture
def art_folder(tmp_path: Path) -> Path:
    """A folder like after `npm install`, with ten emoji, four renderings and a few icons of each family."""
    modules = tmp_path / "node_modules"
    rendered = modules / "@lobehub/fluent-emoji-3d/assets"
    flat = modules / "@iconify-json/fluent-emoji-flat"
    names = modules / "emoji-datasource-google"
    for folder in (rendered, flat, names):
        folder.mkdir(parents=True)
    (names / "emoji.json").write_text(json.dumps(EMOJI), "utf-8")
    (flat / "chars.json").write_text(json.dumps(ICONS), "utf-8")
    icons = {
        "fox": {"body": '<circle cx="16" cy="16" r="12" fill="#f28222"/>'},
        "hammer-and-pick": {"body": '<path fill="#94969c" d="M2 8h28v16H2z"/>'},
        "pizza": {"body": '<path fill="#f8d02e" d="M16 2l12 26H4z"/>'},
    }
    (flat / "icons.json").write_text(json.dumps({"width": 32, "icons": icons}), "utf-8")
    for code, colour, box in RENDERED:
        picture = Image.new("RGBA", (64, 64))
        ImageDraw.Draw(picture).ellipse(box, (*colour, 255))
        data = io.BytesIO()
        picture.save(data, "WEBP", lossless=True)
        (rendered / f"{code}.webp").write_bytes(data.getvalue())
    for name, drawn in FAMILY_ICONS.items():
        folder = modules / "@iconify-json" / name
        folder.mkdir()
        (folder / "icons.json").write_text(json.dumps({"width": 32, "height": 32, "icons": drawn}), "utf-8")
        (folder / "chars.json").write_text(json.dumps(TWEMOJI_CODES if name == "twemoji" else {}), "utf-8")
    return tmp_path
