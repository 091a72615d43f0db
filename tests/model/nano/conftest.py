"""A small library of synthetic artwork, and models with random weights, for tests without real artwork or training."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from transformers import AutoTokenizer

from brandpress.model.nano.architecture import AUTOENCODER
from brandpress.model.nano.data.dataset import PixelShard, draw_shard
from brandpress.model.nano.tokenizer import train_tokenizer
from brandpress.model.nano.training.export import export
from brandpress.model.nano.training.nano import Nano
from brandpress.model.nano.world.art import SPRITE_SIZE, Artwork, cache_name, row_of
from brandpress.model.nano.world.art_archive import pack
from brandpress.model.nano.world.captions import caption_corpus
from brandpress.model.nano.world.colours import COLOURS, dominant_colour
from brandpress.model.nano.world.library import Library
from brandpress.model.network.autoencoder import Autoencoder
from tests.model.layout import randomise

ANIMALS = ("fox", "panda", "koala", "lion", "frog", "horse", "zebra", "camel", "otter", "bison", "parrot", "whale")
PEOPLE = ("artist", "farmer", "astronaut", "firefighter", "elf", "wizard")
FACES = ("robot", "ghost", "alien", "clown")
OBJECTS = ("pizza", "apple", "guitar", "rocket", "anchor", "trophy", "drum", "kite", "sailboat", "tent", "globe",
           "hammer", "compass", "candy", "lemon", "cactus", "umbrella", "telescope")  # fmt: skip


def sprite(noun: str, style: str) -> np.ndarray:
    """Returns a figure that is unique to its noun and style: RGBA, trimmed, 120 pixels on its longer side."""
    rng = random.Random(f"{noun} {style}")
    width, height = rng.choice(((120, 120), (120, 84), (90, 120), (120, 104)))
    picture = Image.new("RGBA", (width, height))
    draw = ImageDraw.Draw(picture)
    body = rng.choice(tuple(COLOURS.values()))
    draw.rounded_rectangle((0, 0, width - 1, height - 1), rng.randint(8, 40), (*body, 255))
    for _ in range(3):
        x, y, r = rng.uniform(0.2, 0.8) * width, rng.uniform(0.2, 0.8) * height, rng.uniform(5, 16)
        draw.ellipse((x - r, y - r, x + r, y + r), (*rng.choice(tuple(COLOURS.values())), 255))
    return np.asarray(picture)


def artwork(noun: str, category: str, group: str, style: str) -> Artwork:
    """Returns an artwork with a synthetic figure."""
    pixels = sprite(noun, style)
    return Artwork(noun, category, group, style, dominant_colour(Image.fromarray(pixels)), pixels)


@pytest.fixture(scope="session")
def library() -> Library:
    """Forty nouns in two styles; eight nouns are held out."""
    rows = [(noun, "character", "animal-mammal") for noun in ANIMALS]
    rows += [(noun, "character", "person-role") for noun in PEOPLE]
    rows += [(noun, "character", "face-costume") for noun in FACES]
    rows += [(noun, "object", "tool") for noun in OBJECTS]
    return Library.of(artwork(*row, style) for row in rows for style in ("3d", "flat"))


@pytest.fixture(scope="session")
def art(library: Library, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the library's artwork as a packed file."""
    folder = tmp_path_factory.mktemp("art")
    works = [*library.seen, *library.held_out]
    path = folder / "cache" / f"{cache_name(SPRITE_SIZE)}.zip"
    pack(path, [row_of(work) for work in works], [work.pixels for work in works])
    return folder


@pytest.fixture(scope="session")
def pixel_shard(library: Library, tokenizer: Any) -> PixelShard:
    """Twelve compositions of 128 x 128 pixels with four captions each."""
    return draw_shard(library, 12, (128, 128), (64, 64), "drawn", tokenizer, 4)


@pytest.fixture(scope="session")
def tokenizer(library: Library, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A tokenizer trained on captions, saved and loaded like in training."""
    folder = tmp_path_factory.mktemp("tokenizer")
    train_tokenizer(caption_corpus(random.Random(0), library, 800)).save_pretrained(folder)
    return AutoTokenizer.from_pretrained(folder)


@pytest.fixture(scope="session")
def random_nano(tokenizer: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An exported, untrained nano. All weights are random, so that every component affects the pictures."""
    torch.manual_seed(0)
    model, autoencoder = Nano(), Autoencoder(AUTOENCODER)
    randomise(model.transformer)
    randomise(autoencoder, spread=0.5)
    folder = tmp_path_factory.mktemp("random-nano")
    export(model, autoencoder, tokenizer, folder)
    return folder
