"""The `--json` output of the commands, as plain JSON values. (`plan --json` is in `plan/summary.py`.)"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brandpress.model.checkpoint.availability import availability
from brandpress.model.family import BLOCK_BYTES, FAMILIES, Family
from brandpress.pipeline.cli.error_json import problem_json
from brandpress.pipeline.cli.streams import is_unicode
from brandpress.pipeline.deliver.clean import GarbageSet
from brandpress.pipeline.deliver.manifest import Published
from brandpress.pipeline.deliver.status import CampaignStatus, Failure
from brandpress.pipeline.deliver.verify import Discrepancy, Verification
from brandpress.pipeline.plan.lock import Lock
from brandpress.pipeline.plan.validate import Validation
from brandpress.pipeline.render.driver.outcome import Outcome

if TYPE_CHECKING:
    from brandpress.pipeline.render.driver.restore import Restoration

CHUNK = 1 << 14  # characters of one write


def print_json(values: dict[str, Any]) -> None:
    """Prints JSON values on stdout, in ASCII if its encoding lacks characters."""
    text = json.dumps(values, indent=2, ensure_ascii=not is_unicode()) + "\n"
    # In one piece, Python wouldn't notice that the reader of a pipe has gone.
    for start in range(0, len(text), CHUNK):
        sys.stdout.write(text[start : start + CHUNK])
    sys.stdout.flush()


def validations_json(validations: Sequence[Validation]) -> dict[str, Any]:
    """`validate`: every file with its problems, and with warnings of the same form."""
    return {
        "schema": "brandpress.validation/1",
        "ok": not any(validation.problems for validation in validations),
        "files": [
            {
                "file": validation.file,
                "kind": validation.kind,
                "name": validation.name,
                "variants": validation.variants,
                "ok": not validation.problems,
                "problems": list(map(problem_json, validation.problems)),
                "warnings": list(map(problem_json, validation.warnings)),
            }
            for validation in validations
        ],
    }


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    """`render`: `skipped` variants were done before, `done` ones in this run; `held_back` ones are quarantined and
    weren't tried; `not_selected` ones aren't done, and this run wasn't to render them; `picked_out` ones have another
    seed than the picked one. `outside_model` is a share of 1, `cost` in the hosted tier's credits."""
    spent = outcome.spent
    return {
        "schema": "brandpress.run/1",
        "counts": {
            "planned": outcome.planned,
            "skipped": outcome.skipped,
            "done": outcome.done,
            "failed": outcome.failed,
            "held_back": len(outcome.held_back),
            "not_selected": outcome.not_selected,
            "left": outcome.left,
            "picked_out": outcome.picked_out,
        },
        "failed": failures_json(outcome.failures),
        "held_back": failures_json(outcome.held_back),
        "folder": outcome.uri,
        "manifest": outcome.manifest,
        "withheld": outcome.withheld,
        "seconds": round(outcome.seconds, 3),
        "cost": None if outcome.cost is None else round(outcome.cost, 4),
        "cache": {kind: {"hits": use.hits, "uses": use.uses} for kind, use in outcome.cache.items()},
        "outside_model": None if outcome.outside_model is None else round(outcome.outside_model, 4),
        "interrupted": outcome.interrupted,
        "stopped_by": outcome.stopped_by,
        "spent": spent
        and {
            "gpu_minutes": None if spent.gpu_minutes is None else round(spent.gpu_minutes, 4),
            "pictures": spent.pictures,
            "money": None if spent.money is None else round(spent.money, 4),
            "currency": spent.currency,
        },
        "ended_early": outcome.ended_early,
        "campaign": outcome.campaign,
        "published": outcome.published
        and {name: getattr(outcome.published, name) for name in ("planned", "done", "stale", "failed", "missing")},
        "gate": outcome.gate and asdict(replace(outcome.gate, seconds=round(outcome.gate.seconds, 3))),
    }


def status_json(status: CampaignStatus, uri: str) -> dict[str, Any]:
    """`status` of the campaign in the folder `uri`."""
    return {
        "schema": "brandpress.status/1",
        "counts": {
            "planned": status.planned,
            "done": status.done,
            "failed": status.failed,
            "missing": status.missing,
            "picked_out": status.picked_out,
            "dropped": status.dropped,
            "unchecked": status.unchecked,
            "unapproved": status.unapproved,
        },
        "failed": failures_json(status.failures),
        "folder": uri,
        "manifest": status.manifest,
        "note": status.note,
    }


