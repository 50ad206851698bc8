"""What was spent: one amount for a period and what it is split by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta


@dataclass(frozen=True, slots=True)
class Key:
    """What an amount is for; empty where it is not split by that.

    Attributes:
        tag: ``key=value`` of a tag; with it, neither region nor service is given.
    """

    account: str
    cost_type: str
    currency: str
    service: str = ""
    region: str = ""
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Amount:
    """One amount of one period."""

    begin: datetime
    end: datetime
    key: Key
    amount: float
    quantity: float | None = None
    unit: str = ""


Daily = dict[Key, dict[date, float]]


def daily(amounts: Iterable[Amount]) -> Daily:
    """By key and day."""
    found: Daily = {}
    for each in amounts:
        days = found.setdefault(each.key, {})
        day = each.begin.date()
        days[day] = days.get(day, 0.0) + each.amount
    return found


def last_complete_day(now: float, delay_hours: float) -> date:
    """The newest day whose costs have come."""
    settled = datetime.fromtimestamp(now, UTC) - timedelta(hours=delay_hours)
    return settled.date() - timedelta(days=1)
