"""The artwork split into what training shows and what is held out, grouped for drawing by lot."""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from model.nano.world.art import SPRITE_SIZE, Artwork, load_art
from model.nano.world.nouns import held_out_nouns

# how often a character is of these groups; faces look alike, so animals come first
_GROUPS = (("animal", 62), ("person", 12), ("", 26))


@dataclass(frozen=True, slots=True)
class Library:
    """All artwork, split by noun: a held-out noun is held out in both styles."""

    seen: tuple[Artwork, ...]
    held_out: tuple[Artwork, ...]
    _pools: dict[tuple[bool, str, str], tuple[tuple[Artwork, ...], ...]]

    @classmethod
    def of(cls, works: Iterable[Artwork]) -> "Library":
        """Splits the artwork and groups it."""
        works = tuple(works)
        out = held_out_nouns({work.noun for work in works})
        pools: dict[tuple[bool, str, str], dict[str, list[Artwork]]] = {}
        for work in works:
            group = "" if work.category == "object" else next(g for g, _ in _GROUPS if work.group.startswith(g))
            pools.setdefault((work.noun in out, work.category, group), {}).setdefault(work.noun, []).append(work)
        return cls(
            seen=tuple(work for work in works if work.noun not in out),
            held_out=tuple(work for work in works if work.noun in out),
            _pools={key: tuple(tuple(styles) for styles in nouns.values()) for key, nouns in pools.items()},
        )

    @classmethod
    def load(cls, art: Path, cache: Path | None = None, size: int = SPRITE_SIZE) -> "Library":
        """Loads the artwork (see `load_art`) and splits it."""
        return cls.of(load_art(art, cache, size))

    def pick(self, rng: random.Random, category: str, held_out: bool = False) -> Artwork:
        """Draws one artwork of a category: first the group, then the noun, then the style.

        Raises ValueError where the library has none of this category.
        """
        if category == "object":
            groups = [("", 1)]
        else:
            groups = [(group, weight) for group, weight in _GROUPS if (held_out, category, group) in self._pools]
        if not groups or (held_out, category, groups[0][0]) not in self._pools:
            raise ValueError(f"category: the library has no {category!r} with held_out={held_out}; add such artwork")
        group = rng.choices([g for g, _ in groups], [w for _, w in groups])[0]
        return rng.choice(rng.choice(self._pools[(held_out, category, group)]))
