"""S3-compatible servers, played by a proxy in front of the real one. What each does is from the sources named there."""

from __future__ import annotations

import http.client
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.s3_server import ACCESS_KEY, SECRET_KEY

CONDITIONS = ("if-none-match", "if-match")
_SIGNING = ("authorization", "host", "x-amz-date", "x-amz-content-sha256", "expect", "connection", "content-length")


@dataclass(frozen=True)
class Refusal:
    """An error response. extra: more elements of its XML. headers: of the response."""

    status: int
    code: str
    message: str = "hush-hush"
    extra: str = ""
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Dialect:
    """How a server differs from Amazon's. An upload's digests are verified by all of them.

    conditions: what happens to If-None-Match and If-Match of an upload. 304: they hold, but with this status instead of
    412. checksums: `refused` means 400 to every such header; `forgotten` that HEAD doesn't return them. regions: the
    accepted ones, the main one first; empty: all. wrong_region: the answer to others, with `{}` for the main region.
    host: the endpoint of a server that wants the bucket in the host name. capitals: metadata names are capitalised.
    """

    name: str
    conditions: Literal["honoured", "304", "ignored", "501"] = "honoured"
    checksums: Literal["kept", "forgotten", "refused"] = "kept"
    regions: tuple[str, ...] = ()
    wrong_region: Refusal | None = None
    host: str = ""
    capitals: bool = False

    @property
    def conditional(self) -> bool:
        return self.conditions in ("honoured", "304")

    def refusal(self, method: str, path: str, headers: Mapping[str, str]) -> Refusal | None:
        """Returns the error with which only this server answers a request. headers: with names in lower case."""
        scope = re.search(r"Credential=[^/]+/\d+/([^/]+)/s3/", headers.get("authorization", ""))
        if self.host and headers.get("host") == self.host and path.split("?")[0] != "/":
            return Refusal(403, "SecondLevelDomainForbidden")
        if self.wrong_region and scope and scope[1] not in self.regions:
            wrong, main = self.wrong_region, self.regions[0]
            texts = (wrong.message, wrong.extra)
            message, extra = (text.replace("{}", main).replace("{given}", scope[1]) for text in texts)
            return replace(wrong, message=message, extra=extra)
        checksums = [name for name in headers if name.startswith(("x-amz-checksum-", "x-amz-sdk-checksum-"))]
        if checksums and self.checksums == "refused":
            return Refusal(400, "InvalidArgument", f"Unsupported header '{checksums[0]}' received for this API call.")
        if method == "PUT" and self.conditions == "501" and any(name in headers for name in CONDITIONS):
            return Refusal(501, "NotImplemented", "A header you provided implies functionality that is not implemented")
        return None

    def forwarded(
        self, target: str, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[str, dict[str, str]]:
        """Returns the path and the headers for the real server, signed anew, because they may have changed."""
        host = headers.get("host", "")
        if self.host and host.endswith(f".{self.host}"):
            path = f"/{host.removesuffix('.' + self.host)}{path}"
        dropped = CONDITIONS if method == "PUT" and self.conditions == "ignored" else ()
        kept = {name: value for name, value in headers.items() if name not in (*_SIGNING, *dropped)}
        request = AWSRequest(method, target + path, kept, body)
        S3SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), "s3", "us-east-1").add_auth(request)
        return path, {**dict(request.headers.items()), "host": urlsplit(target).netloc}

    def answered(self, method: str, response: http.client.HTTPResponse) -> tuple[int, list[tuple[str, str]]]:
        """Returns the status and the headers of the real server's response as this server would send them."""
        status = 304 if method == "PUT" and response.status == 412 and self.conditions == "304" else response.status
        headers = response.getheaders()
        if self.checksums != "kept":
            headers = [(name, value) for name, value in headers if not name.lower().startswith("x-amz-checksum-")]
        if self.capitals:
            headers = [
                (re.sub("(?i)x-amz-meta-(.*)", lambda m: f"X-Amz-Meta-{m[1].title()}", n), v) for n, v in headers
            ]
        return status, headers


_MALFORMED = "The authorization header is malformed; the region '{given}' is wrong; expecting '{}'"

AMAZON = Dialect("amazon")
DIALECTS = (
    # docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html; the response to a wrong region is quoted in
    # github.com/minio/minio-go/issues/677.
    Dialect(
        "amazon-eu",
        regions=("eu-central-1",),
        wrong_region=Refusal(400, "AuthorizationHeaderMalformed", _MALFORMED, "<Region>{}</Region>"),
    ),
    # backblaze.com/docs/cloud-storage-s3-compatible-api, "Unsupported features": 400 to checksum headers, of HEAD, too:
    # github.com/iterate-ch/cyberduck/issues/16107, github.com/vatesfr/xen-orchestra/issues/8358. It has conditions by
    # github.com/taylorfinnell/awscr-s3/pull/162.
    Dialect("backblaze-b2", checksums="refused"),
    # developers.cloudflare.com/r2/api/s3/api/: conditions; SHA-256 isn't kept as the checksum of a whole object; the
    # region is `auto`, with `us-east-1` as an alias. Others: github.com/jeessy2/backup-x/issues/127.
    Dialect(
        "cloudflare-r2",
        checksums="forgotten",
        regions=("auto", "us-east-1"),
        wrong_region=Refusal(
            400,
            "InvalidRegionName",
            "The region name '{given}' is not valid. Must be one of: wnam, enam, weur, eeur, apac, oc, {}",
        ),
    ),
    # help.aliyun.com/en/oss/developer-reference/compatibility-with-amazon-s3: the bucket must be in the host name, and
    # checksum headers aren't among what is compatible. Conditions: github.com/tobi/walgit/issues/67. The code:
    # github.com/flashcatcloud/flashduty-runner/pull/42.
    Dialect("alibaba-oss", conditions="501", checksums="forgotten", host="oss-cn-hangzhou.example"),
    # github.com/deuxfleurs-org/garage, src/api/s3/put.rs (at 0650a43, looks at neither conditions nor checksum headers)
    # and error.rs (every error has its region).
    Dialect(
        "garage",
        conditions="ignored",
        checksums="forgotten",
        regions=("garage",),
        wrong_region=Refusal(400, "AuthorizationHeaderMalformed", "unexpected scope: {given}", "<Region>{}</Region>"),
    ),
    # github.com/minio/minio/issues/8183 and /2521 (the region in the text; old versions without the element).
    Dialect(
        "minio",
        regions=("milkyway",),
        wrong_region=Refusal(400, "AuthorizationHeaderMalformed", _MALFORMED),
    ),
    # github.com/minio/minio/issues/19442
    Dialect("minio-before-april-2024", conditions="304"),
    # github.com/ceph/s3-tests/pull/663 (conditions); checksums are newer than them: github.com/ceph/ceph/pull/49986.
    Dialect("ceph-rgw", checksums="forgotten"),
    # Observed with rclone 1.75: conditions are ignored, and metadata names are capitalised.
    Dialect("rclone-serve", conditions="ignored", checksums="forgotten", capitals=True),
    # Everything at once: a gateway that knows neither conditions nor checksums and says so.
    Dialect("old-gateway", conditions="501", checksums="refused"),
)
