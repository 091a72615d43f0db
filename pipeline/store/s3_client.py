"""The connection to an S3 server: a boto3 client, errors translated, and what is known about the server."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar, cast

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError
from botocore.loaders import Loader, create_loader
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError

from brandpress.pipeline.store.protocol import Scope, StoreError
from brandpress.pipeline.store.s3_dialect import S3Dialect
from brandpress.pipeline.store.s3_errors import (
    EXPIRED,
    PATH_STYLE_REFUSED,
    REFRESH_ERRORS,
    SET_REGION,
    ResponseError,
    expected_region,
    is_transient,
    request_message,
)

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

CONNECTIONS = 16
_MAX_ADAPTATIONS = 3
_Response = TypeVar("_Response")


class S3Connection:
    """Makes requests, adapts to how the server wants to be addressed, and remembers its dialect. Thread-safe.

    A failed renewal of credentials is transient after a successful request, and permanent before it.
    """

    def __init__(self, bucket: str, dialect: S3Dialect, max_attempts: Callable[[], int]) -> None:
        """max_attempts: returns how often botocore tries a request; called when a client is created."""
        self._bucket = bucket
        self._dialect = dialect
        self._max_attempts = max_attempts
        self._client_or_none: S3Client | None = None
        self._lock = Lock()
        self._renewable = False
        self._succeeded = False

    @property
    def dialect(self) -> S3Dialect:
        """What is known about the server by now."""
        return self._dialect

    def call(self, full_key: str, call: Callable[[S3Client], _Response]) -> _Response:
        """Makes a request, again if the server wants another region or another form of address."""
        where = f"s3://{self._bucket}/{full_key}".rstrip("/")
        for attempt in range(_MAX_ADAPTATIONS + 1):
            try:
                client = self._client()
                response = call(client)
                self._succeeded = True
                return response
            except ClientError as error:
                refusal = ResponseError(where, self._bucket, error)
                self._succeeded |= refusal.status in (304, 404, 412)  # the credentials were accepted
                if refusal.code in EXPIRED and self._succeeded and self._renewable:
                    refusal.scope = "transient"
                if attempt == _MAX_ADAPTATIONS or not self._adapt(client, refusal):
                    raise refusal from None
            except RecursionError:  # botocore asks for the region until then if the answer is always 301
                raise StoreError(f"{where}: the server redirects every request; {SET_REGION}", "store") from None
            except (BotoCoreError, HTTPError, OSError, ResponseParserError, RuntimeError) as error:
                if isinstance(error, RuntimeError) and "expired" not in str(error):
                    raise
                renewal = self._succeeded and isinstance(error, (*REFRESH_ERRORS, RuntimeError))
                scope: Scope = "transient" if renewal or is_transient(error) else "store"
                raise StoreError(f"{where}: {request_message(error)}", scope) from None
        raise AssertionError("the last attempt returns or raises")

    def _client(self) -> S3Client:
        with self._lock:  # clients are thread-safe, creating them isn't
            if self._client_or_none is None:
                self._client_or_none, self._renewable = connect(self._dialect, self._max_attempts(), self._note_region)
            return self._client_or_none

    def _adapt(self, client: S3Client, refusal: ResponseError) -> bool:
        """Learns from an error response how the server wants to be addressed. Returns whether a retry makes sense."""
        with self._lock:
            if self._client_or_none is not client:  # another thread has just learned it
                return refusal.region is not None or refusal.code in PATH_STYLE_REFUSED
            if refusal.code in PATH_STYLE_REFUSED and not self._dialect.virtual_hosted:
                self._dialect = replace(self._dialect, virtual_hosted=True)
            elif refusal.region not in (None, client.meta.region_name):
                self._dialect = replace(self._dialect, region=refusal.region)
            else:
                return False
            self._client_or_none = None
            return True

    def _note_region(self, region: str) -> None:
        with self._lock:
            self._dialect = replace(self._dialect, region=region)

    def degrade(self, dialect: S3Dialect) -> None:
        """Remembers what the server can't do."""
        with self._lock:
            known = self._dialect
            self._dialect = replace(
                known,
                if_none_match=known.if_none_match and dialect.if_none_match,
                if_match=known.if_match and dialect.if_match,
                checksums=known.checksums and dialect.checksums,
            )


def connect(dialect: S3Dialect, max_attempts: int, on_region: Callable[[str], None]) -> tuple[S3Client, bool]:
    """Returns a client, and whether its credentials are renewed when they expire.

    on_region: called with the region that the server asked for, when botocore follows by itself.
    """
    core = botocore.session.get_session()
    loader = _loader(core.get_config_variable("data_path"))
    core.register_component("data_loader", loader)
    session = boto3.Session(botocore_session=core)
    loader.search_paths[:] = dict.fromkeys(loader.search_paths)  # each session adds boto3's own folder to it
    config = Config(
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        retries={"mode": "standard", "max_attempts": max_attempts},
        max_pool_connections=CONNECTIONS,
        connect_timeout=10,
        read_timeout=60,
        s3={"addressing_style": "virtual"} if dialect.virtual_hosted else None,
    )
    region = dialect.region or os.environ.get("AWS_REGION") or None  # botocore reads only AWS_DEFAULT_REGION
    client = session.client("s3", config=config, region_name=region)

    def note_region(response: tuple[Any, Mapping[str, Any]] | None = None, **arguments: Any) -> None:
        expected = expected_region(response[1]) if response else None
        if expected is not None:
            on_region(expected)

    client.meta.events.register_first("needs-retry.s3", cast(Any, note_region))
    return client, isinstance(session.get_credentials(), RefreshableCredentials)


@cache
def _loader(data_path: str | None) -> Loader:
    """Returns what reads the descriptions of AWS services, shared because it is most of a client's start."""
    return create_loader(data_path)
