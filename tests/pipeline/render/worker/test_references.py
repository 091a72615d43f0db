"""References are opened once, ahead on request, and evicted beyond the limit."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from PIL import Image

from brandpress.model.errors import RequestError
from brandpress.model.request import MAX_REFERENCES
from brandpress.pipeline.plan.variant import Reference
from brandpress.pipeline.render.worker.references import References
from brandpress.pipeline.spec.decode import DECODING_BYTES
from tests.pipeline.spec.pictures import png
from tests.processes import ROOT

SIDE = 64
BYTES = 3 * SIDE * SIDE


@pytest.fixture
def files(tmp_path: Path) -> list[Reference]:
    """Thirty pictures of one size."""
    references = []
    for number in range(30):
        file = tmp_path / f"{number}.png"
        Image.new("RGB", (SIDE, SIDE), (number, 0, 0)).save(file)
        references.append(Reference("product", file.name, file, sha256(file.read_bytes()).hexdigest()))
    return references


@pytest.fixture
def references() -> Iterator[References]:
    """Has room for two more than a set can have."""
    opened = References(cache_bytes=(MAX_REFERENCES + 2) * BYTES)
    yield opened
    opened.close()


def test_a_picture_is_opened_once(files: list[Reference], references: References) -> None:
    first = references.open(files[7])
    assert first.getpixel((0, 0)) == (7, 0, 0)
    files[7].path.unlink()
    assert references.open(files[7]) is first


def test_pictures_opened_ahead_are_reused(files: list[Reference], references: References) -> None:
    references.open_ahead(files[:2])
    first, second = map(references.open, files[:2])
    for reference in files[:2]:
        reference.path.unlink()
    references.open_ahead(files[:2])
    assert [references.open(reference) for reference in files[:2]] == [first, second]


def test_the_least_recently_used_picture_is_evicted_first(files: list[Reference], references: References) -> None:
    opened = {reference: references.open(reference) for reference in files[: MAX_REFERENCES + 2]}
    references.open_ahead(files[:1])
    references.open(files[MAX_REFERENCES + 2])
    assert references.open(files[0]) is opened[files[0]]
    assert references.open(files[1]) is not opened[files[1]]


def test_a_whole_set_stays_whatever_its_size(files: list[Reference]) -> None:
    references = References(cache_bytes=BYTES)
    opened = [references.open(reference) for reference in files[:MAX_REFERENCES]]
    again = [references.open(reference) for reference in files[:MAX_REFERENCES]]
    assert all(one is other for one, other in zip(opened, again, strict=True))
    references.open(files[MAX_REFERENCES])
    assert references.open(files[0]) is not opened[0]
    references.close()


def test_a_picture_that_could_not_be_opened_is_retried(files: list[Reference], references: References) -> None:
    data = files[0].path.read_bytes()
    files[0].path.unlink()
    references.open_ahead(files[:2])
    with pytest.raises(RequestError, match="can't be read"):
        references.open(files[0])
    assert references.open(files[1]).size == (SIDE, SIDE)
    files[0].path.write_bytes(data)
    assert references.open(files[0]).size == (SIDE, SIDE)


def test_pictures_larger_than_the_limit_are_opened(files: list[Reference]) -> None:
    references = References(cache_bytes=0)
    assert [references.open(reference).getpixel((0, 0)) for reference in files] == [(n, 0, 0) for n in range(30)]
    references.close()


MEASURE = """
import hashlib, pathlib, sys
from brandpress.pipeline.plan.variant import Reference
from brandpress.pipeline.render.worker.references import References
from tests.bench.peak import peak_bytes as peak
files = [pathlib.Path(name) for name in sys.argv[1:]]
digests = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
references = [Reference("product", file.name, file, digest) for file, digest in zip(files, digests)]
before, cache = peak(), References()
cache.open_ahead(references)
opened = [cache.open(reference) for reference in references]
print(len(opened), max(picture.width * picture.height for picture in opened), peak() - before)
cache.close()
"""


@pytest.mark.slow
def test_ten_pictures_of_100_megapixels_stay_within_the_budget(tmp_path: Path) -> None:
    for number in range(MAX_REFERENCES):
        (tmp_path / f"{number}.png").write_bytes(png(10_000, 10_000, 8, 2, bytes((number, 2, 3)) * 10_000))
    files = sorted(tmp_path.iterdir())
    done = subprocess.run([sys.executable, "-c", MEASURE, *files], capture_output=True, text=True, check=True, cwd=ROOT)
    opened, largest, peak = map(int, done.stdout.split())
    assert (opened, largest <= 2024 * 2024) == (MAX_REFERENCES, True)
    assert peak <= DECODING_BYTES + 4 * MAX_REFERENCES * 2024 * 2024
