"""An estimate in words, and as JSON."""

from __future__ import annotations

from typing import Any

from brandpress.pipeline.plan.cost.device import Device
from brandpress.pipeline.plan.cost.estimate import Estimate
from brandpress.pipeline.plan.cost.groups import Basis, Group
from brandpress.pipeline.plan.cost.spread import Spread

SCHEMA = "brandpress.cost/1"
TINY = "under 0.01"
SHOWN_LOAD = 0.1
"""The part of the time from which on loading the model is shown by itself."""

MAX_GROUPS = 100
"""Groups in `--json`, those with most pixels first."""

BASIS: dict[Basis, str] = {
    "measured": "measured on earlier pictures",
    "scaled": "scaled from earlier pictures of other sizes",
    "model": "by the operations of the model, not measured",
    "published": "by published prices",
    "unknown": "unknown",
}


def cost_rows(estimate: Estimate | None, *, elsewhere: bool = False) -> dict[str, str]:
    """Returns the rows of `plan`'s table: name -> text. elsewhere: people read it on another machine than this one."""
    if estimate is None or not estimate.pictures:
        return {}
    cost = f"{_time(estimate, elsewhere)}{_money(estimate)}"
    return {"cost": cost, "files": _files(estimate), **_budget_row(estimate)}


def cost_warnings(estimate: Estimate | None) -> tuple[str, ...]:
    """Returns warnings about the budget: the work exceeds it, or a limit can't be compared with an estimate."""
    if estimate is None or estimate.budget is None:
        return ()
    limits = estimate.budget.limits()
    warnings = []
    if estimate.exceeded:
        amounts = (
            f"{_amount(name, _expected(estimate, name), estimate)} expected, {limits[name]:,.15g} allowed"
            for name in estimate.exceeded
        )
        warnings.append(
            f"the budget doesn't suffice for everything, so that a run will stop before: {'; '.join(amounts)}"
        )
    if "money" in limits and estimate.money is None:
        warnings.append(
            f"budget.money: no price is known for {estimate.device.name}; name one with `--prices FILE`, or set "
            "budget.gpu_minutes"
        )
    if "gpu_minutes" in limits and estimate.device.kind == "hosted":
        warnings.append("budget.gpu_minutes: a hosted tier takes no GPU minutes here; set budget.money or pictures")
    return tuple(warnings)


def question(estimate: Estimate) -> str:
    """Returns the question whether to render: `Render 4,200 pictures, about 35 GPU minutes and 12 USD?`"""
    parts = []
    if estimate.minutes is not None:
        parts.append(_amount("gpu_minutes", estimate.minutes.expected, estimate))
    if estimate.money is not None:
        parts.append(_amount("money", estimate.money.amount.expected, estimate))
    parts = [part for part in parts if not part.startswith(TINY)]
    about = f", about {' and '.join(parts)}" if parts else ""
    limits = estimate.budget.limits() if estimate.exceeded and estimate.budget is not None else {}
    stops = [_amount(name, limit, estimate) for name, limit in limits.items()]
    until = f", until the budget of {' and '.join(stops)} is spent" if stops else ""
    return f"Render {_amount('pictures', estimate.pictures, estimate)}{about}{until}?"


def cost_json(estimate: Estimate | None) -> dict[str, Any] | None:
    """Returns an estimate as plain JSON values; None if there is none."""
    if estimate is None:
        return None
    device, money, budget = estimate.device, estimate.money, estimate.budget
    return {
        "schema": SCHEMA,
        "pictures": estimate.pictures,
        "basis": estimate.basis,
        "device": {
            "name": device.name,
            "kind": device.kind,
            "rates_of": device.known_as if device.unknown else None,
            "cores": device.cores if device.kind == "cpu" else None,
        },
        "gpu_minutes": _spread_json(estimate.minutes),
        "load_seconds": _spread_json(estimate.load),
        "reference_sets_seconds": _spread_json(estimate.sets),
        "megabytes": _spread_json(estimate.megabytes),
        "megabytes_basis": "measured" if estimate.megabytes_measured else "model",
        "money": money
        and {
            **(_spread_json(money.amount) or {}),
            "currency": money.currency,
            "as_of": money.as_of,
            "basis": money.basis,
        },
        "groups": [_group_json(group, estimate) for group in estimate.groups[:MAX_GROUPS]],
        "budget": budget and {**budget.model_dump(), "exceeded": list(estimate.exceeded)},
    }


