"""What a run has spent, and how many more pictures its budget allows."""

from __future__ import annotations

import math
from dataclasses import dataclass

from brandpress.model.errors import RequestError
from brandpress.pipeline.deliver.record import Record
from brandpress.pipeline.plan.cost.prices import Prices
from brandpress.pipeline.spec.budget import Budget


@dataclass(frozen=True, slots=True)
class Spent:
    """gpu_minutes: of all devices together, loading models included; None for hosted tiers. pictures: rendered,
    failures included. money: in `currency`; None if no price is known. unit: GPU or CPU minutes."""

    gpu_minutes: float | None
    pictures: int
    money: float | None
    currency: str
    unit: str = "GPU minutes"


class Spending:
    """Adds up the workers' times and the pictures' prices. A run has one, whatever its workers."""

    def __init__(
        self, budget: Budget | None, prices: Prices, *, hosted: bool = False, picture_price: float | None = None
    ) -> None:
        """hosted: a hosted tier renders. picture_price: what it charges for the dearest picture, as far as published.

        Raises RequestError for a budget that can't be followed.
        """
        self._budget, self._prices = budget or Budget(), prices
        self._hosted, self._picture_price = hosted, picture_price
        self._hours: dict[str, float | None] = {}
        self._shares: dict[str, float] = {}
        self._since: dict[str, float] = {}
        self._loading_minutes = self._minutes = 0.0
        self._loading_money = self._money = 0.0
        self._priced = False
        self._pictures = 0
        self._unit = "GPU minutes"
        if hosted and self._budget.gpu_minutes is not None:
            raise RequestError(
                "budget.gpu_minutes: a hosted tier uses no GPU here; set budget.money or budget.pictures"
            )
        if hosted and self._budget.money is not None and picture_price is None:
            raise RequestError("budget.money: no price of this tier is known; name one with --prices, or remove it")

    def use_cpu(self) -> None:
        """Counts minutes of a CPU. Raises RequestError if money is limited and workers on a CPU have no price."""
        self._unit = "CPU minutes"
        if self._budget.money is not None and not self._hosted and self._prices.gpu_hour("cpu") is None:
            raise RequestError(
                "budget.money: no price is known for a CPU; set budget.gpu_minutes instead, or name a price with "
                "`--prices FILE` (gpu_hours: {cpu: 0.1})"
            )

    def begin(self, worker: str, now: float, share: float = 1.0) -> None:
        """`worker` begins to load its model, or gets work after it had none. share: its part of a device."""
        self._since[worker], self._shares[worker] = now, share

    def add_lost_time(self, worker: str, now: float) -> None:
        """`worker` was lost while it loaded its model or had work. What it hasn't reported counts, too.

        One that hadn't loaded its model costs as much as the dearest of this run's workers.
        """
        seconds = now - self._since.pop(worker, now)
        if self._hosted:
            return
        if worker in self._hours:
            self.add_work(worker, seconds, now)
        else:
            self._hours[worker] = max((hour for hour in self._hours.values() if hour is not None), default=None)
            self._add_loading(worker, seconds)

    def add_worker(self, worker: str, device: str, seconds: float, share: float = 1.0) -> str | None:
        """A worker has loaded its model in `seconds`. share: its part of a device. Returns a warning, if there is one.

        With a budget of money, a GPU without a price counts as the dearest one, so that the budget holds.
        """
        if self._hosted:
            return None
        price, dearest, warning = self._prices.gpu_hour(device), self._prices.dearest_hour, None
        if price is None and dearest is not None and self._budget.money is not None:
            price = dearest
            warning = (
                f"no price is known for {device}; it counts {price.expected:g} {self._prices.currency} an hour, as the "
                "dearest one that is known (--prices FILE names yours)"
            )
        self._hours[worker], self._shares[worker] = None if price is None else price.expected, share
        self._add_loading(worker, seconds)
        return warning

    def _add_loading(self, worker: str, seconds: float) -> None:
        self._loading_minutes += seconds * self._shares.get(worker, 1.0) / 60
        self._loading_money += self._worth(worker, seconds)

    def add_work(self, worker: str, busy: float, now: float) -> None:
        """A worker reports that it has had work for `busy` seconds until now."""
        self._since[worker] = now
        if not self._hosted:
            self._minutes += busy * self._shares.get(worker, 1.0) / 60
            self._money += self._worth(worker, busy)

    def add_record(self, record: Record) -> None:
        """A picture has been rendered, or has failed."""
        self._pictures += 1
        if self._hosted and record.status == "done":
            charged = None if record.cost is None or self._prices.credit is None else record.cost * self._prices.credit
            amount = charged if charged is not None else self._picture_price
            self._money += amount or 0.0
            self._priced = self._priced or amount is not None

    def add_given_up(self) -> None:
        """A picture whose workers were lost, or ran out of memory, is given up."""
        self._pictures += 1

    def _worth(self, worker: str, seconds: float) -> float:
        hour = self._hours.get(worker)
        if hour is None:
            return 0.0
        self._priced = True
        return hour * seconds * self._shares.get(worker, 1.0) / 3600

    @property
    def spent(self) -> Spent:
        """What has been spent so far."""
        minutes = None if self._hosted else self._loading_minutes + self._minutes
        money = self._loading_money + self._money if self._priced else None
        return Spent(minutes, self._pictures, money, self._prices.currency, self._unit)

    @property
    def limits(self) -> str:
        """The budget in words: `30 GPU minutes, 500 pictures`."""
        pictures = "picture" if self._budget.pictures == 1 else "pictures"
        units = {"gpu_minutes": self._unit, "pictures": pictures, "money": self._prices.currency}
        return ", ".join(f"{value:,.15g} {units[name]}" for name, value in self._budget.limits().items())

    @property
    def exhausted(self) -> bool:
        """Whether a limit has been reached by what is spent."""
        budget, spent = self._budget, self.spent
        amounts = (
            (spent.gpu_minutes, budget.gpu_minutes),
            (spent.pictures, budget.pictures),
            (spent.money, budget.money),
        )
        return any(limit is not None and (amount or 0.0) >= limit for amount, limit in amounts)

    def room(self, in_flight: int, workers: int) -> int | None:
        """Returns how many more pictures may be handed out; None if there is no limit.

        in_flight: pictures that workers have been given and haven't answered for; each is expected to take the mean of
        those before. Until one has been measured, each of the `workers` gets one picture at a time.
        """
        budget, spent = self._budget, self.spent
        rooms = []
        if budget.pictures is not None:
            rooms.append(budget.pictures - self._pictures - in_flight)
        if budget.gpu_minutes is not None:
            left = budget.gpu_minutes - (spent.gpu_minutes or 0.0)
            rooms.append(self._affordable(left, self._mean(self._minutes), in_flight, workers))
        if budget.money is not None:
            mean = self._mean(self._money) or self._picture_price
            rooms.append(self._affordable(budget.money - (spent.money or 0.0), mean, in_flight, workers))
        return max(0, min(rooms)) if rooms else None

    def _mean(self, amount: float) -> float | None:
        """Returns the mean per picture; None as long as nothing has been measured."""
        return amount / self._pictures if self._pictures and amount else None

    @staticmethod
    def _affordable(left: float, each: float | None, in_flight: int, workers: int) -> int:
        if left <= 0:
            return 0
        affordable = max(1, workers) if each is None else math.floor(left / each + 1e-9)
        return affordable - in_flight
