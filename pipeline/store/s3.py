"""A store in an S3 bucket, with conditional writes.

Configured like every AWS tool: the usual credential chain, profiles, AWS_ENDPOINT_URL_S3. Uploads carry our own SHA-256
and botocore's default checksums are off: its CRC trailers break several S3-compatible servers.
"""

from __future__ import annotations

import base64
import hashlib
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from brandpress.pipeline.store.protocol import (
    INTERNAL_PREFIX,
    MAX_KEY_BYTES,
    Entry,
    ObjectStat,
    StoreAddressError,
    StoreError,
    check_key,
    check_size,
)
from brandpress.pipeline.store.s3_client import S3Connection
from brandpress.pipeline.store.s3_dialect import S3Dialect
from brandpress.pipeline.store.s3_errors import (
    ResponseError,
)

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import HeadObjectOutputTypeDef, ListObjectsV2OutputTypeDef

PROBE_KEY = f"{INTERNAL_PREFIX}probe"
NO_CONDITIONAL_WRITES = (
    "this store has no conditional writes: nothing is lost, but two simultaneous runs of one campaign can overwrite "
    "each other's files; start them one after the other"
)
IMMUTABLE = "public, max-age=31536000, immutable"
"""Cache-Control of objects that are created: they never change."""

NO_CACHE = "no-cache"
"""Cache-Control of objects that are replaced."""

MAX_CONFLICT_ATTEMPTS = 12
MAX_REQUEST_ATTEMPTS = 5
_DIGEST = "sha256"
_NO_ETAG = f'"{"0" * 32}"'
_BINARY = "application/octet-stream"
_Response = TypeVar("_Response")
_Condition = tuple[Literal["IfNoneMatch", "IfMatch"], str]


def open_bucket(location: str, dialect: S3Dialect | None = None) -> S3Store:
    """Returns the store at `location`, a bucket or `bucket/prefix`. dialect: what is known about the server."""
    bucket, _, prefix = location.partition("/")
    return S3Store(bucket, prefix, dialect)


