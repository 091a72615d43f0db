"""The file that was probably meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from brandpress.pipeline.spec.similar_path import similar_path


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("mugs.png", "'mug.png'"),
        ("./mugs.png", "'./mug.png'"),
        ("../brand/mugs.png", "'../brand/mug.png'"),
        ("/brand/mugs.png", "'/brand/mug.png'"),
        ("/mugs.png", "'/mug.png'"),
    ],
)
def test_the_path_is_written_as_the_wrong_one(written: str, meant: str, tmp_path: Path) -> None:
    for name in ("mug.png", "koala.png"):
        (tmp_path / name).touch()
    assert similar_path(written, tmp_path / "mugs.png") == meant


@pytest.mark.parametrize("path", ["mug.png", "quilt.webp", "none/mugs.png", "a\0b/mug.png"])
def test_there_is_none(path: str, tmp_path: Path) -> None:
    (tmp_path / "mug.png").touch()
    assert similar_path(path, tmp_path / path) == ""
