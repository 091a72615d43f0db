"""Reads what the review page shows from a campaign's folder and its brand spec."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from brandpress.pipeline.deliver.choose import reviewed_fields, reviewed_manifest
from brandpress.pipeline.deliver.contents import is_picture
from brandpress.pipeline.deliver.decisions import read_all_decisions
from brandpress.pipeline.deliver.manifest import (
    BrokenManifestError,
    Manifest,
    Published,
    manifest_key,
    manifest_numbers,
    part_key,
    read_manifest,
    read_new_fields,
)
from brandpress.pipeline.deliver.thumbnails import thumbnail_key
from brandpress.pipeline.review.contact_sheet import PAPER, reference_files
from brandpress.pipeline.review.gate import Thresholds, fixed_thresholds
from brandpress.pipeline.review.measures.scales import SCALES
from brandpress.pipeline.review.page.content import ReviewedPictures
from brandpress.pipeline.review.page.thumbnails import PictureSource
from brandpress.pipeline.review.stored_scores import read_scores
from brandpress.pipeline.spec.campaign import Campaign
from brandpress.pipeline.store.protocol import Store

SMALL, LARGE = 200, 1024
"""The longer sides of thumbnails in the store that are good enough for the page, and not too large for it."""
MAX_EARLIER = 5
"""Former manifests whose pictures are part of the history."""


@dataclass(frozen=True)
class BrandContext:
    """What the page shows of the brand spec and the job. references: SHA-256 -> file. palette: name -> colour.
    thresholds: those of the job's quality gate."""

    references: Mapping[str, Path] = field(default_factory=dict)
    palette: Mapping[str, str] = field(default_factory=dict)
    thresholds: Thresholds = field(default_factory=dict)

    @classmethod
    def of(cls, campaign: Campaign | None) -> BrandContext:
        """Returns the context of a campaign; an empty one if its job can't be read."""
        if campaign is None:
            return cls()
        gate = campaign.job.quality_gate
        return cls(reference_files(campaign), dict(campaign.brand.palette), fixed_thresholds(gate) if gate else {})


def read_reviewed(folder: Store, context: BrandContext) -> ReviewedPictures:
    """Returns the pictures that people review and all that is known about them. Raises NothingPublishedError and
    StoreError."""
    published = reviewed_manifest(folder)
    by_name = {fields["name"]: fields for fields in reviewed_fields(folder, published)}  # stale ones come first
    records = pictures_of(by_name.values())
    digests = [record["sha256"] for record in records]
    decisions = read_all_decisions(folder)
    withdrawn = tuple(one for one in decisions.values() if one.decision == "withdrawn")
    return ReviewedPictures(
        manifest=published.manifest,
        records=records,
        decisions={sha256: one for sha256, one in decisions.items() if one.decision != "withdrawn"},
        withdrawn=withdrawn,
        earlier=list(_earlier(folder, published, {(one["name"], one["sha256"]) for one in records})),
        scores=read_scores(folder, digests),
        scales=SCALES,
        references=context.references.keys(),
        palette=context.palette,
        thresholds=context.thresholds,
    )


def pictures_of(fields: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Returns the records that have a picture, sorted by name."""
    return sorted(filter(is_picture, fields), key=lambda one: (one["name"], one["render_key"]))


def stored_size(manifest: Manifest) -> int | None:
    """Returns the longer side of the thumbnails that a campaign has in its store; None if it has none."""
    size = getattr(manifest, "thumbnails", None)
    return size if isinstance(size, int) else None


def picture_sources(
    folder: Store, records: Iterable[Mapping[str, Any]], references: Mapping[str, Path], small: int | None = None
) -> Iterator[PictureSource]:
    """Yields where the pictures of records and their reference pictures can be read, for thumbnails.

    small: the longer side of the thumbnails in the store, in pixels; None if it has none.
    """
    backgrounds: dict[str, str] = {}
    for record in records:
        asset, sha256 = record["asset"], record["sha256"]
        source = PictureSource(f"{folder.uri}/{asset}", sha256, partial(folder.read, asset))
        if small is not None and SMALL <= small <= LARGE:
            source = replace(source, read_small=partial(folder.read, thumbnail_key(asset, small)))
        yield source
        for reference in record.get("references") or ():
            backgrounds.setdefault(reference["sha256"], reference.get("background") or PAPER)
    for sha256, background in backgrounds.items():
        if (file := references.get(sha256)) is not None:
            yield PictureSource(str(file), sha256, partial(_content, file), background)


def _content(file: Path) -> bytes | None:
    with suppress(OSError):
        return file.read_bytes()
    return None


def _earlier(folder: Store, published: Published, shown: set[tuple[str, str]]) -> Iterator[dict[str, Any]]:
    """Yields what the manifests before this one list, the newest first. shown: name and SHA-256 of pictures to leave
    out, to which these are added."""
    read_parts = {part_key(published.pointer.manifest, part.file) for part in published.manifest.parts}
    numbers = [number for number in manifest_numbers(folder) if number < published.manifest.number]
    for number in numbers[: -MAX_EARLIER - 1 : -1]:
        with suppress(BrokenManifestError):
            earlier = read_manifest(folder, manifest_key(number))
            for fields in pictures_of(read_new_fields(folder, earlier, read_parts)):
                picture = fields["name"], fields["sha256"]
                if picture not in shown:
                    shown.add(picture)
                    yield dict(fields)
