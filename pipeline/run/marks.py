"""Which marks of provenance pictures still have, after they went through an image service or a content network."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields

from brandpress.model.errors import BrandpressError
from brandpress.pipeline.deliver.content_credentials import has_credentials
from brandpress.pipeline.deliver.manifest import Published, read_fields
from brandpress.pipeline.deliver.read_xmp import read_metadata
from brandpress.pipeline.deliver.trust import Trust, trust_of
from brandpress.pipeline.deliver.xmp import Metadata
from brandpress.pipeline.plan.variant import KEY_DIGITS
from brandpress.pipeline.run.picture_places import ForbiddenPictureError, PicturePlace
from brandpress.pipeline.store.protocol import Store

ALWAYS = ("source", "tool", "render_key")
"""Marks that every delivered picture has had since the first version."""

CREDENTIALS = "credentials"
_DIGITS = re.compile(rf"\.([0-9a-f]{{{KEY_DIGITS}}})[.-]")


@dataclass(frozen=True, slots=True)
class PictureMarks:
    """The marks of one picture.

    metadata: what its XMP packet says; None if there is none. trust: what its content credentials are worth; None if
    that isn't checked. has_credentials: whether there are any. lost: the marks that it was delivered with and that it
    lacks now. delivered_as: the asset that it was delivered as, if the campaign has it. error: why it can't be read.
    forbidden_host: the host that this machine doesn't allow, if that is why.
    """

    uri: str
    metadata: Metadata | None = None
    trust: Trust | None = None
    has_credentials: bool = False
    lost: tuple[str, ...] = ()
    delivered_as: str | None = None
    error: str | None = None
    forbidden_host: str | None = None

    @property
    def complete(self) -> bool:
        """Whether the picture has all its marks."""
        return not self.lost and self.error is None


class DeliveredMarks:
    """The marks with which a campaign's pictures were delivered, as its store has them."""

    def __init__(self, folder: Store, latest: Published) -> None:
        self._folder = folder
        self._assets: dict[str, str] = {}
        for record in read_fields(folder, latest, "variants"):
            if record["asset"] is not None:
                self._assets.setdefault(record["render_key"][:KEY_DIGITS], record["asset"])

    def asset_of(self, uri: str, metadata: Metadata | None) -> str | None:
        """Returns the asset that a picture was delivered as: by the render key in its metadata, or in its name."""
        digits = _DIGITS.search(uri.rpartition("/")[2])
        keys = (metadata.render_key[:KEY_DIGITS] if metadata else "", digits[1] if digits else "")
        return next((self._assets[key] for key in keys if key in self._assets), None)

    def of(self, asset: str) -> tuple[str, ...]:
        """Returns the names of an asset's marks."""
        data = self._folder.read(asset)
        return ALWAYS if data is None else marks_in(data)


def marks_in(data: bytes) -> tuple[str, ...]:
    """Returns the names of the marks in a file."""
    return _names(read_metadata(data), signed=has_credentials(data))


def check_marks(
    places: Iterable[PicturePlace], delivered: DeliveredMarks | None, anchors: bytes | None
) -> Iterator[PictureMarks]:
    """Yields the marks of each picture. delivered: of the campaign that made them; None: only those that every picture
    has are expected. anchors: PEM of the certificates that are trusted; None: whether credentials exist is all that is
    checked. Raises StoreError and CredentialsError."""
    for place in places:
        try:
            data = place.read()
        except BrandpressError as error:
            host = error.host if isinstance(error, ForbiddenPictureError) else None
            yield PictureMarks(place.uri, error=str(error), forbidden_host=host)
            continue
        metadata, signed = read_metadata(data), has_credentials(data)
        asset = None if delivered is None else delivered.asset_of(place.uri, metadata)
        expected = ALWAYS if delivered is None or asset is None else delivered.of(asset)
        trust = None if anchors is None else trust_of(data, anchors)
        present = set(_names(metadata, signed=signed))
        if trust not in (None, Trust.TRUSTED):
            present.discard(CREDENTIALS)
        yield PictureMarks(
            uri=place.uri,
            metadata=metadata,
            trust=trust,
            has_credentials=signed,
            lost=tuple(name for name in expected if name not in present),
            delivered_as=asset,
        )


def present_marks(metadata: Metadata | None) -> Mapping[str, str]:
    """Returns the marks of an XMP packet by name."""
    values = {} if metadata is None else {one.name: getattr(metadata, one.name) for one in fields(metadata)}
    return {name: value for name, value in values.items() if value}


def _names(metadata: Metadata | None, *, signed: bool) -> tuple[str, ...]:
    return (*present_marks(metadata), *((CREDENTIALS,) if signed else ()))
