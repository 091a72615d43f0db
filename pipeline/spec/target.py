"""Where a job delivers: all that commands need that neither plan nor render."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from brandpress.pipeline.spec.brand import BrandFields
from brandpress.pipeline.spec.campaign import Job
from brandpress.pipeline.spec.campaign_file import check_brand_path
from brandpress.pipeline.spec.delivery import DeliveryAddress, parse_address, parse_deliver_option
from brandpress.pipeline.spec.document import Document
from brandpress.pipeline.spec.problem import Problem, SpecError, WrongValueError
from brandpress.pipeline.spec.provenance import SigningIdentity, signing_identity
from brandpress.pipeline.spec.regular_file import open_regular
from brandpress.pipeline.spec.schema import ValidFields, validate_fields
from brandpress.pipeline.spec.spec_kind import not_a_brand, not_a_job
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
    document = _checked(read_yaml(path), not_a_job)
    job = validate_fields(document, Job)
    name, written = (_text(document, job, attribute) for attribute in ("name", "brand"))
    brand_path = document.path.parent / written
    try:
        check_brand_path(written, brand_path, document.path.parent)
    except WrongValueError as error:
        raise SpecError([document.wrong(("brand",), error)]) from None
    spec = _checked(read_yaml(brand_path), not_a_brand)
    brand = _text(spec, validate_fields(spec, BrandFields), "name")
    if deliver is not None:
        address = parse_deliver_option(deliver)
    else:
        address = _address(document, _text(document, job, "deliver"))
    return Target(name, brand, path.name, address, bool(job.values.get("aliases")))


def campaign_name(path: Path) -> str | None:
    """Returns the `campaign:` of a job's file, which may have mistakes elsewhere, also in its YAML; None if that can't
    be read."""
    try:
        document = read_yaml(path)
        return _text(document, validate_fields(document, Job), "name")
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
    document = _checked(read_yaml(path), not_a_job)
    job = validate_fields(document, Job)
    if "provenance" not in job.values:
        raise SpecError(document.all_problems(job.problems))
    field = job.values["provenance"]
    identity = None if field is None else signing_identity(document, field)
    if isinstance(identity, list):
        raise SpecError(identity)
    return identity


def _address(document: Document, written: str) -> DeliveryAddress:
    try:
        return parse_address(written, document.path.parent)
    except WrongValueError as error:
        raise SpecError([document.wrong(("deliver",), error, "deliver: ")]) from None


def _checked(document: Document, wrong_kind: Callable[[Document], Problem | None]) -> Document:
    """Returns the document. Raises SpecError, which quotes nothing of it, if it's of the wrong kind."""
    problem = wrong_kind(document)
    if problem is not None:
        raise SpecError([problem])
    return document


def _text(document: Document, valid: ValidFields, attribute: str) -> str:
    """Returns a text field of a file. Raises SpecError with all problems of the file if it's missing or wrong."""
    if attribute not in valid.values:
        raise SpecError(document.all_problems(valid.problems))
    value: str = valid.values[attribute]
    return value
