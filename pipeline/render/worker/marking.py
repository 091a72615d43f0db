"""How a worker marks the pictures that it delivers."""

from __future__ import annotations

from dataclasses import dataclass

from brandpress.pipeline.deliver.record import Record
from brandpress.pipeline.deliver.xmp import Metadata, metadata_of
from brandpress.pipeline.plan.variant import Variant


@dataclass(frozen=True, slots=True)
class Marking:
    """campaign: its name. metadata: what the files say, in place of what their records say; None except where a picture
    is made again."""

    campaign: str = ""
    metadata: Metadata | None = None

    def metadata_of(self, record: Record, variant: Variant) -> Metadata:
        """Returns what the XMP packet of a variant's picture says."""
        return self.metadata or metadata_of(record, self.campaign, variant.sku)
