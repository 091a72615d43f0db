"""A sample: one delivered picture with all that a measure may compare it with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from PIL import Image


@dataclass(frozen=True)
class ReferencePicture:
    """A reference picture, RGB or RGBA, and the SHA-256 of its file."""

    picture: Image.Image = field(repr=False)
    sha256: str


@dataclass(frozen=True)
class Subject:
    """A character or product that a picture should show, with its references. role: `product` or `character`."""

    role: str
    name: str
    references: tuple[ReferencePicture, ...]

    @property
    def label(self) -> str:
        """The subject as scores name it: `product:mug`."""
        return f"{self.role}:{self.name}"


@dataclass(frozen=True)
class Sample:
    """A picture (RGB), its prompt, the subjects that it should show, and the brand's palette, name -> `#rrggbb`.

    file_sha256: of the picture's file, for caching.
    """

    picture: Image.Image = field(repr=False)
    prompt: str = ""
    subjects: tuple[Subject, ...] = ()
    palette: Mapping[str, str] = field(default_factory=dict)
    file_sha256: str = ""
