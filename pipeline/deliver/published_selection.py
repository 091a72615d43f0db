"""Selects among the pictures of a manifest, with the same terms as a plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from brandpress.model.errors import RequestError
from brandpress.pipeline.deliver.choose import reviewed_fields, reviewed_manifest
from brandpress.pipeline.deliver.decided_plan import decided
from brandpress.pipeline.deliver.manifest import Published, require_latest
from brandpress.pipeline.deliver.plan_summary import published_pictures, store_state
from brandpress.pipeline.plan.expand import make_plan
from brandpress.pipeline.plan.selection import (
    OPTION,
    KnownPicture,
    Selection,
    nothing_matches,
    parse_selection,
    selection_keys,
)
from brandpress.pipeline.spec.attributes import NO_ATTRIBUTES
from brandpress.pipeline.spec.campaign import Campaign
from brandpress.pipeline.store.protocol import Store


def published_names(folder: Store, terms: Sequence[str], campaign: Campaign | None) -> frozenset[str]:
    """Returns the output names of the latest manifest's pictures that the terms select.

    See `published_selection`. Raises NothingPublishedError, too.
    """
    latest = require_latest(folder)
    selected = published_selection(folder, terms, campaign, (latest,))
    return frozenset(fields["name"] for fields in published_pictures(folder, latest) if selected(fields))


def reviewed_names(folder: Store, terms: Sequence[str], campaign: Campaign | None) -> frozenset[str]:
    """Returns the output names of the pictures that people review and that the terms select: those of the latest
    manifest, and those that wait for an approval or that the quality gate drops.

    See `published_selection`. Raises NothingPublishedError, too.
    """
    reviewed = [fields for fields in reviewed_fields(folder, reviewed_manifest(folder)) if fields["asset"] is not None]
    selected = _record_selection(folder, terms, campaign, reviewed)
    return frozenset(fields["name"] for fields in reviewed if selected(fields))


def published_selection(
    folder: Store, terms: Sequence[str], campaign: Campaign | None, manifests: Sequence[Published]
) -> Callable[[Mapping[str, Any]], bool]:
    """Returns a function that tells whether the terms select a picture of the manifests, by the fields of its record.

    campaign: None if the job can't be read; then terms can't ask for states, nor for what only the brand spec knows.
    Raises RequestError for wrong terms, and if nothing matches; StoreError; and what `make_plan` raises if a term asks
    for states.
    """
    records = (fields for manifest in manifests for fields in published_pictures(folder, manifest))
    return _record_selection(folder, terms, campaign, records)


def _record_selection(
    folder: Store, terms: Sequence[str], campaign: Campaign | None, records: Iterable[Mapping[str, Any]]
) -> Callable[[Mapping[str, Any]], bool]:
    """Returns a function that tells whether the terms select one of these records."""
    pictures = [_picture(fields) for fields in records]
    axes = _axes(pictures, campaign)
    selection = parse_selection(terms, selection_keys(pictures, axes, campaign.brand if campaign else None))
    states = _states(folder, selection, campaign)
    if not any(selection.matches(one, states.get(one.name)) for one in pictures):
        raise RequestError(nothing_matches(selection))
    return lambda fields: selection.matches(_picture(fields), states.get(fields["name"]))


def _states(folder: Store, selection: Selection, campaign: Campaign | None) -> dict[str, str]:
    """Returns output name -> state, if the selection asks for states."""
    if not selection.uses_state:
        return {}
    if campaign is None:
        raise RequestError(f"{OPTION} state: states aren't known, because the job can't be read")
    states = store_state(folder, decided(folder, make_plan(campaign))).variants or ()
    return {one.name: one.state for one in states}


def _axes(pictures: Iterable[KnownPicture], campaign: Campaign | None) -> dict[str, tuple[str, ...]]:
    """Returns axis -> names of its values, of the pictures and of the campaign."""
    values: dict[str, dict[str, None]] = {}
    for axis in campaign.axes.values() if campaign else ():
        values[axis.name] = dict.fromkeys(axis.values)
    for picture in pictures:
        for name, value in picture.axes.items():
            values.setdefault(name, {})[value] = None
    return {name: tuple(of_axis) for name, of_axis in values.items()}


def _picture(fields: Mapping[str, Any]) -> KnownPicture:
    attributes = fields.get("attributes")
    of_record = attributes if isinstance(attributes, dict) else NO_ATTRIBUTES
    return KnownPicture(fields["name"], fields["axes"], fields["seed"], of_record)
