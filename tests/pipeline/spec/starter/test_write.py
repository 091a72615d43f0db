"""The starter is valid, and nothing is overwritten by mistake."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from brandpress.model.errors import RequestError
from brandpress.pipeline.plan.validate import validate
from brandpress.pipeline.spec.starter.drawings import chick, mug
from brandpress.pipeline.spec.starter.write import JOB, starter_files, write_starter

BRAND = "specs/acme/brand.yaml"


def test_the_starter_is_valid(tmp_path: Path) -> None:
    starter = write_starter(tmp_path / "new" / "project")
    files = {path.relative_to(starter.folder).as_posix() for path in starter.folder.rglob("*") if path.is_file()}
    assert set(starter.written) == files
    assert validate(starter.folder / BRAND).problems == ()
    validation = validate(starter.folder / JOB)
    assert (validation.problems, validation.warnings, validation.variants) == ((), (), 4)
    assert (starter.folder / ".gitignore").read_text() == "out/\n"


@pytest.mark.parametrize("draw", [mug, chick])
def test_the_drawings_are_small_pictures_on_white(draw: object) -> None:
    assert callable(draw)
    content = draw()
    assert len(content) < 20_000
    picture = Image.open(BytesIO(content))
    assert (picture.format, picture.mode, picture.size) == ("PNG", "RGB", (256, 256))
    colours = picture.getcolors(256 * 256)
    assert colours is not None
    assert picture.getpixel((0, 0)) == (255, 255, 255)
    assert len(colours) > 20
    assert content == draw()


def test_existing_files_are_kept_unless_forced(tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / JOB).write_text("mine")
    with pytest.raises(RequestError, match=r"already has 'jobs/first\.yaml'; nothing was written\. .*--force"):
        write_starter(tmp_path)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["first.yaml"]
    assert (tmp_path / JOB).read_text() == "mine"
    write_starter(tmp_path, force=True)
    assert (tmp_path / JOB).read_bytes() == starter_files()[JOB]


@pytest.mark.parametrize(("content", "lacks"), [("*.pyc\n", True), ("out/\n", False), ("*.pyc\n/out/\n", False)])
def test_an_existing_gitignore_is_kept(tmp_path: Path, content: str, lacks: bool) -> None:
    (tmp_path / ".gitignore").write_text(content)
    for force in (False, True):
        starter = write_starter(tmp_path, force=force)
        assert (starter.kept_gitignore, ".gitignore" in starter.written) == (lacks, False)
        assert (tmp_path / ".gitignore").read_text() == content


def test_a_folder_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RequestError, match="can't write here: "):
        write_starter(tmp_path / "file")


def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / JOB).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RequestError, match="already has"):
        write_starter(tmp_path)
    assert not (tmp_path / "elsewhere").exists()