def _group_json(group: Group, estimate: Estimate) -> dict[str, Any]:
    shape = group.shape
    return {
        "width": shape.width,
        "height": shape.height,
        "steps": shape.steps or None,
        "references": shape.references,
        "reference_tokens": shape.reference_tokens,
        "pictures": group.pictures,
        "basis": group.basis,
        "records": group.records,
        "seconds": _spread_json(group.seconds),
        "price": _spread_json(estimate.picture_prices.get(shape)),
    }


def _spread_json(spread: Spread | None) -> dict[str, float] | None:
    if spread is None:
        return None
    return {name: round(getattr(spread, name), 4) for name in ("low", "expected", "high")}


def _time(estimate: Estimate, elsewhere: bool) -> str:
    minutes, device = estimate.minutes, estimate.device
    if device.kind == "hosted":
        return ""
    if minutes is None:
        return "the time is unknown"
    name = _place(device) if elsewhere else _name(device)
    instead = f", of which nothing is known, at the rates of an {device.known_as}" if device.unknown else ""
    unit = _unit(estimate)
    if minutes.expected < 1:
        minutes, unit = minutes * 60, unit.replace("minutes", "seconds")
    return f"{_about(minutes, unit)}{_load(estimate, minutes, unit)} on {name}{instead}, {BASIS[estimate.basis]}"


def _name(device: Device) -> str:
    return device.name if device.kind == "gpu" else f"this machine's CPU ({_cores(device.cores)})"


def _place(device: Device) -> str:
    """Returns a device's name for people who may not know which machine planned."""
    if not device.local:
        return device.name if device.kind == "gpu" else "a CPU"
    what = device.name if device.kind == "gpu" else f"CPU, {_cores(device.cores)}"
    return f"the machine that made this plan ({what})"


def _load(estimate: Estimate, whole: Spread, unit: str) -> str:
    """`, 4.1 of them for loading the model,`, in the unit of the whole; nothing if that is a small part of it."""
    load = estimate.load if unit.endswith("seconds") else estimate.load * (1 / 60)
    small = load.expected < SHOWN_LOAD * whole.expected
    return "" if small or not load.expected else f", {short(load.expected)} of them for loading the model,"


def _money(estimate: Estimate) -> str:
    money, comma = estimate.money, "" if estimate.device.kind == "hosted" else "; "
    if money is None:
        return "" if estimate.device.kind == "cpu" else f"{comma}no price is known for {estimate.device.name}"
    basis = BASIS["measured"] if money.basis == "measured" else f"published prices of {money.as_of}"
    return f"{comma}{_about(money.amount, money.currency)}, {basis}"


def _files(estimate: Estimate) -> str:
    basis = BASIS["measured"] if estimate.megabytes_measured else "usual for the format"
    return f"{_about(estimate.megabytes, 'MB')}, {basis}"


def _budget_row(estimate: Estimate) -> dict[str, str]:
    limits = estimate.budget.limits() if estimate.budget is not None else {}
    amounts = [_amount(name, value, estimate) for name, value in limits.items()]
    return {"budget": ", ".join(amounts)} if amounts else {}


def _expected(estimate: Estimate, name: str) -> float:
    if name == "gpu_minutes":
        return estimate.minutes.expected if estimate.minutes is not None else 0.0
    if name == "money":
        return estimate.money.amount.expected if estimate.money is not None else 0.0
    return float(estimate.pictures)


def _amount(name: str, value: float, estimate: Estimate) -> str:
    if name == "gpu_minutes":
        return f"{short(value)} {_unit(estimate).removesuffix('s' if short(value) == '1' else '')}"
    if name == "money":
        return f"{short(value)} {estimate.money.currency if estimate.money is not None else '(money)'}"
    return f"{value:,.0f} picture{'' if value == 1 else 's'}"


def _unit(estimate: Estimate) -> str:
    return "CPU minutes" if estimate.device.kind == "cpu" else "GPU minutes"


def _cores(count: int) -> str:
    return f"{count} core{'' if count == 1 else 's'}"


def _about(spread: Spread, unit: str) -> str:
    """`about 35 GPU minutes (28 to 52)`, or `under 0.01 GPU minutes`."""
    low, expected, high = short(spread.low), short(spread.expected), short(spread.high)
    about = expected if expected == TINY else f"about {expected}"
    unit = unit.removesuffix("s") if expected == "1" and unit.endswith(("minutes", "seconds")) else unit
    return f"{about} {unit}" if low == high else f"{about} {unit} ({low} to {high})"


def short(value: float) -> str:
    """Formats a number with two digits that count: `under 0.01`, `0.34`, `3.4`, `34`, `3,412`."""
    if value >= 9.95 or value == 0:
        return f"{value:,.0f}"
    return f"{value:.2g}" if value >= 0.01 else TINY