class S3Store:
    """Etags are the server's. Objects are never uploaded in parts, so that each has the SHA-256 of its content.

    Thread-safe. What a server can't do is found out by `check`, or else by the first request that it refuses, and is
    remembered.
    """

    def __init__(self, bucket: str, prefix: str, dialect: S3Dialect | None = None) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._connection = S3Connection(bucket, dialect or S3Dialect(), lambda: MAX_REQUEST_ATTEMPTS)

    @property
    def uri(self) -> str:
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    @property
    def dialect(self) -> S3Dialect:
        return self._connection.dialect

    def create(self, key: str, data: bytes, content_type: str) -> bool:
        return self._put(self._full(key), data, ("IfNoneMatch", "*"), content_type, IMMUTABLE)

    def replace(self, key: str, data: bytes, content_type: str, expected: str | None) -> bool:
        condition: _Condition = ("IfNoneMatch", "*") if expected is None else ("IfMatch", expected)
        return self._put(self._full(key), data, condition, content_type, NO_CACHE)

    def read(self, key: str) -> bytes | None:
        full_key = self._full(key)

        def get(client: S3Client) -> bytes:
            response = client.get_object(Bucket=self._bucket, Key=full_key)
            with closing(response["Body"]) as body:
                check_size(f"{self.uri}/{key}", response["ContentLength"])
                return body.read()

        return _or_none(lambda: self._connection.call(full_key, get))

    def stat(self, key: str) -> ObjectStat | None:
        full_key = self._full(key)
        head = _or_none(lambda: self._head(full_key))
        return None if head is None else ObjectStat(head["ETag"], head["ContentLength"], _sha256_of(head))

    def list(self, prefix: str) -> Iterator[str]:
        return (entry.key for entry in self.entries(prefix))

    def entries(self, prefix: str) -> Iterator[Entry]:
        """Reads a page when its first entry is asked for, and holds one page at a time."""
        token = ""
        while True:
            page = self._page(prefix, token)
            for item in page.get("Contents", ()):
                key = item["Key"].removeprefix(self._prefix)
                if not key.rpartition("/")[2].startswith(INTERNAL_PREFIX) and not key.endswith("/"):
                    yield Entry(key, item["Size"], item["LastModified"].timestamp(), item.get("ETag", ""))
            next_token = page.get("NextContinuationToken") if page.get("IsTruncated") else None
            if not next_token:
                return
            if next_token == token:
                raise StoreError(f"{self.uri}: the server repeats a page of its listing; run again")
            token = next_token

    def _page(self, prefix: str, token: str) -> ListObjectsV2OutputTypeDef:
        start: dict[str, Any] = {"ContinuationToken": token} if token else {}
        return self._connection.call(
            self._prefix,
            lambda client: client.list_objects_v2(Bucket=self._bucket, Prefix=self._prefix + prefix, **start),
        )

    def leftovers(self, prefix: str) -> Iterator[Entry]:
        """Returns nothing: uploads are atomic, and the probe is meant to stay."""
        return iter(())

    def delete(self, key: str) -> None:
        full_key = self._full(key)
        self._connection.call(full_key, lambda client: client.delete_object(Bucket=self._bucket, Key=full_key))

    def canonical(self, key: str) -> str:
        """Returns `key`: S3 distinguishes all keys."""
        return key

    def check(self) -> tuple[str, ...]:
        """Finds out the server's dialect with an empty object: by creating it twice, replacing it under a wrong etag,
        and reading its checksum. It's kept: later checks write nothing where conditions are honoured."""
        probe = self._prefix + PROBE_KEY
        twice = (self._put_empty(probe, ("IfNoneMatch", "*")) for _ in range(2))
        if all(twice):
            self._connection.degrade(self.dialect.without("IfNoneMatch"))
        if self.dialect.if_match and self._put_empty(probe, ("IfMatch", _NO_ETAG)):
            self._connection.degrade(self.dialect.without("IfMatch"))
        head = _or_none(lambda: self._head(probe))
        if head is not None and "ChecksumSHA256" not in head:
            self._connection.degrade(replace(self.dialect, checksums=False))
        return () if self.dialect.conditional_writes else (f"{self.uri}: {NO_CONDITIONAL_WRITES}",)

    def _put_empty(self, full_key: str, condition: _Condition) -> bool:
        return self._put(full_key, b"", condition, _BINARY, NO_CACHE)

    def _full(self, key: str) -> str:
        """Returns the key in the bucket. Raises StoreAddressError."""
        full_key = self._prefix + check_key(key)
        if len(full_key.encode()) > MAX_KEY_BYTES:
            raise StoreAddressError(
                f"the key {key!r} is longer than {MAX_KEY_BYTES} bytes with the prefix {self._prefix!r} before it; "
                "shorten the delivery address or the output name"
            )
        return full_key

    def _put(self, full_key: str, data: bytes, condition: _Condition, content_type: str, cache_control: str) -> bool:
        """Returns True if written, False if the condition doesn't hold.

        If the server refuses it as if it didn't know a header, simpler dialects are tried, and one that works is kept.
        """
        headers = {"ContentType": content_type, "CacheControl": cache_control}
        refusals: list[ResponseError] = []
        dialects = [self.dialect]
        for dialect in dialects:  # grows below
            try:
                written = self._put_in(dialect, full_key, data, condition, headers)
            except ResponseError as error:
                if not error.may_be_a_header:
                    raise
                refusals.append(error)
                dialects += [one for one in dialect.simpler(condition[0], error.status) if one not in dialects]
            else:
                if written or dialect.honours(condition[0]):  # otherwise, nothing was sent
                    self._connection.degrade(dialect)
                return written
        raise refusals[0]

    def _put_in(
        self, dialect: S3Dialect, full_key: str, data: bytes, condition: _Condition, headers: Mapping[str, str]
    ) -> bool:
        """Conflicts (409) are retried, as S3 demands."""
        arguments: dict[str, Any] = {**headers, **_integrity(dialect, data)}
        if dialect.honours(condition[0]):
            arguments[condition[0]] = condition[1]
        for attempt in range(MAX_CONFLICT_ATTEMPTS):
            if not dialect.honours(condition[0]) and not self._condition_holds(full_key, condition):
                return False
            try:
                self._connection.call(
                    full_key,
                    lambda client: client.put_object(Bucket=self._bucket, Key=full_key, Body=data, **arguments),
                )
                return True
            except ResponseError as error:
                # MinIO said 304 before April 2024 (minio/minio#19442). A missing object has no etag to match: 404.
                if error.status in (304, 412) or (error.code == "NoSuchKey" and condition[0] == "IfMatch"):
                    return False
                if error.status != 409:
                    raise
                time.sleep(min(2.0, 0.05 * 2**attempt) * random.uniform(0.5, 1.0))  # noqa: S311
        raise StoreError(
            f"s3://{self._bucket}/{full_key}: write conflict in each of {MAX_CONFLICT_ATTEMPTS} attempts; run again"
        )

    def _condition_holds(self, full_key: str, condition: _Condition) -> bool:
        """Checks the condition client-side, for servers without conditional writes. Racy: `check` warns about it."""
        if full_key == self._prefix + PROBE_KEY:
            return True
        head = _or_none(lambda: self._head(full_key))
        return (None if head is None else head["ETag"]) == (condition[1] if condition[0] == "IfMatch" else None)

    def _head(self, full_key: str) -> HeadObjectOutputTypeDef:
        """If the server refuses to return checksums, asks without them."""
        checksums = self.dialect.checksums
        try:
            return self._head_once(full_key, {"ChecksumMode": "ENABLED"} if checksums else {})
        except ResponseError as error:
            if not checksums or not error.may_be_a_header:
                raise
        head = self._head_once(full_key, {})
        self._connection.degrade(replace(self.dialect, checksums=False))
        return head

    def _head_once(self, full_key: str, arguments: dict[str, Any]) -> HeadObjectOutputTypeDef:
        """After a refusal, sends a GET: only its response has a body that says why, and the connection adapts to it."""
        bucket, call = self._bucket, self._connection.call
        try:
            return call(full_key, lambda client: client.head_object(Bucket=bucket, Key=full_key, **arguments))
        except ResponseError as error:
            if error.status not in (301, 307, 400, 403):
                raise
        call(full_key, lambda client: client.get_object(Bucket=bucket, Key=full_key)["Body"].close())
        return call(full_key, lambda client: client.head_object(Bucket=bucket, Key=full_key, **arguments))


