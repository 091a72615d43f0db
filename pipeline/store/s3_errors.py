"""Error responses of S3 servers, and failed requests: what they mean and what to do about them.

A server's own text is never repeated, because it can contain credentials.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import (
    ClientError,
    ConnectionError,
    CredentialRetrievalError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
    MetadataRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError

from brandpress.pipeline.store.protocol import Scope, StoreError

CHECKSUM_HEADER = "x-amz-checksum-sha256"
CHECKSUM_MODE_HEADER = "x-amz-checksum-mode"
CORRUPTED_UPLOAD = (
    "BadDigest",
    "InvalidDigest",
    "XAmzContentChecksumMismatch",
    "XAmzContentSHA256Mismatch",
    "IncompleteBody",
)
EXPIRED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired")
WRONG_REGION = (
    "AuthorizationHeaderMalformed",
    "PermanentRedirect",
    "301",
    "IllegalLocationConstraintException",
    "InvalidRegionName",
    "InvalidRegion",
)
PATH_STYLE_REFUSED = ("SecondLevelDomainForbidden",)
SET_REGION = "set AWS_REGION to the region of the bucket"
REFRESH_ERRORS = (
    CredentialRetrievalError,
    MetadataRetrievalError,
    NoCredentialsError,
    SSOError,
    TokenRetrievalError,
)
"""What botocore raises when temporary credentials can't be renewed."""

_INTERRUPTED = (
    ConnectionError,
    HTTPClientError,
    HTTPError,
    OSError,
    IncompleteReadError,
    FlexibleChecksumError,
    ResponseParserError,
)
_REJECTED_CREDENTIALS = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "AuthFailure")
_NO_SUCH_BUCKET = ("NoSuchBucket", "InvalidBucketName")
_OF_THE_STORE = (*_REJECTED_CREDENTIALS, *EXPIRED, *WRONG_REGION, *PATH_STYLE_REFUSED, *_NO_SUCH_BUCKET)
_TRANSIENT_CODES = (*CORRUPTED_UPLOAD, "RequestTimeout", "SlowDown", "ServiceUnavailable", "InternalError")
_HEADERS = (CHECKSUM_HEADER, CHECKSUM_MODE_HEADER, "x-amz-sdk-checksum-algorithm", "If-None-Match", "If-Match")
_CANT_READ = "can't read (s3:GetObject; without s3:ListBucket, missing objects are refused, too)"
_REFUSED = {
    "ListObjectsV2": "can't list (s3:ListBucket)",
    "GetObject": _CANT_READ,
    "HeadObject": _CANT_READ,
    "PutObject": "can't write (s3:PutObject)",
    "DeleteObject": "can't delete (s3:DeleteObject)",
}
_REGION = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")


