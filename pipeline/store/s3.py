"""A store in an S3 bucket, with conditional writes.

Configured like every AWS tool: the usual credential chain, profiles, AWS_ENDPOINT_URL_S3. Uploads carry our own SHA-256
and botocore's default checksums are off: its CRC trailers break several S3-compatible servers.
"""

from __future__ import annotations

import base64
import hashlib
import random
import time
from collections.abc import Callable, Iterator
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
)
from urllib3.exceptions import HTTPError

from brandpress.pipeline.store.protocol import INTERNAL_PREFIX, Entry, ObjectStat, Scope, StoreError, check_key

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

PROBE_KEY = f"{INTERNAL_PREFIX}probe"
NO_CONDITIONAL_WRITES = (
    "this store has no conditional writes: nothing is lost, but two simultaneous runs of one campaign can overwrite "
    "each other's files; start them one after the other"
)
MAX_CONFLICT_ATTEMPTS = 12
CONNECTIONS = 16
MAX_REQUEST_ATTEMPTS = 5
_CORRUPTED_UPLOAD = ("BadDigest", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch", "IncompleteBody")
_Response = TypeVar("_Response")


def open_bucket(location: str) -> S3Store:
    """Returns the store at `location`, a bucket or `bucket/prefix`."""
    bucket, _, prefix = location.partition("/")
    return S3Store(bucket, prefix)


class S3Store:
    """Etags are the server's. Objects are never uploaded in parts, so that each has the SHA-256 of its content."""

    def __init__(self, bucket: str, prefix: str) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._client_or_none: S3Client | None = None
        self._client_lock = Lock()
        self._conditional_writes = True

    @property
    def uri(self) -> str:
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    def create(self, key: str, data: bytes, content_type: str) -> bool:
        return self._put(check_key(key), data, content_type, {"IfNoneMatch": "*"})

    def replace(self, key: str, data: bytes, content_type: str, expected: str | None) -> bool:
        condition = {"IfNoneMatch": "*"} if expected is None else {"IfMatch": expected}
        return self._put(check_key(key), data, content_type, condition)

    def read(self, key: str) -> bytes | None:
        return self._call_or_none(
            key,
            lambda: self._client.get_object(Bucket=self._bucket, Key=self._prefix + check_key(key))["Body"].read(),
        )

    def stat(self, key: str) -> ObjectStat | None:
        head = self._call_or_none(
            key,
            lambda: self._client.head_object(
                Bucket=self._bucket, Key=self._prefix + check_key(key), ChecksumMode="ENABLED"
            ),
        )
        if head is None:
            return None
        checksum = head.get("ChecksumSHA256")
        digest = base64.b64decode(checksum).hex() if checksum and "-" not in checksum else None
        return ObjectStat(etag=head["ETag"], bytes=head["ContentLength"], sha256=digest)

    def list(self, prefix: str) -> Iterator[str]:
        return (entry.key for entry in self.entries(prefix))

    def entries(self, prefix: str) -> Iterator[Entry]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix + prefix
        )
        iterator = iter(pages)
        while page := self._call("", lambda: next(iterator, None)):
            for item in page.get("Contents", ()):
                key = item["Key"].removeprefix(self._prefix)
                if not key.rpartition("/")[2].startswith(INTERNAL_PREFIX) and not key.endswith("/"):
                    yield Entry(key, item["Size"], item["LastModified"].timestamp())

    def leftovers(self, prefix: str) -> Iterator[Entry]:
        """Returns nothing: uploads are atomic, and the probe is meant to stay."""
        return iter(())

    def delete(self, key: str) -> None:
        check_key(key)
        self._call(key, lambda: self._client.delete_object(Bucket=self._bucket, Key=self._prefix + key))

    def canonical(self, key: str) -> str:
        """Returns `key`: S3 distinguishes all keys."""
        return key

    def check(self) -> tuple[str, ...]:
        """Tests conditional writes by creating an empty object twice. It's kept: later checks write nothing."""
        create = partial(self._put, PROBE_KEY, b"", "application/octet-stream", {"IfNoneMatch": "*"})
        if create() and self._conditional_writes and create():
            self._conditional_writes = False
        return () if self._conditional_writes else (f"{self.uri}: {NO_CONDITIONAL_WRITES}",)

    @property
    def _client(self) -> S3Client:
        with self._client_lock:  # clients are thread-safe, creating them isn't
            if self._client_or_none is None:
                self._client_or_none = self._call("", _connect)
            return self._client_or_none

    def _put(self, key: str, data: bytes, content_type: str, condition: dict[str, str]) -> bool:
        """Returns True if written, False if the condition doesn't hold. Conflicts (409) are retried, as S3 demands."""
        checksum = base64.b64encode(hashlib.sha256(data).digest()).decode()
        for attempt in range(MAX_CONFLICT_ATTEMPTS):
            headers = dict(condition) if self._conditional_writes else {}
            if not headers and not self._condition_holds(key, condition):
                return False
            arguments: Any = {"ContentType": content_type, "ChecksumSHA256": checksum, **headers}
            put = partial(self._client.put_object, Bucket=self._bucket, Key=self._prefix + key, Body=data, **arguments)
            try:
                self._call(key, put)
                return True
            except _ResponseError as error:
                if error.status == 501 and self._conditional_writes:
                    self._conditional_writes = False
                elif error.status == 412 or (error.status == 404 and "IfMatch" in condition):
                    return False
                elif error.status == 409:
                    time.sleep(min(2.0, 0.05 * 2**attempt) * random.uniform(0.5, 1.0))  # noqa: S311
                else:
                    raise
        raise StoreError(f"{self.uri}/{key}: write conflict in each of {MAX_CONFLICT_ATTEMPTS} attempts; run again")

    def _condition_holds(self, key: str, condition: dict[str, str]) -> bool:
        """Checks the condition client-side, for servers without conditional writes. Racy: `check` warns about it."""
        stat = self.stat(key) if key != PROBE_KEY else None
        return (None if stat is None else stat.etag) == condition.get("IfMatch")

    def _call_or_none(self, key: str, call: Callable[[], _Response]) -> _Response | None:
        try:
            return self._call(key, call)
        except _ResponseError as error:
            if error.status == 404 and error.code != "NoSuchBucket":
                return None
            raise

    def _call(self, key: str, call: Callable[[], _Response]) -> _Response:
        where = f"{self.uri}/{key}" if key else self.uri
        try:
            return call()
        except ClientError as error:
            status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
            code = str(error.response.get("Error", {}).get("Code", "unknown"))
            raise _ResponseError(_response_message(where, self._bucket, code, status), status, code) from None
        except (BotoCoreError, HTTPError, OSError) as error:
            transient = isinstance(error, (ConnectionError, HTTPClientError, HTTPError, OSError))
            raise StoreError(f"{where}: {_request_message(error)}", "transient" if transient else "store") from None


