"""What a worker checks on its node before it loads the model, so that nothing is rendered for nothing."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from brandpress.model.errors import BrandpressError
from brandpress.model.sampler_version import HOSTED_SAMPLER, SAMPLER
from brandpress.pipeline.plan.variant import Reference
from brandpress.pipeline.render.cause import cause_of
from brandpress.pipeline.render.worker.reference import read_unchanged
from brandpress.pipeline.store.protocol import Store, StoreError
from brandpress.pipeline.version import VERSION

VISIBLE_SECONDS = 8.0
"""How long a token may take to become visible: network file systems cache what they don't have."""

POLL_SECONDS = 0.5


class UnfitNodeError(BrandpressError):
    """A worker's node doesn't have what the run needs. The message names the node, and what to do."""


@dataclass(frozen=True, slots=True)
class Preflight:
    """What every node must have.

    token: the key in the campaign's folder at which the driver wrote `content`. version, sampler: the driver's.
    references: files that the driver can read, one of each folder.
    """

    token: str
    content: bytes
    version: str
    sampler: str
    references: tuple[Reference, ...] = ()


def sampler_version(*, hosted: bool) -> str:
    """Returns the version of the sampling code of this machine's brandpress."""
    return HOSTED_SAMPLER if hosted else SAMPLER


def node_name() -> str:
    """Returns this machine's name, for messages."""
    return socket.gethostname() or "an unnamed node"


def check_node(
    preflight: Preflight, folder: Store, *, hosted: bool, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Checks the node that this process runs on. folder: the campaign's folder, as this node sees it.

    Raises UnfitNodeError if the node has another version of brandpress, another store, or not the references.
    """
    host = node_name()
    if refusal := version_refusal(preflight, host, VERSION, sampler_version(hosted=hosted)):
        raise UnfitNodeError(refusal)
    if (reason := _token_problem(preflight, folder, sleep)) is not None:
        local = not folder.uri.startswith("s3://")
        advice = "deliver to s3://, or to a folder that all nodes share"
        advice = advice if local else "check the credentials and AWS_ENDPOINT_URL_S3 on that node"
        raise UnfitNodeError(f"worker on {host} doesn't see {folder.uri}{reason}; {advice}")
    for reference in preflight.references:
        if (reason := _reference_problem(reference)) is not None:
            raise UnfitNodeError(
                f"worker on {host} doesn't see the {reference.role} reference {reference.path} ({reason}); "
                "keep brand specs in a folder that all nodes share"
            )


def version_refusal(preflight: Preflight, host: str, version: str, sampler: str) -> str | None:
    """Returns why a node with this version of brandpress and of its sampling code can't be used; None if it can."""
    if version == preflight.version and sampler == preflight.sampler:
        return None
    theirs, ours = f"brandpress {version or 'unknown'}", f"brandpress {preflight.version}"
    if version == preflight.version:
        theirs, ours = f"{theirs} with sampler {sampler}", f"{ours} with sampler {preflight.sampler}"
    return f"worker on {host} has {theirs}, and this machine has {ours}: install the same version on all nodes"


def _token_problem(preflight: Preflight, folder: Store, sleep: Callable[[float], None]) -> str | None:
    """Why the token can't be read, in parentheses, empty if it isn't there; None if it can."""
    problem, waited = "", 0.0
    while True:
        try:
            if folder.read(preflight.token) == preflight.content:
                return None
            problem = ""
        except StoreError as error:
            problem = f" ({cause_of(error).text})"
            if error.scope != "transient":
                return problem
        if waited >= VISIBLE_SECONDS:
            return problem
        sleep(POLL_SECONDS)
        waited += POLL_SECONDS


def _reference_problem(reference: Reference) -> str | None:
    """Why a reference can't be opened or is another file; None if all is well."""
    try:
        data = read_unchanged(reference.path, reference.sha256)
    except OSError as error:
        return error.strerror or type(error).__name__
    return None if data is not None else "it's another file there"
