"""Random facts of compositions."""

from __future__ import annotations

import json
import random
from collections import Counter

import pytest

from brandpress.model.nano.world.art import Artwork
from brandpress.model.nano.world.facts import SLOTS, random_facts, random_items, random_look, random_slots
from brandpress.model.nano.world.grades import GRADES
from brandpress.model.nano.world.library import Library
from brandpress.model.nano.world.products import Product, is_held_out


def test_facts_depend_on_the_seed_only_and_survive_json(library: Library) -> None:
    one, other = random_facts(random.Random(9), library), random_facts(random.Random(9), library)
    assert one == other == json.loads(json.dumps(one))


@pytest.mark.parametrize("held_out", [False, True])
def test_items_are_all_from_one_split_and_have_different_nouns(library: Library, held_out: bool) -> None:
    rng = random.Random(6)
    nouns = {work.noun for work in (library.held_out if held_out else library.seen)}
    for _ in range(300):
        names: list[str] = []
        for item in random_items(rng, library, held_out=held_out, count=3):
            subject = item.subject
            if isinstance(subject, Product):
                assert is_held_out(subject.nouns[0], subject.pattern) == held_out
                assert item.hue_shift == 0
                names += set(subject.nouns)
            else:
                assert isinstance(subject, Artwork)
                assert subject.noun in nouns
                names.append(subject.noun)
        assert len(names) == len(set(names))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_slots_are_unique_and_ordered_from_left_to_right(count: int) -> None:
    rng = random.Random(6)
    for _ in range(100):
        slots = random_slots(rng, count)
        assert len(slots) == count
        assert list(slots) == sorted(set(slots), key=SLOTS.index)


def test_most_compositions_have_two_items_and_about_half_have_a_look(library: Library) -> None:
    rng = random.Random(6)
    counts = Counter(len(random_items(rng, library)) for _ in range(1000))
    assert set(counts) == {1, 2, 3}
    assert counts[2] > counts[1] > counts[3]
    looks = Counter(random_look(rng) for _ in range(2000))
    assert set(looks) == set(GRADES)
    assert 0.5 < looks["none"] / 2000 < 0.6
