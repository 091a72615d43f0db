"""The artwork, split into the training set and the held-out set, and grouped for random sampling."""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from brandpress.model.errors import BrandpressError
from brandpress.model.nano.world.art import SPRITE_SIZE, Artwork, cache_name, load_art
from brandpress.model.nano.world.families import FAMILIES
from brandpress.model.nano.world.nouns import held_out_nouns

_GROUPS = (("animal", 66), ("person", 14), ("", 20))
"""Groups of characters (prefixes) and their weights. Faces look alike, so animals are most frequent."""
_STYLE_WEIGHTS = {"3d": 2}
"""Weights of styles other than 1. Renderings look most like photographs of products."""
PACKAGES = {
    "@lobehub/fluent-emoji-3d": "assets",
    "@iconify-json/fluent-emoji-flat": "icons.json",
    "emoji-datasource-google": "emoji.json",
    **{family.package: "icons.json" for family in FAMILIES},
}
"""The npm packages with the artwork, and the file or folder that is read from each."""


class ArtError(BrandpressError):
    """The artwork folder has neither the npm packages nor a packed file."""


_Styles = dict[str, list[Artwork]]
"""All artworks of one noun, by style."""


@dataclass(frozen=True, slots=True)
class Library:
    """All artwork, split by noun, so that a held-out noun is held out in all styles."""

    seen: tuple[Artwork, ...]
    held_out: tuple[Artwork, ...]
    _pools: dict[tuple[bool, str, str], tuple[_Styles, ...]]

    @classmethod
    def of(cls, works: Iterable[Artwork]) -> "Library":
        """Returns the library of these artworks."""
        works = tuple(works)
        out = held_out_nouns({work.noun for work in works})
        pools: dict[tuple[bool, str, str], dict[str, _Styles]] = {}
        for work in works:
            group = "" if work.category == "object" else next(g for g, _ in _GROUPS if work.group.startswith(g))
            styles = pools.setdefault((work.noun in out, work.category, group), {}).setdefault(work.noun, {})
            styles.setdefault(work.style, []).append(work)
        return cls(
            seen=tuple(work for work in works if work.noun not in out),
            held_out=tuple(work for work in works if work.noun in out),
            _pools={key: tuple(nouns.values()) for key, nouns in pools.items()},
        )

    @classmethod
    def load(cls, art: Path, cache: Path | None = None, size: int = SPRITE_SIZE) -> "Library":
        """Returns the library of a folder's artwork (see `load_art`). Raises ArtError if artwork is missing."""
        cache_files = [cache / f"{cache_name(size)}.{suffix}" for suffix in ("json", "zip")] if cache else []
        modules = art / "node_modules"
        missing = [name for name, part in PACKAGES.items() if not (modules / name / part).exists()]
        if missing and not any(path.is_file() for path in cache_files):
            raise ArtError(
                f"art {art}: {modules} lacks {', '.join(missing)} (the npm command is in model/nano/world/art.py), "
                f"and there is no packed artwork {cache_files[-1] if cache_files else ''}".rstrip()
            )
        try:
            return cls.of(load_art(art, cache, size))
        except (FileNotFoundError, ModuleNotFoundError) as error:
            raise ArtError(
                f'art {art}: {error}; install the complete npm packages and pip install "brandpress[train]"'
            ) from error

    def pick(self, rng: random.Random, category: str, *, held_out: bool = False) -> Artwork:
        """Returns a random artwork of a category: first the group, then the noun, then the style, then the variant.

        Raises ValueError if the library has none of this category.
        """
        if category == "object":
            groups = [("", 1)]
        else:
            groups = [(group, weight) for group, weight in _GROUPS if (held_out, category, group) in self._pools]
        if not groups or (held_out, category, groups[0][0]) not in self._pools:
            raise ValueError(f"category: the library has no {category!r} with held_out={held_out}; add such artwork")
        group = rng.choices([g for g, _ in groups], [w for _, w in groups])[0]
        styles = rng.choice(self._pools[(held_out, category, group)])
        style = rng.choices(list(styles), [_STYLE_WEIGHTS.get(style, 1) for style in styles])[0]
        return rng.choice(styles[style])
