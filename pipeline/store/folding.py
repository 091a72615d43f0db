"""Finds out whether a file system folds names: ignores their case, or how their accents are encoded in Unicode.

APFS, HFS+, NTFS, exFAT and SMB shares do at least one of both; so do folders of ext4 with the flag `casefold`.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Set
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Folding:
    """case: names that differ only in case are the same. unicode: names with equal normal forms (NFC, NFD) are."""

    case: bool
    unicode: bool

    def canonical(self, key: str) -> str:
        """Returns a text that is equal for all keys that are the same name. Not a name to open.

        Uses Unicode's full case folding. Some file systems fold less, none more: keys that they take for the same are
        equal here, too.
        """
        if self.case:
            key = unicodedata.normalize("NFD", key).casefold()
        return unicodedata.normalize("NFC", key) if self.case or self.unicode else key


FOLDS_ALL = Folding(case=True, unicode=True)
"""The safe assumption where nothing is known: at worst, two different files are taken for the same."""


def folding_of(folder: Path) -> Folding | None:
    """Returns how `folder` folds names, judged by the names in it, without writing. None if it has no suitable name.

    What the names don't show is assumed to fold. Raises OSError if the folder can't be read.
    """
    names = {entry.name for entry in os.scandir(folder)}
    case = _folds(folder, names, str.swapcase, str.isascii)
    if case is None:
        return None
    unicode = _folds(folder, names, _other_form, lambda name: not name.isascii())
    return Folding(case, unicode=unicode is not False)


def probe_folding(folder: Path, probe: str) -> Folding:
    """Returns how `folder` folds names, by creating the empty file `probe` and looking for its other spellings.

    probe: a name with letters. It's deleted again. Raises OSError if the folder can't be written.
    """
    case = _folds_new(folder, probe, probe.swapcase())
    try:
        unicode = _folds_new(
            folder, f"{probe}\N{LATIN SMALL LETTER E WITH ACUTE}", f"{probe}e\N{COMBINING ACUTE ACCENT}"
        )
    except (OSError, UnicodeError):  # the file system can't store this name
        unicode = True
    return Folding(case, unicode)


def _folds_new(folder: Path, name: str, other: str) -> bool:
    path = folder / name
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666))
    try:
        return os.path.lexists(folder / other)
    finally:
        path.unlink()


def _folds(folder: Path, names: Set[str], respell: Callable[[str], str], suits: Callable[[str], bool]) -> bool | None:
    """Returns whether one of `names` exists under another spelling that isn't listed; None if no name suits."""
    for name in sorted(names):
        other = respell(name)
        if suits(name) and other not in names:
            return os.path.lexists(folder / other)
    return None


def _other_form(name: str) -> str:
    """Returns the NFD form of `name`, or its NFC form if it's in NFD."""
    decomposed = unicodedata.normalize("NFD", name)
    return unicodedata.normalize("NFC", name) if decomposed == name else decomposed
