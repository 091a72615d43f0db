"""Random facts of compositions."""

from __future__ import annotations

import json
import random
from collections import Counter

import pytest

from brandpress.model.nano.world.art import Artwork
from brandpress.model.nano.world.facts import (
    FOUR_SLOTS,
    SLOTS,
    random_facts,
    random_items,
    random_look,
    random_plan,
    random_slots,
)
from brandpress.model.nano.world.grades import GRADES
from brandpress.model.nano.world.library import Library
from brandpress.model.nano.world.products import Product, is_held_out
from brandpress.model.nano.world.things import Thing


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
            elif isinstance(subject, Thing):
                names.append(subject.noun)
            else:
                assert isinstance(subject, Artwork)
                assert subject.noun in nouns
                names.append(subject.noun)
        assert len(names) == len(set(names))


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_slots_are_unique_and_ordered_from_left_to_right(count: int) -> None:
    rng = random.Random(6)
    for _ in range(100):
        slots = random_slots(rng, count)
        assert len(slots) == count
        assert list(slots) == sorted(set(slots), key=(FOUR_SLOTS if count == 4 else SLOTS).index)


def test_most_compositions_have_two_items_and_about_half_have_a_look(library: Library) -> None:
    rng = random.Random(6)
    counts = Counter(len(random_items(rng, library)) for _ in range(1000))
    assert set(counts) == {1, 2, 3, 4}
    assert counts[2] > counts[1] > counts[3] > counts[4]
    looks = Counter(random_look(rng) for _ in range(2000))
    assert set(looks) == set(GRADES)
    assert 0.5 < looks["none"] / 2000 < 0.6


def test_the_categories_of_items_have_their_shares(library: Library) -> None:
    rng = random.Random(6)
    rows = [item for _ in range(500) for item in random_facts(rng, library)["items"]]
    counts = Counter(item["category"] for item in rows)
    shares = {"thing": 0.25, "product": 0.3, "character": 0.27, "object": 0.18}
    assert {name: counts[name] / len(rows) for name in shares} == pytest.approx(shares, abs=0.06)
    assert {item["colour"] for item in rows if item["category"] == "thing"} == {None}
    items = [item for _ in range(50) for item in random_items(rng, library, things=False)]
    assert not any(isinstance(item.subject, Thing) for item in items)


def test_plans_are_mostly_rows_of_normal_items_and_never_crowded() -> None:
    rng = random.Random(6)
    pairs = [random_plan(rng, 2) for _ in range(2000)]
    arrangements = Counter(plan.arrangement for plan in pairs)
    assert 0.87 < arrangements["row"] / len(pairs) < 0.93
    assert 0.03 < arrangements["stack"] / len(pairs) < 0.07
    assert 0.7 < sum(set(plan.scales) == {"normal"} for plan in pairs) / len(pairs) < 0.82
    assert 0.09 < sum(plan.banner is not None for plan in pairs) / len(pairs) < 0.15
    for plan in (*pairs, *(random_plan(rng, count) for count in (1, 3, 4) for _ in range(300))):
        big = [scale for scale in plan.scales if scale in ("large", "huge")]
        small = [scale for scale in plan.scales if scale in ("tiny", "small")]
        assert len(plan.scales) == len(plan.slots)
        assert not big or len(plan.scales) == 1 or (len(plan.scales) == 2 and small)
        assert not (plan.banner and ("huge" in plan.scales or plan.arrangement == "stack"))
