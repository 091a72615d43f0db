"""What other programs get of a campaign: the pictures of its latest manifest, or what has changed since another one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from brandpress.model.errors import RequestError
from brandpress.pipeline.deliver.manifest import (
    Published,
    manifest_key,
    manifest_numbers,
    read_fields,
    read_manifest,
    require_latest,
)
from brandpress.pipeline.spec.campaign import Job
from brandpress.pipeline.spec.document import Document
from brandpress.pipeline.spec.problem import SpecError
from brandpress.pipeline.spec.public_url import object_url
from brandpress.pipeline.spec.schema import validate_fields
from brandpress.pipeline.spec.target import Target, load_target
from brandpress.pipeline.spec.yaml_file import read_yaml
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store

Change = Literal["added", "replaced", "withdrawn"]


@dataclass(frozen=True, slots=True)
class Picture:
    """A published picture: the fields of its record and its public URL, if the job has one.

    change: since the other manifest; None if nothing is compared. A withdrawn picture is that of the other manifest.
    """

    fields: dict[str, Any]
    url: str | None
    change: Change | None = None


@dataclass(frozen=True, slots=True)
class Handover:
    """A campaign that has been published. brand: its brand spec, unchecked."""

    job: Path
    target: Target
    public_url: str | None
    brand: Document
    folder: Store
    latest: Published

    def pictures(self, since: int | None = None) -> Iterator[Picture]:
        """Yields the pictures of the latest manifest, sorted by name.

        since: the number of another manifest; yields only what has been added, replaced or withdrawn since, the
        withdrawn ones last. Raises RequestError if there is none, and BrokenManifestError.
        """
        if since is None:
            yield from (self._picture(fields) for fields in read_fields(self.folder, self.latest, "variants"))
            return
        other = self._manifest(since)
        before = {fields["name"]: fields["sha256"] for fields in read_fields(self.folder, other, "variants")}
        remaining = set(before)
        for fields in read_fields(self.folder, self.latest, "variants"):
            remaining.discard(fields["name"])
            if fields["name"] not in before:
                yield self._picture(fields, "added")
            elif before[fields["name"]] != fields["sha256"]:
                yield self._picture(fields, "replaced")
        if remaining:
            for fields in read_fields(self.folder, other, "variants"):
                if fields["name"] in remaining:
                    yield self._picture(fields, "withdrawn")

    def _picture(self, fields: dict[str, Any], change: Change | None = None) -> Picture:
        url = None if self.public_url is None else object_url(self.public_url, self.target.campaign, fields["asset"])
        return Picture(fields, url, change)

    def _manifest(self, number: int) -> Published:
        numbers = manifest_numbers(self.folder)
        if number not in numbers:
            shown = ", ".join(map(str, numbers[-10:]))
            raise RequestError(f"--since {number}: there is no such manifest; allowed: {shown}")
        return read_manifest(self.folder, manifest_key(number))


def open_handover(path: Path, deliver: str | None = None) -> Handover:
    """Returns what a job has published. Needs neither its references nor its feeds nor its model.

    Raises SpecError, NothingPublishedError and BrokenManifestError.
    """
    target = load_target(path, deliver)
    document = read_yaml(path)
    job = validate_fields(document, Job)
    if "public_url" not in job.values:
        raise SpecError(document.all_problems(job.problems))
    brand = path.parent / job.values["brand"]
    folder = open_campaign(target.address, target.campaign)
    return Handover(
        job=path,
        target=target,
        public_url=job.values["public_url"],
        brand=read_yaml(brand, os.path.normpath(brand)),
        folder=folder,
        latest=require_latest(folder),
    )
