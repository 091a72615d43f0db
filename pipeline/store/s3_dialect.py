"""What an S3 server can do beyond what all of them can."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class S3Dialect:
    """What is known about a server. The defaults are Amazon's; `S3Store` corrects them by what the server answers.

    Workers get it from the driver, so that only one process has to find it out.

    if_none_match, if_match: whether uploads honour these conditions. checksums: whether uploads may carry
    `x-amz-checksum-sha256`, and HEAD returns it; if not, the digest is kept as metadata. region: the one that the
    server asked for; None: the configured one. virtual_hosted: the bucket is part of the host name, as Alibaba's OSS
    demands; otherwise botocore decides.
    """

    if_none_match: bool = True
    if_match: bool = True
    checksums: bool = True
    region: str | None = None
    virtual_hosted: bool = False

    @property
    def conditional_writes(self) -> bool:
        """Whether two simultaneous runs can't overwrite each other's files."""
        return self.if_none_match and self.if_match

    def honours(self, header: str) -> bool:
        """header: `IfNoneMatch` or `IfMatch`."""
        return self.if_none_match if header == "IfNoneMatch" else self.if_match

    def without(self, header: str) -> S3Dialect:
        """Returns the dialect of a server that doesn't honour `header`, `IfNoneMatch` or `IfMatch`."""
        return replace(self, if_none_match=False) if header == "IfNoneMatch" else replace(self, if_match=False)

    def simpler(self, header: str, status: int) -> tuple[S3Dialect, ...]:
        """Returns the dialects to try after an upload with the condition `header` was refused.

        Only a server that says 501 may lack conditions: an upload without them is less safe.
        """
        unverified = (replace(self, checksums=False),) if self.checksums else ()
        return (*unverified, self.without(header)) if status == 501 and self.honours(header) else unverified
