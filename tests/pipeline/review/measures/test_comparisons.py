"""The measures that compare a campaign's pictures: duplicates and spread."""

from __future__ import annotations

import numpy as np
from PIL import Image

from brandpress.pipeline.review.measures.duplicate import Duplicate, Fingerprint
from brandpress.pipeline.review.measures.spread import LEAST_PICTURES, Spread
from brandpress.pipeline.review.sample import Sample
from brandpress.pipeline.review.score import Score
from brandpress.pipeline.review.vector import packed, unpacked
from tests.pipeline.review.pictures import REFERENCES


def fingerprints(pictures: dict[str, Image.Image]) -> dict[str, list[Score]]:
    """Returns the hashes of pictures."""
    return {name: list(Fingerprint()(Sample(picture))) for name, picture in pictures.items()}


def test_near_duplicates_are_near() -> None:
    pictures = {name: Image.open(REFERENCES / f"{name}.png").convert("RGB") for name in ("fox", "mug", "robot")}
    pictures["fox again"] = pictures["fox"].resize((200, 200)).crop((2, 2, 198, 198))
    result = {name: scores[0] for name, scores in Duplicate()(fingerprints(pictures)).items()}
    assert result["fox"].evidence == {"nearest": "fox again"}
    assert result["fox again"].evidence == {"nearest": "fox"}
    assert result["fox"].value == result["fox again"].value
    assert (result["fox"].value or 0) <= 8 < min(result["mug"].value or 0, result["robot"].value or 0)


def test_equal_hashes_differ_in_no_bit_and_inverted_ones_in_all() -> None:
    def hashed(text: str) -> list[Score]:
        return [Score("fingerprint", None, evidence={"hash": text})]

    scores = {"a": hashed("00" * 8), "b": hashed("00" * 8), "c": hashed("ff" * 8)}
    result = Duplicate()(scores)
    assert [(result[name][0].value) for name in "abc"] == [0, 0, 64]


def test_a_single_picture_has_no_duplicate() -> None:
    assert Duplicate()(fingerprints({"a": Image.new("RGB", (64, 64))}))["a"][0].value is None
    assert Duplicate()({}) == {}


def vectors(count: int, odd: int | None = None) -> dict[str, list[Score]]:
    """Returns scores of `count` pictures whose features are alike, except those of picture number `odd`."""
    rng = np.random.default_rng(3)
    result = {}
    for number in range(count):
        vector = (np.eye(8)[1 if number == odd else 0] + rng.normal(0, 0.05, 8)).astype(np.float32)
        result[f"{number}"] = [Score("subject", 0.9, "product:mug", evidence={"vector": packed(vector)})]
    return result


def test_an_outlier_has_the_largest_spread() -> None:
    result = Spread()(vectors(12, odd=4))
    values = {name: scores[0].value or 0.0 for name, scores in result.items()}
    assert max(values, key=lambda name: values[name]) == "4"
    assert values["4"] > 10
    assert all(abs(value) < 6 for name, value in values.items() if name != "4")


def test_too_few_pictures_have_no_spread() -> None:
    result = Spread()(vectors(LEAST_PICTURES - 1))
    assert {scores[0].reason for scores in result.values()} == {"7 pictures of the subject; 8 are needed"}


def test_pictures_without_features_have_no_spread() -> None:
    assert Spread()({"a": [Score("subject", None, reason="no references")]}) == {}


def test_vectors_survive_packing() -> None:
    vector = np.array([0.5, -1.25, 3], np.float32)
    assert unpacked(packed(vector)).tolist() == vector.tolist()
