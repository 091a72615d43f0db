"""The folder of a private Ray is short, private, and gone afterwards."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from brandpress.pipeline.render.driver.ray_folder import MAX_PATH, ray_folder


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A short folder that TMPDIR names."""
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    with tempfile.TemporaryDirectory(prefix="r", dir="/tmp") as folder:
        monkeypatch.setenv("TMPDIR", folder)
        yield Path(folder)


def test_the_folder_is_for_this_user_only_and_is_deleted(chosen: Path) -> None:
    with ray_folder() as folder:
        closed = Path(folder).parent
        assert closed.parent == chosen
        assert closed.stat().st_mode & 0o777 == 0o700
        Path(folder).mkdir()
        (Path(folder) / "socket").touch()
    assert list(chosen.iterdir()) == []


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o500])
def test_a_folder_in_which_others_could_replace_it_is_not_used(chosen: Path, mode: int) -> None:
    chosen.chmod(mode)
    if mode == 0o500:  # only the superuser could write
        chosen.rmdir()
    with ray_folder() as folder:
        assert Path(folder).parents[1] == Path("/tmp")
    if not chosen.exists():
        chosen.mkdir()
    chosen.chmod(0o700)


def test_a_sticky_folder_is_used(chosen: Path) -> None:
    chosen.chmod(0o1777)
    with ray_folder() as folder:
        assert Path(folder).parents[1] == chosen


def test_a_long_path_is_not_used(chosen: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sockets' names have at most 107 characters."""
    long = chosen / ("a" * MAX_PATH)
    long.mkdir()
    monkeypatch.setenv("TMPDIR", str(long))
    with ray_folder() as folder:
        assert len(folder) <= MAX_PATH
