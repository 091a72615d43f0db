"""Why a variant has to be rendered again: what differs between the record of the published picture and the plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from brandpress.model.checkpoint.describe import ModelDescription
from brandpress.pipeline.plan.variant import Variant

Value = str | int | float | bool | None

OTHER = "other"
"""The field of the only change of a variant whose record shows none: older records don't hold the sampler's version."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. field: a name of FIELDS. before, after: of the published picture and of the plan; None where one
    of them has no such thing. subject: which reference, as `role file`; empty for other fields. cause: why the seed
    changes, as far as it's known."""

    field: str
    before: Value
    after: Value
    subject: str = ""
    cause: str = ""


FIELDS = (
    "prompt", "negative_prompt", "reference", "reference_order", "background", "size", "format", "seed", "steps",
    "guidance", "reference_pixels", "upsample", "reuse", "weights", "quantisation", "sampler", "picture", OTHER,
)  # fmt: skip
"""What a change can be about. weights: digests of the model's files. sampler: versions of the sampling code. picture:
the published file itself is missing in the store. other: nothing that records hold."""


def changes_of(record: Mapping[str, Any], variant: Variant, model: ModelDescription) -> tuple[Change, ...]:
    """Returns what differs between the fields of a published record and the variant planned under its name.

    Never empty: the render keys differ, or the picture of this key is missing.
    """
    if record["render_key"] == variant.render_key:
        return (Change("picture", record.get("asset"), None),)
    changes = (*_texts(record, variant), *_references(record, variant), *_numbers(record, variant))
    changes += tuple(_model_changes(record, model))
    return changes or (Change(OTHER, None, model.sampler),)


def _texts(record: Mapping[str, Any], variant: Variant) -> Iterator[Change]:
    for field in ("prompt", "negative_prompt"):
        yield from _differing(field, record.get(field) or "", getattr(variant, field))


def _numbers(record: Mapping[str, Any], variant: Variant) -> Iterator[Change]:
    size = f"{record.get('width')}x{record.get('height')}"
    yield from _differing("size", size, f"{variant.width}x{variant.height}")
    for field in ("format", "seed", "steps", "guidance", "reference_pixels"):
        yield from _differing(field, record.get(field), getattr(variant, field))
    yield from _differing("upsample", record.get("prompt_upsampled") is not None, variant.upsample)
    yield from _differing("reuse", record.get("reuse", "exact"), variant.reuse)


def _model_changes(record: Mapping[str, Any], model: ModelDescription) -> Iterator[Change]:
    stamp = record.get("model")
    stamp = stamp if isinstance(stamp, Mapping) else {}
    yield from _differing("weights", stamp.get("weights_digest"), model.weights_digest)
    yield from _differing("quantisation", stamp.get("quantisation"), model.choice.quantise)
    if stamp.get("sampler"):
        yield from _differing("sampler", stamp["sampler"], model.sampler)


def _references(record: Mapping[str, Any], variant: Variant) -> Iterator[Change]:
    """Yields the pictures that differ. Where their files' names alone differ, nothing does."""
    stamps = record.get("references")
    old = [_stamp(stamp) for stamp in stamps if isinstance(stamp, Mapping)] if isinstance(stamps, list) else []
    new = [_Stamp(one.role, one.file, one.sha256, one.background) for one in variant.references]
    if [stamp.picture for stamp in old] == [stamp.picture for stamp in new]:
        return
    kept = Counter(old) & Counter(new)
    removed, added = _without(old, kept, lambda stamp: stamp), _without(new, kept, lambda stamp: stamp)
    renamed = Counter(stamp.picture for stamp in removed) & Counter(stamp.picture for stamp in added)
    before = {stamp.subject: stamp for stamp in _without(removed, renamed, lambda stamp: stamp.picture)}
    after = {stamp.subject: stamp for stamp in _without(added, renamed, lambda stamp: stamp.picture)}
    if not before and not after:
        yield Change("reference_order", _listed(old), _listed(new))
    for subject in dict.fromkeys([*after, *before]):
        was, now = before.get(subject), after.get(subject)
        yield from _differing("reference", was and was.sha256, now and now.sha256, subject)
        if was and now:
            yield from _differing("background", was.background, now.background, subject)


class _Stamp(NamedTuple):
    """A reference picture of a record or a variant."""

    role: str
    file: str
    sha256: str
    background: str | None

    @property
    def picture(self) -> tuple[str, str | None]:
        """What decides pixels."""
        return self.sha256, self.background

    @property
    def subject(self) -> str:
        return f"{self.role} {self.file}"


def _without(stamps: Iterable[_Stamp], counts: Mapping[Any, int], kind: Callable[[_Stamp], object]) -> list[_Stamp]:
    """Returns the stamps without as many of each kind as `counts` has."""
    left, rest = Counter(counts), []
    for stamp in stamps:
        if left[kind(stamp)]:
            left[kind(stamp)] -= 1
        else:
            rest.append(stamp)
    return rest


def _stamp(fields: Mapping[str, Any]) -> _Stamp:
    background = fields.get("background")
    role, file, sha256 = (str(fields.get(name)) for name in ("role", "file", "sha256"))
    return _Stamp(role, file, sha256, None if background is None else str(background))


def _listed(stamps: Sequence[_Stamp]) -> str:
    return ", ".join(stamp.subject for stamp in stamps)


def _differing(field: str, before: object, after: Value, subject: str = "") -> Iterator[Change]:
    if before != after:
        yield Change(field, before if isinstance(before, Value) else str(before), after, subject)
