"""The strangers' pictures."""

from __future__ import annotations

from collections import Counter

from PIL import Image

from brandpress.model.nano.evaluation.brand import NOTO_CHARACTERS, NOTO_PRODUCTS, Brand, Subject
from brandpress.model.nano.evaluation.shots import crowd_shots, pair_shots, sign_shots


def test_pairs_are_different_and_name_their_subjects_in_order() -> None:
    blank = Image.new("RGBA", (8, 8))
    products, characters = (
        tuple(Subject(*row[1:], blank) for row in rows) for rows in (NOTO_PRODUCTS, NOTO_CHARACTERS)
    )
    brand = Brand(products, characters)
    shots = pair_shots(brand)
    assert len({shot.prompt for shot in shots}) == 48
    assert len({(shot.references[0].noun, shot.references[1].noun) for shot in shots}) == 48
    for shot in shots:
        assert {one.noun for one in shot.subjects} == {one.noun for one in shot.references}
        assert shot.references[0] in brand.products and shot.references[1] in brand.characters
        text = shot.prompt.lower()
        assert not {"left", "right"} & set(text.replace("right beside", "beside").split())
        places = [
            min(text.find(word.lower()) for word in (one.noun, one.name) if word.lower() in text)
            for one in shot.subjects
            if one.noun in text or one.name.lower() in text
        ]
        assert places == sorted(places)
    assert set(Counter(shot.references[0].noun for shot in shots).values()) == {6}
    assert set(Counter(shot.scene for shot in shots).values()) == {8}


def test_crowds_have_three_and_four_different_subjects(brand: Brand) -> None:
    shots = crowd_shots(brand, 4)
    assert [len(shot.subjects) for shot in shots] == [3, 4, 3, 4]
    assert shots[0].prompt == "Our mug, sneaker and Finn the fox, in an autumn forest"
    assert [one.noun for one in shots[0].references] == ["mug", "sneaker", "fox"]
    assert shots[1].prompt.startswith("Family shot of the bottle, the mug, Fritz the frog and Rob the robot")


def test_signs_ask_for_words_next_to_one_subject(brand: Brand) -> None:
    first, second, third, _ = sign_shots(brand, 4)
    assert (first.prompt, first.sign) == ('The mug in an autumn forest, with a banner that says "SALE"', "SALE")
    assert second.prompt == "Poster for our shop: bottle under a sign reading NEW, in a cosy café"
    assert [one.noun for one in third.references] == ["robot"]
