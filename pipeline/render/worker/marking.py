"""How a worker marks the pictures that it delivers: their metadata and, if the job asks for it, a signature and a
thumbnail."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from PIL import Image

from brandpress.model.errors import RequestError
from brandpress.pipeline.deliver.content_credentials import media_type_of
from brandpress.pipeline.deliver.encode import encode
from brandpress.pipeline.deliver.record import Record
from brandpress.pipeline.deliver.sign import Ingredient, Signer
from brandpress.pipeline.deliver.thumbnails import write_thumbnail
from brandpress.pipeline.deliver.xmp import Metadata, metadata_of
from brandpress.pipeline.plan.variant import Reference, Variant
from brandpress.pipeline.render.worker.reference import read_unchanged
from brandpress.pipeline.store.protocol import Store, StoreError


@dataclass(frozen=True, slots=True)
class Marking:
    """campaign: its name. signer: who signs the files; None if nobody does. thumbnails: the longer side of thumbnails;
    None for none. metadata: what the files say, in place of what their records say; None except where a picture is made
    again."""

    campaign: str = ""
    signer: Signer | None = None
    thumbnails: int | None = None
    metadata: Metadata | None = None

    def marked(self, picture: Image.Image, variant: Variant, record: Record) -> tuple[bytes, Record]:
        """Returns the file of a variant's picture with its marks, and the record with its signer.

        Raises RequestError if a reference was replaced since it was read, and CredentialsError.
        """
        data = encode(picture, variant.format, self._metadata_of(record))
        if self.signer is None:
            return data, record
        record = record.model_copy(update={"signed_by": self.signer.identity.fingerprint})
        return self.signer.sign(data, record, map(_ingredient, variant.references)), record

    def write_thumbnail(self, folder: Store, picture: Image.Image, variant: Variant, record: Record) -> None:
        """Writes the thumbnail of a delivered picture, if the job has thumbnails. What can't be written is left to the
        driver, which adds the missing ones."""
        if self.thumbnails is not None and record.asset is not None:
            with suppress(StoreError):
                write_thumbnail(folder, record.asset, picture, self.thumbnails, self._metadata_of(record))

    def _metadata_of(self, record: Record) -> Metadata:
        return self.metadata or metadata_of(record, self.campaign)


def _ingredient(reference: Reference) -> Ingredient:
    data = read_unchanged(reference.path, reference.sha256)
    if data is None:
        raise RequestError(f"the {reference.role} reference {reference.file} has changed since it was read; run again")
    return Ingredient(reference.path.name, media_type_of(data) or "application/octet-stream", data)
