"""File systems that ignore case, for tests: a real exFAT on a loop file where that can be mounted, and a stand-in."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from brandpress.pipeline.store.folding import FOLDS_ALL
from brandpress.pipeline.store.protocol import ObjectStat
from brandpress.pipeline.store.wrapper import StoreWrapper


def exfat_can_be_mounted() -> bool:
    """Whether `exfat_folder` works: needs root, /dev/fuse, and Debian's packages `exfat-fuse` and `exfatprogs`."""
    tools = [shutil.which(name) for name in ("mkfs.exfat", "mount.exfat-fuse", "losetup", "umount")]
    if None in tools or os.geteuid() != 0 or not Path("/dev/fuse").exists():
        return False
    try:
        with TemporaryDirectory() as folder, exfat_folder(Path(folder)):
            return True
    except subprocess.CalledProcessError:
        return False


@contextmanager
def exfat_folder(folder: Path) -> Iterator[Path]:
    """Mounts an exFAT file system, which ignores case, while the block runs."""
    image, point = folder / "exfat.image", folder / "exfat"
    with image.open("wb") as file:
        file.truncate(16 << 20)
    point.mkdir()
    _run("mkfs.exfat", image)
    with ExitStack() as stack:
        device = _run("losetup", "--find", "--show", image)
        stack.callback(_run, "losetup", "--detach", device)
        _run("mount.exfat-fuse", device, point)
        stack.callback(_run, "umount", point)
        yield point


def _run(*command: str | Path) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


class FoldingStore(StoreWrapper):
    """A stand-in for a store on such a file system, for machines that can't mount one.

    The first spelling of a key is kept and listed; later ones reach the same object.
    """

    def create(self, key: str, data: bytes, content_type: str) -> bool:
        return super().create(self._stored(key), data, content_type)

    def read(self, key: str) -> bytes | None:
        return super().read(self._stored(key))

    def replace(self, key: str, data: bytes, content_type: str, expected: str | None) -> bool:
        return super().replace(self._stored(key), data, content_type, expected)

    def stat(self, key: str) -> ObjectStat | None:
        return super().stat(self._stored(key))

    def delete(self, key: str) -> None:
        super().delete(self._stored(key))

    def canonical(self, key: str) -> str:
        return FOLDS_ALL.canonical(key)

    def _stored(self, key: str) -> str:
        canonical = self.canonical(key)
        return next((stored for stored in self.list("") if self.canonical(stored) == canonical), key)