def _integrity(dialect: S3Dialect, data: bytes) -> dict[str, Any]:
    """Returns the arguments of an upload with which the server verifies `data` and keeps its SHA-256 for `stat`."""
    digest = hashlib.sha256(data)
    if dialect.checksums:
        return {"ChecksumSHA256": base64.b64encode(digest.digest()).decode()}
    md5 = hashlib.md5(data, usedforsecurity=False).digest()
    return {"ContentMD5": base64.b64encode(md5).decode(), "Metadata": {_DIGEST: digest.hexdigest()}}


def _sha256_of(head: HeadObjectOutputTypeDef) -> str | None:
    checksum = head.get("ChecksumSHA256")
    if checksum and "-" not in checksum:
        with suppress(ValueError):
            decoded = base64.b64decode(checksum, validate=True)
            return decoded.hex() if len(decoded) == hashlib.sha256().digest_size else None
    # Some servers capitalise the names of metadata.
    metadata = {name.lower(): value.lower() for name, value in head.get("Metadata", {}).items()}
    digest = metadata.get(_DIGEST, "")
    return digest if re.fullmatch(r"[0-9a-f]{64}", digest) else None


def _or_none(call: Callable[[], _Response]) -> _Response | None:
    """Returns the result of `call`, or None if the object doesn't exist."""
    try:
        return call()
    except ResponseError as error:
        if error.status == 404 and error.code != "NoSuchBucket":
            return None
        raise
