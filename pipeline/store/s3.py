"""A store in a bucket, by S3's conditional writes.

Configured as every AWS tool is: the usual credential chain, profiles, AWS_ENDPOINT_URL_S3. Checksums are our own
SHA-256 on the way in and none by default, which every compatible store takes: botocore's default, CRC trailers, breaks
several.
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

from brandpress.pipeline.store.protocol import OWN_PREFIX, Entry, ObjectStat, Scope, StoreError, check_key

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

PROBE = f"{OWN_PREFIX}probe"
NO_CONDITIONS = (
    "this store has no conditional writes: nothing is lost, but two runs of one campaign at the same time may "
    "overwrite each other's files; run one at a time"
)
CONFLICT_TRIES = 12
POOL = 16
ATTEMPTS = 5
_DAMAGED = ("BadDigest", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch", "IncompleteBody")
_Answer = TypeVar("_Answer")


def open_bucket(location: str) -> S3Store:
    """Returns the store at `location`, a bucket or `bucket/prefix`."""
    bucket, _, prefix = location.partition("/")
    return S3Store(bucket, prefix)


class S3Store:
    """Etags are the server's. One put per object, never multipart, so that a picture has one checksum."""

    def __init__(self, bucket: str, prefix: str) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._client_or_none: S3Client | None = None
        self._connecting = Lock()
        self._conditional = True

    @property
    def uri(self) -> str:
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    def create(self, key: str, data: bytes, content_type: str) -> bool:
        return self._put(check_key(key), data, content_type, {"IfNoneMatch": "*"})

    def replace(self, key: str, data: bytes, content_type: str, expected: str | None) -> bool:
        condition = {"IfNoneMatch": "*"} if expected is None else {"IfMatch": expected}
        return self._put(check_key(key), data, content_type, condition)

    def read(self, key: str) -> bytes | None:
        return self._found(
            key,
            lambda: self._client.get_object(Bucket=self._bucket, Key=self._prefix + check_key(key))["Body"].read(),
        )

    def stat(self, key: str) -> ObjectStat | None:
        head = self._found(
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
                if not key.rpartition("/")[2].startswith(OWN_PREFIX) and not key.endswith("/"):
                    yield Entry(key, item["Size"], item["LastModified"].timestamp())

    def leftovers(self, prefix: str) -> Iterator[Entry]:
        """None: a put is whole or isn't there, and the probe is meant to stay."""
        return iter(())

    def delete(self, key: str) -> None:
        check_key(key)
        self._call(key, lambda: self._client.delete_object(Bucket=self._bucket, Key=self._prefix + key))

    def check(self) -> tuple[str, ...]:
        """Creates one tiny object twice. It stays, so that the next check writes nothing."""
        first = self._put(PROBE, b"", "application/octet-stream", {"IfNoneMatch": "*"})
        if self._conditional and first and self._put(PROBE, b"", "application/octet-stream", {"IfNoneMatch": "*"}):
            self._conditional = False
        return () if self._conditional else (f"{self.uri}: {NO_CONDITIONS}",)

    @property
    def _client(self) -> S3Client:
        with self._connecting:  # a client may be used by many threads, but not made by many at once
            if self._client_or_none is None:
                self._client_or_none = self._call("", _connect)
            return self._client_or_none

    def _put(self, key: str, data: bytes, content_type: str, condition: dict[str, str]) -> bool:
        """True: written. False: the condition doesn't hold. Races that S3 asks to try again (409) are tried again."""
        checksum = base64.b64encode(hashlib.sha256(data).digest()).decode()
        for attempt in range(CONFLICT_TRIES):
            extra = dict(condition) if self._conditional else {}
            if not extra and not self._holds(key, condition):
                return False
            arguments: Any = {"ContentType": content_type, "ChecksumSHA256": checksum, **extra}
            put = partial(self._client.put_object, Bucket=self._bucket, Key=self._prefix + key, Body=data, **arguments)
            try:
                self._call(key, put)
                return True
            except _RefusedError as refused:
                if refused.status == 501 and self._conditional:
                    self._conditional = False
                elif refused.status == 412 or (refused.status == 404 and "IfMatch" in condition):
                    return False
                elif refused.status == 409:
                    time.sleep(min(2.0, 0.05 * 2**attempt) * random.uniform(0.5, 1.0))  # noqa: S311
                else:
                    raise
        raise StoreError(f"{self.uri}/{key}: another writer held the key through {CONFLICT_TRIES} attempts; run again")

    def _holds(self, key: str, condition: dict[str, str]) -> bool:
        """The condition asked by hand, for stores that refuse conditional writes; racy, and `check` says so."""
        standing = self.stat(key) if key != PROBE else None
        return (None if standing is None else standing.etag) == condition.get("IfMatch")

    def _found(self, key: str, call: Callable[[], _Answer]) -> _Answer | None:
        try:
            return self._call(key, call)
        except _RefusedError as refused:
            if refused.status == 404 and refused.code != "NoSuchBucket":
                return None
            raise

    def _call(self, key: str, call: Callable[[], _Answer]) -> _Answer:
        where = f"{self.uri}/{key}" if key else self.uri
        try:
            return call()
        except ClientError as error:
            status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
            code = str(error.response.get("Error", {}).get("Code", "unknown"))
            raise _RefusedError(_refusal(where, self._bucket, code, status), status, code) from None
        except (BotoCoreError, HTTPError, OSError) as error:
            passing = isinstance(error, (ConnectionError, HTTPClientError, HTTPError, OSError))
            raise StoreError(f"{where}: {_failure(error)}", "moment" if passing else "store") from None


class _RefusedError(StoreError):
    """The server's answer was an error."""

    def __init__(self, message: str, status: int, code: str) -> None:
        super().__init__(message, _scope(status, code))
        self.status = status
        self.code = code


def _connect() -> S3Client:
    config = Config(
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        retries={"mode": "standard", "max_attempts": ATTEMPTS},
        max_pool_connections=POOL,
        connect_timeout=10,
        read_timeout=60,
    )
    return boto3.Session().client("s3", config=config)


def _scope(status: int, code: str) -> Scope:
    """Whom an error answer concerns; the server's own faults pass, and so does data that was changed on its way."""
    if status in (401, 403) or code in ("NoSuchBucket", "InvalidBucketName"):
        return "store"
    return "key" if 400 <= status < 500 and status not in (408, 409, 425, 429) and code not in _DAMAGED else "moment"


def _refusal(where: str, bucket: str, code: str, status: int) -> str:
    """A sentence for an error answer. Only its code is shown: messages of servers may repeat credentials."""
    match code:
        case "NoSuchBucket":
            return f"{where}: there is no bucket {bucket!r}; create it or correct the delivery address"
        case "InvalidBucketName":
            return f"{where}: {bucket!r} is no name for a bucket (3 to 63 lower-case letters, digits, `-`, `.`)"
        case "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidToken" | "ExpiredToken" | "AuthFailure":
            return f"{where}: the credentials are refused ({code}); check AWS_PROFILE or the AWS_… variables"
        case "AccessDenied" | "403" | "AllAccessDisabled":
            return f"{where}: access denied; needed are s3:GetObject, PutObject, ListBucket (clean: DeleteObject)"
        case "RequestTimeTooSkewed":
            return f"{where}: this machine's clock is wrong, the server refuses its signatures ({code}); set the clock"
        case _ if code in _DAMAGED:
            return f"{where}: the data was changed on its way to the server ({code}); run again"
        case _:
            return f"{where}: the server answers {code} (HTTP {status})"


def _failure(error: Exception) -> str:
    """A sentence for an error before any answer; no text of the error itself, which may hold addresses with secrets."""
    match error:
        case NoCredentialsError() | PartialCredentialsError():
            return "no credentials found; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        case ProfileNotFound():
            return "the profile in AWS_PROFILE isn't in the AWS configuration; correct it or configure it"
        case ConnectionError() | HTTPClientError() | HTTPError() | OSError():
            return f"the endpoint can't be reached ({type(error).__name__}); check the network and AWS_ENDPOINT_URL_S3"
        case _:
            return f"can't be used ({type(error).__name__}); check the AWS configuration"
