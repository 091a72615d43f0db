"""What other programs get of a campaign: the pictures of its latest manifest, or what has changed since another one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
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
from brandpress.pipeline.deliver.published_selection import published_selection
from brandpress.pipeline.spec.campaign import Campaign, Job
from brandpress.pipeline.spec.document import Document
from brandpress.pipeline.spec.load import load_campaign
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
    """A campaign that has been published. brand: its brand spec, unchecked. deliver: where it delivers to, if not
    as the job says. select: the terms of a selection among its pictures; none: all."""

    job: Path
    target: Target
    public_url: str | None
    brand: Document
    folder: Store
    latest: Published
    deliver: str | None = None
    select: tuple[str, ...] = ()

    def pictures(self, since: int | None = None) -> Iterator[Picture]:
        """Yields the pictures of the latest manifest, sorted by name.

        since: the number of another manifest; yields only what has been added, replaced or withdrawn since, the
        withdrawn ones last. Raises RequestError if there is none, and BrokenManifestError.
        """
        other = None if since is None else self._manifest(since)
        selected = self._selection(other)
        latest = (fields for fields in read_fields(self.folder, self.latest, "variants") if selected(fields))
        if other is None:
            yield from map(self._picture, latest)
            return
        before = {
            fields["name"]: fields["sha256"]
            for fields in read_fields(self.folder, other, "variants")
            if selected(fields)
        }
        remaining = set(before)
        for fields in latest:
            remaining.discard(fields["name"])
            if fields["name"] not in before:
                yield self._picture(fields, "added")
            elif before[fields["name"]] != fields["sha256"]:
                yield self._picture(fields, "replaced")
        if remaining:
            for fields in read_fields(self.folder, other, "variants"):
                if fields["name"] in remaining:
                    yield self._picture(fields, "withdrawn")

    def _selection(self, other: Published | None) -> Callable[[dict[str, Any]], bool]:
        """Returns whether a picture's fields are selected. other: the manifest that the latest one is compared with.

        Raises RequestError for wrong terms, and if they select nothing in either manifest.
        """
        if not self.select:
            return lambda fields: True
        manifests = (self.latest,) if other is None else (self.latest, other)
        return published_selection(self.folder, self.select, _campaign(self.job, self.deliver), manifests)

    def _picture(self, fields: dict[str, Any], change: Change | None = None) -> Picture:
        url = None if self.public_url is None else object_url(self.public_url, self.target.campaign, fields["asset"])
        return Picture(fields, url, change)

    def _manifest(self, number: int) -> Published:
        numbers = manifest_numbers(self.folder)
        if number not in numbers:
            shown = ", ".join(map(str, numbers[-10:]))
            raise RequestError(f"--since {number}: there is no such manifest; allowed: {shown}")
        return read_manifest(self.folder, manifest_key(number))


def open_handover(path: Path, deliver: str | None = None, select: Sequence[str] = ()) -> Handover:
    """Returns what a job has published. Needs neither its references nor its feeds nor its model, unless terms of
    `select` ask for states or for fields that only the brand spec has.

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
        deliver=deliver,
        select=tuple(select),
    )


def _campaign(job: Path, deliver: str | None) -> Campaign | None:
    """Returns the job's campaign, or None if it can't be loaded any more."""
    try:
        return load_campaign(job, deliver)
    except SpecError:
        return None
