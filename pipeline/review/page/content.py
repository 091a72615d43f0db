"""What the review page shows, as plain JSON values. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any

from brandpress.pipeline.deliver.decisions import Decision, EarlierDecision
from brandpress.pipeline.deliver.manifest import Manifest
from brandpress.pipeline.review.gate import Thresholds, limit_of
from brandpress.pipeline.review.measures.measure import Scale
from brandpress.pipeline.review.score import Score, worse

SCHEMA = "brandpress.review/1"
REASONS = (
    "wrong product",
    "wrong character",
    "wrong style or scene",
    "colours off brand",
    "text is wrong",
    "parts are broken or doubled",
    "poor composition",
    "artefacts or noise",
    "too similar to another",
)
"""Reasons for a rejection that the page offers; reviewers can write others."""
_MAX_ALT = 200


@dataclass(frozen=True)
class ReviewedPictures:
    """A campaign's pictures and what is known about them.

    records: fields of manifest lines, sorted by name. decisions: SHA-256 -> decision that holds. withdrawn: decisions
    that were taken back. earlier: pictures that former manifests list under the same names, the newest first. scores:
    SHA-256 -> scores. scales: of the measures, by name. thresholds: those of the job's quality gate.
    references: SHA-256 of reference pictures that have thumbnails. palette: the brand's colours.
    """

    manifest: Manifest
    records: Sequence[Mapping[str, Any]]
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    withdrawn: Sequence[Decision] = ()
    earlier: Sequence[Mapping[str, Any]] = ()
    scores: Mapping[str, Sequence[Score]] = field(default_factory=dict)
    scales: Mapping[str, Scale] = field(default_factory=dict)
    thresholds: Thresholds = field(default_factory=dict)
    references: Set[str] = frozenset()
    palette: Mapping[str, str] = field(default_factory=dict)

    def only(self, names: Set[str] | None) -> ReviewedPictures:
        """Returns the pictures with these output names; all if None."""
        if names is None:
            return self
        return replace(self, records=[record for record in self.records if record["name"] in names])


@dataclass(frozen=True)
class PageSettings:
    """How a page is used. pictures: the address, relative to the page, below which the assets' keys lead to pictures;
    None if they can't be opened from the page. served: decisions are sent to the server that the page came from. live:
    a run is at work, and the page is written again. by: who decides, if it's known.
    """

    pictures: str | None = None
    served: bool = False
    live: bool = False
    by: str = ""


def page_content(reviewed: ReviewedPictures, settings: PageSettings) -> dict[str, Any]:
    """Returns all that the page's script needs."""
    manifest = reviewed.manifest
    references: dict[str, dict[str, Any]] = {}
    names = {record["name"] for record in reviewed.records}
    history = _history(reviewed, names)
    pictures = [_picture(record, reviewed, references, history) for record in reviewed.records]
    return {
        "schema": SCHEMA,
        "campaign": manifest.campaign,
        "brand": manifest.brand,
        "number": manifest.number,
        "created": manifest.created.isoformat(),
        "model": manifest.model.name.replace("\\", "/").rpartition("/")[2],
        "counts": manifest.counts.model_dump(mode="json"),
        "settings": {
            "pictures": settings.pictures,
            "served": settings.served,
            "live": settings.live,
            "by": settings.by,
        },
        "axes": _axes(reviewed.records),
        "measures": _measures(reviewed),
        "palette": dict(reviewed.palette),
        "reasons": list(REASONS),
        "references": references,
        "pictures": pictures,
    }


