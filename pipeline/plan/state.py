"""The state of each variant: what a run would do with it, given what the store has under its name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from brandpress.model.checkpoint.describe import ModelDescription
from brandpress.pipeline.plan.change import Change, changes_of
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.spec.attributes import NO_ATTRIBUTES, Attributes

State = Literal["new", "stale", "unchanged", "held_back", "orphaned"]
"""new: nothing is published under the variant's name. stale: something is, with another render key or without its file.
unchanged: its picture is done. held_back: it crashed workers, failed too often, or is blocked by the quality gate after
all retries. orphaned: published, but no longer planned."""

STATES: tuple[State, ...] = get_args(State)

Awaits = Literal["check", "approval"]
"""What an unchanged picture needs before it's published: a verdict of the quality gate, or a person's approval."""

NO_CAUSES: Mapping[str, str] = {}
NO_AWAITS: Mapping[str, Awaits] = {}


@dataclass(frozen=True, slots=True)
class VariantState:
    """A variant, planned or published, and its state.

    variant: None if it's orphaned. changes: why it is stale. cause: of its last failure. previous_key: the render key
    of the picture that is published under its name; None if there is none. listed: whether the latest manifest lists
    the variant's own picture. delivered_as: the name that an orphaned picture is delivered under now. picked_out:
    whether it's orphaned because another seed was picked. awaits: None if nothing keeps the picture from being listed.
    """

    name: str
    state: State
    axes: Mapping[str, str]
    seed: int
    variant: Variant | None
    changes: tuple[Change, ...] = ()
    cause: str | None = None
    previous_key: str | None = None
    listed: bool = False
    delivered_as: str | None = None
    picked_out: bool = False
    attributes: Attributes = field(default_factory=lambda: NO_ATTRIBUTES)
    awaits: Awaits | None = None

    @property
    def to_render(self) -> bool:
        """Whether a run renders it."""
        return self.state in ("new", "stale")

    @property
    def is_work(self) -> bool:
        """Whether a run that may publish would do anything about it."""
        return self.to_render or self.state == "orphaned" or self.is_unpublished or self.is_removal

    @property
    def is_unpublished(self) -> bool:
        """Whether a run would check or publish its picture, which is done."""
        return self.state == "unchanged" and (self.awaits == "check" or (self.awaits is None and not self.listed))

    @property
    def is_removal(self) -> bool:
        """Whether the manifest lists a picture that a run would leave out."""
        if self.state == "orphaned":
            return True
        return self.listed and (self.state == "held_back" or self.awaits == "approval")


def variant_states(
    variants: Sequence[Variant],
    model: ModelDescription,
    done: Set[str],
    held_back: Set[str],
    causes: Mapping[str, str | None],
    published: Iterable[Mapping[str, Any]],
    picked_out: Set[str] = frozenset(),
    blocked: Mapping[str, str] = NO_CAUSES,
    awaits: Mapping[str, Awaits] = NO_AWAITS,
    replaced: Mapping[str, str] = NO_CAUSES,
) -> tuple[VariantState, ...]:
    """Returns the state of each variant, in their order, then those of the orphaned pictures as they are published.

    done, held_back: render keys. causes: of failures, keyed by render key. published: the fields of the latest
    manifest's records that have a picture; read once, and kept only as far as they differ from the plan. picked_out:
    names of variants of which another seed was picked. blocked: name of a variant whose picture the quality gate blocks
    for good -> why. awaits: name -> what its picture needs before it's published. replaced: render key of a picture
    that another seed replaces -> why.
    """
    by_name = {variant.name: variant for variant in variants}
    comparison = _Comparison(
        by_name, model, {variant.render_key: variant.name for variant in variants}, done, picked_out, replaced
    )
    for record in published:
        comparison.add(record)
    planned = (_planned(variant, comparison, held_back, causes, blocked, awaits) for variant in variants)
    return (*planned, *comparison.orphans)


def count_states(states: Iterable[VariantState]) -> dict[State, int]:
    """Returns the number of variants in each state, in the order of STATES."""
    counts = Counter(one.state for one in states)
    return {state: counts[state] for state in STATES}


@dataclass(slots=True)
class _Comparison:
    """The latest manifest, compared with the plan. listed: names of the records that are as planned. earlier: render
    keys of the others that have a planned variant's name. changes: of the variants among these that aren't done."""

    variants: Mapping[str, Variant]
    model: ModelDescription
    names: Mapping[str, str]
    done: Set[str]
    picked_out: Set[str]
    replaced: Mapping[str, str]
    listed: set[str] = field(default_factory=set)
    earlier: dict[str, str] = field(default_factory=dict)
    changes: dict[str, tuple[Change, ...]] = field(default_factory=dict)
    orphans: list[VariantState] = field(default_factory=list)

    def add(self, record: Mapping[str, Any]) -> None:
        name, key = record["name"], record["render_key"]
        variant = self.variants.get(name)
        if variant is None:
            self.orphans.append(self._orphan(record))
            return
        is_done = variant.render_key in self.done
        if key == variant.render_key and is_done and not record.get("stale") and variant.is_described_by(record):
            self.listed.add(name)
            return
        self.earlier[name] = key
        if not is_done:
            changes = changes_of(record, variant, self.model)
            if key in self.replaced and [change.field for change in changes] == ["seed"]:
                changes = (replace(changes[0], cause=self.replaced[key]),)
            self.changes[name] = changes

    def _orphan(self, record: Mapping[str, Any]) -> VariantState:
        attributes = record.get("attributes")
        return VariantState(
            name=record["name"],
            state="orphaned",
            axes=record["axes"],
            seed=record["seed"],
            variant=None,
            previous_key=record["render_key"],
            delivered_as=self.names.get(record["render_key"]),
            picked_out=record["name"] in self.picked_out,
            attributes=attributes if isinstance(attributes, dict) else NO_ATTRIBUTES,
        )


def _planned(
    variant: Variant,
    comparison: _Comparison,
    held_back: Set[str],
    causes: Mapping[str, str | None],
    blocked: Mapping[str, str],
    awaits: Mapping[str, Awaits],
) -> VariantState:
    key, name = variant.render_key, variant.name
    listed = name in comparison.listed
    state: State = "stale" if name in comparison.earlier else "new"
    if key in comparison.done:
        state = "held_back" if name in blocked else "unchanged"
    elif key in held_back:
        state = "held_back"
    return VariantState(
        name=name,
        state=state,
        axes=variant.axes,
        seed=variant.seed,
        variant=variant,
        changes=comparison.changes.get(name, ()),
        cause=blocked.get(name) or causes.get(key),
        previous_key=key if listed else comparison.earlier.get(name),
        listed=listed,
        attributes=variant.attributes,
        awaits=awaits.get(name) if state == "unchanged" else None,
    )


def summarise_changes(states: Iterable[VariantState]) -> Iterator[tuple[Change, int]]:
    """Yields each reason why variants are stale, and how many variants have it, the most frequent first.

    Texts that differ from variant to variant, such as prompts, are one reason, without `before` and `after`.
    """
    counts: Counter[Change] = Counter()
    for one in states:
        if one.state == "stale":
            counts.update({_grouped(change) for change in one.changes})
    yield from sorted(counts.items(), key=lambda item: (-item[1], item[0].field, item[0].subject))


_PER_VARIANT = frozenset({"prompt", "negative_prompt", "seed", "picture"})


def _grouped(change: Change) -> Change:
    return Change(change.field, None, None) if change.field in _PER_VARIANT else change
