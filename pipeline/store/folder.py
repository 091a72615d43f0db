"""A campaign's folder in a store: the only place that knows where campaigns are below the delivery address."""

from __future__ import annotations

from brandpress.pipeline.spec.delivery import DeliveryAddress
from brandpress.pipeline.store.address import open_store
from brandpress.pipeline.store.protocol import Store
from brandpress.pipeline.store.s3_dialect import S3Dialect
from brandpress.pipeline.store.wrapper import StoreWrapper

PREFLIGHT = "preflight/"
"""The part of a campaign's folder with a token of each run that is at work, which every worker must see."""


def campaign_folder(store: Store, campaign: str) -> Store:
    """Returns the folder of `campaign` as a store. Its keys are the ones in records and pointers."""
    return StoreWrapper(store, f"{campaign}/")


def open_campaign(address: DeliveryAddress | str, campaign: str, dialect: S3Dialect | None = None) -> Store:
    """Returns the folder of `campaign` in the store at `address`. dialect: as in `open_store`.

    Raises StoreAddressError.
    """
    return campaign_folder(open_store(address, dialect), campaign)