class _ResponseError(StoreError):
    """The server responded with an error."""

    def __init__(self, message: str, status: int, code: str) -> None:
        super().__init__(message, _scope(status, code))
        self.status = status
        self.code = code


def _connect() -> S3Client:
    config = Config(
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        retries={"mode": "standard", "max_attempts": MAX_REQUEST_ATTEMPTS},
        max_pool_connections=CONNECTIONS,
        connect_timeout=10,
        read_timeout=60,
    )
    return boto3.Session().client("s3", config=config)


def _scope(status: int, code: str) -> Scope:
    """Returns the scope of an error response. Server errors and uploads corrupted in transit are transient."""
    if status in (401, 403) or code in ("NoSuchBucket", "InvalidBucketName"):
        return "store"
    if code in _CORRUPTED_UPLOAD or status in (408, 409, 425, 429):
        return "transient"
    return "key" if 400 <= status < 500 else "transient"


def _response_message(where: str, bucket: str, code: str, status: int) -> str:
    """Describes an error response by its code alone: a server's message can contain credentials."""
    match code:
        case "NoSuchBucket":
            return f"{where}: the bucket {bucket!r} doesn't exist; create it or correct the delivery address"
        case "InvalidBucketName":
            return f"{where}: {bucket!r} isn't a valid bucket name (3 to 63 lowercase letters, digits, `-`, `.`)"
        case "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidToken" | "ExpiredToken" | "AuthFailure":
            return f"{where}: the server rejected the credentials ({code}); check AWS_PROFILE or the AWS_… variables"
        case "AccessDenied" | "403" | "AllAccessDisabled":
            return f"{where}: access denied; allow s3:GetObject, PutObject and ListBucket (and DeleteObject to clean)"
        case "RequestTimeTooSkewed":
            return f"{where}: this machine's clock is wrong, so the server rejects signatures ({code}); set the clock"
        case _ if code in _CORRUPTED_UPLOAD:
            return f"{where}: the data was corrupted on the way to the server ({code}); run again"
        case _:
            return f"{where}: the server responded with {code} (HTTP {status})"


def _request_message(error: Exception) -> str:
    """Describes an error without a response, but not in its own words: they can contain addresses with secrets."""
    match error:
        case NoCredentialsError() | PartialCredentialsError():
            return "no credentials found; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        case ProfileNotFound():
            return "the profile in AWS_PROFILE isn't in the AWS configuration; correct it or configure it"
        case ConnectionError() | HTTPClientError() | HTTPError() | OSError():
            return f"can't reach the endpoint ({type(error).__name__}); check the network and AWS_ENDPOINT_URL_S3"
        case _:
            return f"can't use the store ({type(error).__name__}); check the AWS configuration"
