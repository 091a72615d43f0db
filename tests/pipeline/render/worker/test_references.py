"""References are opened once, ahead if asked, and kept within bounds."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from PIL import Image

from brandpress.model.errors import RequestError
from brandpress.model.request import MAX_REFERENCES
from brandpress.pipeline.plan.variant import Reference
from brandpress.pipeline.render.worker.references import References

SIDE = 64
BYTES = 3 * SIDE * SIDE


@pytest.fixture
def files(tmp_path: Path) -> list[Reference]:
    """Thirty pictures of one size."""
    made = []
    for number in range(30):
        file = tmp_path / f"{number}.png"
        Image.new("RGB", (SIDE, SIDE), (number, 0, 0)).save(file)
        made.append(Reference("product", file.name, file, sha256(file.read_bytes()).hexdigest()))
    return made


@pytest.fixture
def references() -> Iterator[References]:
    """Room for as many as a set may have, and two more."""
    opened = References(kept=(MAX_REFERENCES + 2) * BYTES)
    yield opened
    opened.close()


def test_a_picture_is_opened_once(files: list[Reference], references: References) -> None:
    first = references.open(files[7])
    assert first.getpixel((0, 0)) == (7, 0, 0)
    files[7].path.unlink()
    assert references.open(files[7]) is first


def test_what_is_asked_for_ahead_is_there_when_it_is_needed(files: list[Reference], references: References) -> None:
    references.ahead(files[:2])
    first, second = map(references.open, files[:2])
    for reference in files[:2]:
        reference.path.unlink()
    references.ahead(files[:2])
    assert [references.open(reference) for reference in files[:2]] == [first, second]


def test_the_least_recently_used_goes_first(files: list[Reference], references: References) -> None:
    opened = {reference: references.open(reference) for reference in files[: MAX_REFERENCES + 2]}
    references.ahead(files[:1])
    references.open(files[MAX_REFERENCES + 2])
    assert references.open(files[0]) is opened[files[0]]
    assert references.open(files[1]) is not opened[files[1]]


def test_a_whole_set_stays_however_large(files: list[Reference]) -> None:
    references = References(kept=BYTES)
    opened = [references.open(reference) for reference in files[:MAX_REFERENCES]]
    again = [references.open(reference) for reference in files[:MAX_REFERENCES]]
    assert all(one is other for one, other in zip(opened, again, strict=True))
    references.open(files[MAX_REFERENCES])
    assert references.open(files[0]) is not opened[0]
    references.close()


def test_a_picture_that_could_not_be_opened_is_tried_anew(files: list[Reference], references: References) -> None:
    data = files[0].path.read_bytes()
    files[0].path.unlink()
    references.ahead(files[:2])
    with pytest.raises(RequestError, match="can't be read"):
        references.open(files[0])
    assert references.open(files[1]).size == (SIDE, SIDE)
    files[0].path.write_bytes(data)
    assert references.open(files[0]).size == (SIDE, SIDE)


def test_what_is_larger_than_all_room_is_opened(files: list[Reference]) -> None:
    references = References(kept=0)
    assert [references.open(reference).getpixel((0, 0)) for reference in files] == [(n, 0, 0) for n in range(30)]
    references.close()
