"""Opens the store at a delivery address."""

from __future__ import annotations

from pkgutil import resolve_name
from urllib.parse import unquote, urlsplit

from brandpress.pipeline.spec.delivery import FOLDER, SCHEMES, DeliveryAddress, explain, parse_address, working_folder
from brandpress.pipeline.spec.problem import WrongValueError
from brandpress.pipeline.store.protocol import Store, StoreAddressError
from brandpress.pipeline.store.s3_dialect import S3Dialect


def open_store(address: DeliveryAddress | str, dialect: S3Dialect | None = None) -> Store:
    """Returns the store at `address`. Touches neither disk nor network. Raises StoreAddressError.

    dialect: `dialect` of the same store in another process, so that this one needn't find it out.
    """
    address = to_address(address)
    opener = resolve_name(SCHEMES[address.scheme].opener)
    store: Store = opener(address.location) if dialect is None else opener(address.location, dialect)
    return store


def to_address(address: DeliveryAddress | str) -> DeliveryAddress:
    """Returns `address`, parsed if it's text: `s3://bucket/prefix`, a folder, or `file:///folder`.

    A relative folder starts from the working directory. Raises StoreAddressError.
    """
    if isinstance(address, DeliveryAddress):
        return address
    url = urlsplit(address)
    if url.scheme == "file" and url.netloc in ("", "localhost") and url.path:
        return DeliveryAddress(FOLDER, unquote(url.path))
    try:
        return parse_address(address, working_folder(address))
    except WrongValueError as error:
        raise StoreAddressError(f"delivery address: {explain(error)}") from None