def _axes(records: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Returns axis -> its values in the order of the records; `seed` is the last axis if there are several."""
    values: dict[str, dict[str, None]] = {}
    seeds: dict[int, None] = {}
    for record in records:
        for axis, value in record["axes"].items():
            values.setdefault(axis, {})[value] = None
        seeds[record["seed"]] = None
    return {axis: list(of_axis) for axis, of_axis in values.items()} | (
        {"seed": [str(seed) for seed in sorted(seeds)]} if 1 < len(seeds) <= 64 and "seed" not in values else {}
    )


def _measures(reviewed: ReviewedPictures) -> dict[str, dict[str, Any]]:
    """Returns the measures that any picture has a score of, in the order of the scales."""
    present = {score.measure: None for own in reviewed.scores.values() for score in own if score.value is not None}
    order = [name for name in reviewed.scales if name in present]
    return {
        name: {
            "better": reviewed.scales[name].better if name in reviewed.scales else "higher",
            "least": reviewed.scales[name].least if name in reviewed.scales else 0.0,
            "most": reviewed.scales[name].most if name in reviewed.scales else 1.0,
            "about": reviewed.scales[name].about if name in reviewed.scales else "",
        }
        for name in (*order, *(name for name in present if name not in order))
    }


def _picture(
    record: Mapping[str, Any],
    reviewed: ReviewedPictures,
    references: dict[str, dict[str, Any]],
    history: Mapping[str, list[dict[str, Any]]],
) -> dict[str, Any]:
    sha256 = record.get("sha256") or ""
    for reference in record.get("references") or ():
        references.setdefault(
            reference["sha256"],
            {
                "role": reference["role"],
                "file": reference["file"].replace("\\", "/").rpartition("/")[2],
                "shown": reference["sha256"] in reviewed.references,
            },
        )
    decision = reviewed.decisions.get(sha256)
    values = {
        "name": record["name"],
        "asset": record["asset"],
        "sha256": sha256,
        "width": record.get("width"),
        "height": record.get("height"),
        "axes": dict(record["axes"]),
        "seed": record["seed"],
        "prompt": record.get("prompt", ""),
        "negative_prompt": record.get("negative_prompt", ""),
        "steps": record.get("steps"),
        "guidance": record.get("guidance"),
        "created": str(record.get("created", "")),
        "seconds": _seconds(record),
        "bytes": record.get("bytes"),
        "stale": record.get("stale") is True,
        "listed_as": "" if record.get("listed_as") == "variants" else record.get("listed_as"),
        "alt": alt_text(record),
        "references": [reference["sha256"] for reference in record.get("references") or ()],
        "scores": scores_json(reviewed.scores.get(sha256, ()), reviewed, _limits(record)),
        "verdict": _verdict(record),
        "decision": None if decision is None else decision_json(decision),
        "history": history.get(record["name"], []),
    }
    return _without_empty(values)


def _without_empty(values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the values without empty ones, which keeps the page small. Numbers are kept, also 0."""
    return {name: value for name, value in values.items() if value or (value == 0 and value is not False)}


def alt_text(record: Mapping[str, Any]) -> str:
    """Returns a description of a picture for people who don't see it: its own, or else its prompt."""
    own = record.get("alt")
    text = own if isinstance(own, str) and own.strip() else str(record.get("prompt", ""))
    text = " ".join(text.split())
    return text if len(text) <= _MAX_ALT else text[: _MAX_ALT - 1] + "…"


def decision_json(decision: Decision | EarlierDecision) -> dict[str, Any]:
    """Returns what the page shows of a decision."""
    return {
        "decision": decision.decision,
        "by": decision.by,
        "at": decision.at.isoformat(),
        "reason": decision.reason,
    }


def scores_json(
    scores: Sequence[Score], reviewed: ReviewedPictures, limits: Mapping[tuple[str, str | None], float]
) -> list[dict[str, Any]]:
    """Returns the scores with their thresholds: the verdict's, otherwise the job's, otherwise calibrated ones."""
    rows = []
    for score in scores:
        place = (score.measure, score.subject)
        limit = limits.get(place, limit_of(reviewed.thresholds, *place))
        scale = reviewed.scales.get(score.measure)
        missed = limit is not None and score.value is not None and scale is not None
        row = {
            "measure": score.measure,
            "subject": score.subject,
            "value": None if score.value is None else round(score.value, 4),
            "reason": score.reason,
            "threshold": limit,
            "missed": missed and worse(score.value or 0.0, limit or 0.0, scale.better if scale else "higher"),
        }
        rows.append(_without_empty(row))
    return rows


def _limits(record: Mapping[str, Any]) -> dict[tuple[str, str | None], float]:
    """Returns the thresholds that the gate's reasons name."""
    return {
        (reason["measure"], reason.get("subject")): reason["threshold"]
        for reason in verdict_reasons(record)
        if isinstance(reason.get("threshold"), int | float)
    }


def verdict_reasons(record: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Returns the reasons of the gate's verdict about a picture; none if it passed or wasn't judged."""
    verdict = record.get("verdict")
    reasons = verdict.get("reasons") if isinstance(verdict, Mapping) else None
    return [one for one in reasons or () if isinstance(one, Mapping) and isinstance(one.get("measure"), str)]


def _verdict(record: Mapping[str, Any]) -> dict[str, Any] | None:
    """Returns the gate's verdict: its outcome, the reasons as texts, and the measures that people should look at."""
    verdict = record.get("verdict")
    if not isinstance(verdict, Mapping) or verdict.get("outcome") not in ("pass", "warn", "block"):
        return None
    reasons = [
        {
            "measure": reason["measure"],
            "subject": reason.get("subject") or "",
            "severity": reason.get("severity") or "",
            "text": reason.get("text") or "",
        }
        for reason in verdict_reasons(record)
    ]
    return {"outcome": verdict["outcome"], "reasons": reasons, "review": list(verdict.get("review") or ())}


def _history(reviewed: ReviewedPictures, names: Set[str]) -> dict[str, list[dict[str, Any]]]:
    """Returns name -> what happened before: earlier pictures, former decisions about them and the present picture, and
    attempts that the gate turned down. The newest first."""
    history: dict[str, list[dict[str, Any]]] = {}
    present = {record["name"]: record.get("sha256") for record in reviewed.records}
    for decision in (*reviewed.decisions.values(), *reviewed.withdrawn):
        for name in names & {*decision.names}:
            holds = present[name] == decision.sha256 and decision.decision != "withdrawn"
            before: list[Decision | EarlierDecision] = [*([] if holds else [decision]), *decision.earlier]
            history.setdefault(name, []).extend({"kind": "decision", **decision_json(one)} for one in before)
    for earlier in reviewed.earlier:
        if earlier["name"] in names and earlier.get("sha256") != present[earlier["name"]]:
            history.setdefault(earlier["name"], []).append(
                {"kind": "picture", "at": str(earlier.get("created", "")), "seed": earlier["seed"]}
                | {"asset": earlier["asset"]}
            )
    for record in reviewed.records:
        for attempt in record.get("gate_attempts") or ():
            if isinstance(attempt, Mapping) and attempt.get("sha256") != record.get("sha256"):
                reasons = [one.get("text") or "" for one in attempt.get("reasons") or () if isinstance(one, Mapping)]
                history.setdefault(record["name"], []).append(
                    {
                        "kind": "attempt",
                        "at": "",
                        "seed": attempt.get("seed"),
                        "outcome": attempt.get("outcome") or "",
                        "reason": "; ".join(reasons),
                    }
                )
    history = {name: entries for name, entries in history.items() if entries}
    for entries in history.values():
        entries.sort(key=lambda entry: entry["at"], reverse=True)
    return history


def _seconds(record: Mapping[str, Any]) -> float | None:
    seconds = (record.get("timings") or {}).get("model")
    return round(seconds, 1) if isinstance(seconds, int | float) else None