def lock_json(lock: Lock, file: Path) -> dict[str, Any]:
    """`lock`: where it is, and what it holds."""
    return {
        "schema": "brandpress.lock-summary/1",
        "file": str(file),
        "model": lock.model.name,
        "revision": lock.model.revision,
        "weights_digest": lock.model.weights_digest,
        "feeds": len(lock.feeds),
        "references": len(lock.references),
    }


def verification_json(verification: Verification, uri: str, restoration: Restoration | None = None) -> dict[str, Any]:
    """`verify` of the campaign in the folder `uri`. restoration: what `--repair` did; `intact` is the state after it,
    everything else what was verified before."""
    return {
        "schema": "brandpress.verification/1",
        "intact": (restoration.after if restoration else verification).intact,
        "folder": uri,
        "manifest": verification.manifest,
        "objects": verification.objects,
        "bytes": verification.bytes,
        "trusted": verification.trusted,
        "unsigned": verification.unsigned,
        "problems": list(map(_discrepancy_json, verification.problems)),
        "deleted": list(restoration.deleted) if restoration else [],
        "repair": restoration and _restoration_json(restoration),
    }


def _restoration_json(restoration: Restoration) -> dict[str, Any]:
    return {
        "copied": list(restoration.copied),
        "rewritten": list(restoration.rewritten),
        "rendered": list(restoration.rendered),
        "manifest": restoration.after.manifest,
        "new_manifest": restoration.new_manifest,
        "left": list(map(_discrepancy_json, restoration.after.broken)),
    }


def _discrepancy_json(problem: Discrepancy) -> dict[str, str]:
    return {"kind": problem.kind, "key": problem.key, "detail": problem.detail}


def history_json(history: Iterable[Published], latest: str) -> dict[str, Any]:
    """`rollback`: all manifests, and the key of the latest one."""
    return {
        "schema": "brandpress.manifests/1",
        "latest": latest,
        "manifests": [
            {"manifest": published.pointer.manifest, **published.manifest.model_dump(mode="json", exclude={"parts"})}
            for published in history
        ],
    }


def garbage_json(garbage: GarbageSet, uri: str, *, deleted: bool) -> dict[str, Any]:
    """`clean` of the campaign in the folder `uri`."""
    return {
        "schema": "brandpress.garbage/1",
        "folder": uri,
        "deleted": deleted,
        "kept_manifests": list(garbage.kept_manifests),
        "bytes": garbage.bytes,
        "too_young": garbage.too_young,
        "objects": [{"key": entry.key, "bytes": entry.bytes} for entry in garbage.entries],
    }


def models_json() -> dict[str, Any]:
    """`models`: the family and what this machine has of it. bytes: the transformer's weights per precision, and the
    loaded part of the text encoder in bf16. steps: per quality."""
    return {"schema": "brandpress.models/1", "models": list(map(_model_json, FAMILIES.values()))}


def failures_json(failures: tuple[Failure, ...]) -> list[dict[str, Any]]:
    """Failed variants with their causes."""
    return [{"name": failure.name, "cause": failure.cause, "quarantined": failure.quarantined} for failure in failures]


def _model_json(family: Family) -> dict[str, Any]:
    size, encoder, state = family.size, family.text_encoder, availability(family)
    return {
        "name": family.name,
        "hub": family.hub,
        "endpoint": family.endpoint,
        "parameters": size and size.parameters,
        "bytes": size and {precision: size.weight_bytes(precision) for precision in BLOCK_BYTES},
        "text_encoder": encoder
        and {
            "name": encoder.name,
            "layers": list(encoder.layers),
            "parameters": encoder.parameters,
            "bytes": 2 * encoder.parameters,
        },
        "steps": family.steps,
        "guidance": family.guidance,
        "max_references": family.max_references,
        "kv": family.kv,
        "distilled": family.distilled,
        "licence": family.licence,
        "commercial_use": family.commercial_use,
        "available": state.available,
        "where": state.where,
        "command": state.command,
    }
