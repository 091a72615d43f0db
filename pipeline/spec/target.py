"""Where a job delivers: all that commands need that neither plan nor render."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from brandpress.pipeline.spec.brand import BrandFields
from brandpress.pipeline.spec.campaign import Job
from brandpress.pipeline.spec.campaign_file import check_brand_path
from brandpress.pipeline.spec.delivery import DeliveryAddress, parse_address, parse_deliver_option
from brandpress.pipeline.spec.document import Document
from brandpress.pipeline.spec.problem import SpecError, WrongValueError
from brandpress.pipeline.spec.provenance import SigningIdentity, signing_identity
from brandpress.pipeline.spec.regular_file import open_regular
from brandpress.pipeline.spec.schema import validate_fields
from brandpress.pipeline.spec.yaml_file import MAX_BYTES, read_yaml

_CAMPAIGN_LINE = re.compile(r"""^campaign: *["']?([a-z0-9]+(?:-[a-z0-9]+)*)["']?[ \r]*(?:#.*)?$""", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Target:
    """The name of a campaign, the names of its brand and of its job's file, and where it's delivered. aliases: whether
    its pictures have aliases."""

    campaign: str
    brand: str
    job: str
    address: DeliveryAddress
    aliases: bool = False


def load_target(path: Path, deliver: str | None = None) -> Target:
    """Reads `campaign:`, `brand:` and `deliver:` of a job's file, and the brand's name.

    Neither references nor the model need to exist.

    deliver: an address that overrides the file's. Raises SpecError and RequestError.
    """
    document = read_yaml(path)
    name, written = _field(document, Job, "name"), _field(document, Job, "brand")
    brand_path = document.path.parent / written
    try:
        check_brand_path(written, brand_path, document.path.parent)
    except WrongValueError as error:
        raise SpecError([document.wrong(("brand",), error)]) from None
    brand = _field(read_yaml(brand_path), BrandFields, "name")
    aliases = bool(validate_fields(document, Job).values.get("aliases"))
    return Target(name, brand, path.name, _address(document, deliver), aliases)


def campaign_name(path: Path) -> str | None:
    """Returns the `campaign:` of a job's file, which may have mistakes elsewhere, also in its YAML; None if that can't
    be read."""
    try:
        return _field(read_yaml(path), Job, "name")
    except SpecError:
        try:
            with open_regular(path) as file:
                text = file.read(MAX_BYTES).decode("utf-8", errors="replace")
        except OSError:
            return None
        line = _CAMPAIGN_LINE.search(text)
        return line[1] if line else None


def load_signing(path: Path) -> SigningIdentity | None:
    """Returns who signs a job's pictures, and whom it trusts; None if nobody signs them. Needs neither references nor
    the model nor the key. Raises SpecError if `provenance:` is wrong, or its certificates can't be read."""
    document = read_yaml(path)
    job = validate_fields(document, Job)
    if "provenance" not in job.values:
        raise SpecError(document.all_problems(job.problems))
    field = job.values["provenance"]
    identity = None if field is None else signing_identity(document, field)
    if isinstance(identity, list):
        raise SpecError(identity)
    return identity


def _address(document: Document, deliver: str | None) -> DeliveryAddress:
    if deliver is not None:
        return parse_deliver_option(deliver)
    try:
        return parse_address(_field(document, Job, "deliver"), document.path.parent)
    except WrongValueError as error:
        raise SpecError([document.wrong(("deliver",), error, "deliver: ")]) from None


def _field(document: Document, model: type[BaseModel], attribute: str) -> str:
    """Returns a text field of a file. Raises SpecError with all problems of the file if it's missing or wrong."""
    valid = validate_fields(document, model)
    if attribute not in valid.values:
        raise SpecError(document.all_problems(list(valid.problems)))
    value: str = valid.values[attribute]
    return value