class ResponseError(StoreError):
    """The server responded with an error.

    region: the region that the server says it expects. header: the one of our headers that it names.
    """

    def __init__(self, where: str, bucket: str, error: ClientError) -> None:
        details: Mapping[str, Any] = error.response.get("Error", {})
        metadata = error.response.get("ResponseMetadata", {})
        self.status = int(metadata.get("HTTPStatusCode", 0))
        self.code = str(details.get("Code", "unknown"))
        text = str(details.get("Message", ""))
        self.region = expected_region(error.response)
        self.header = next((header for header in _HEADERS if header.lower() in text.lower()), None)
        self.operation = error.operation_name
        super().__init__(f"{where}: {self._explain(bucket)}", _scope(self.status, self.code))

    @property
    def may_be_a_header(self) -> bool:
        """Whether the request may have been refused because of a header that the server doesn't know."""
        return self.status in (400, 501) and self.code not in (*_OF_THE_STORE, *_TRANSIENT_CODES)

    def _explain(self, bucket: str) -> str:
        code, answer = self.code, f"{self.code}, HTTP {self.status}"
        if code in WRONG_REGION:
            return _region_message(self.region, answer)
        if code in CORRUPTED_UPLOAD:
            return f"the data was corrupted on the way to the server ({code}); run again"
        match code:
            case "NoSuchBucket":
                return f"the bucket {bucket!r} doesn't exist; create it or correct the delivery address"
            case "InvalidBucketName":
                return f"{bucket!r} isn't a valid bucket name (3 to 63 lowercase letters, digits, `-`, `.`)"
            case _ if code in (*_REJECTED_CREDENTIALS, *EXPIRED):
                return f"the server rejected the credentials ({code}); check AWS_PROFILE or the AWS_… variables"
            case "AccessDenied" | "403" | "AllAccessDisabled":
                allow = "allow s3:GetObject, PutObject and ListBucket (and DeleteObject to clean)"
                return f"{_REFUSED.get(self.operation, self.operation)}: access denied; {allow}"
            case "RequestTimeTooSkewed":
                return f"this machine's clock is wrong, so the server rejects signatures ({code}); set the clock"
            case _ if code in PATH_STYLE_REFUSED:
                return (
                    f"the server wants the bucket in the host name ({code}), and still refuses; check "
                    "AWS_ENDPOINT_URL_S3, which must not contain the bucket"
                )
        if self.status == 507:
            return f"the store is full ({answer}); free some space and run again, delivered pictures are kept"
        if self.header is not None and self.status in (400, 501):
            return f"the server refuses the header {self.header} ({answer})"
        return f"the server responded with {code} (HTTP {self.status})"


def expected_region(response: Mapping[str, Any]) -> str | None:
    """Returns the region that an error response asks for: in an element, a header, or the text. None if in none."""
    error = response.get("Error", {})
    if str(error.get("Code")) not in WRONG_REGION:
        return None
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    text = str(error.get("Message", ""))
    named = re.search(r"expecting '([^']+)'", text) or re.search(r"one of: .*\b(auto)\b", text)
    for region in (error.get("Region"), headers.get("x-amz-bucket-region"), named and named[1]):
        if region and _REGION.fullmatch(str(region)):
            return str(region)
    return None


def request_message(error: Exception) -> str:
    """Describes an error without a response, but not in its own words: they can contain addresses with secrets."""
    match error:
        case NoCredentialsError() | PartialCredentialsError():
            return "no credentials found; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        case ProfileNotFound():
            return "the profile in AWS_PROFILE isn't in the AWS configuration; correct it or configure it"
        case _ if isinstance(error, REFRESH_ERRORS):
            return (
                f"the credentials can't be fetched or renewed ({type(error).__name__}); check the service or the "
                "program that issues them, and AWS_PROFILE"
            )
        case RuntimeError():  # botocore's only one
            return "the credentials were renewed, but have expired already; check what issues them, and the clock"
        case IncompleteReadError() | ResponseParserError() | FlexibleChecksumError():
            return f"the response was truncated or damaged ({type(error).__name__}); run again"
        case _ if is_transient(error):
            return f"can't reach the endpoint ({type(error).__name__}); check the network and AWS_ENDPOINT_URL_S3"
        case _:
            return f"can't use the store ({type(error).__name__}); check the AWS configuration"


def is_transient(error: Exception) -> bool:
    """Returns whether a request that failed without a (complete) response may succeed later."""
    return isinstance(error, _INTERRUPTED)


def _region_message(region: str | None, answer: str) -> str:
    if region is None:
        return f"this store is in another region ({answer}); {SET_REGION}"
    return (
        f"this store is in the region {region!r} ({answer}); set AWS_REGION={region}, and AWS_ENDPOINT_URL_S3, if it's "
        "set, to the endpoint of this region"
    )


def _scope(status: int, code: str) -> Scope:
    """Returns the scope of an error response. Server errors and uploads corrupted in transit are transient."""
    if code in _TRANSIENT_CODES or status in (408, 409, 425, 429):
        return "transient"
    if status in (401, 403, 507) or code in _OF_THE_STORE:
        return "store"
    return "key" if 300 <= status < 500 else "transient"
