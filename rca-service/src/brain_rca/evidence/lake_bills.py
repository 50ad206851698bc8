"""Days that cost more than such days do, from the bills in the lake: a score per entity, and an event for each spike.

A bill comes a day late and is corrected for days. So a score is what could be known at each time of the window: it
changes when the bill was read, not when the money was spent, and what was read later is not looked at. A line of the
bill is about the entity that its tag names, else about the service of the account.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from brain_common.entity import Entity, EntityKind
from brain_common.spikes import DAY, Spike, judge, last_complete
from brain_engine.series import Array, Direction, EventKind, Family, Signal
from brain_lake.reader import LakeReader
from brain_rca.evidence.assemble import grid
from brain_rca.evidence.catalogue import Combine
from brain_rca.evidence.lake_names import entity_of_row
from brain_rca.evidence.protocol import Window
from brain_rca.evidence.raw import RawEvent, RawEvidence, RawPanel

Row = dict[str, Any]

SCORE: Final = Signal("bill_spike_score", Family.COST, "1", Direction.UP, least=1.0)
_COMPARED: Final = 43 * DAY  # six weeks, and the day that is compared with them
_DELAY_HOURS: Final = 24.0  # how long after its end a day is still incomplete, as the cost exporter takes it
_WORTH_TELLING: Final = 4.0  # robust standard deviations


@dataclass(frozen=True, slots=True)
class _Bill:
    """One sort of amounts of one entity, by day: as it was known before the window, and as it is at its end."""

    entity: Entity
    service: str
    currency: str
    before: Mapping[int, float]
    now: Mapping[int, float]
    told: float | None


def bills(reader: LakeReader, window: Window) -> RawEvidence:
    """What the bills say of a window."""
    rows = reader.bills(window.end - _COMPARED, window.end, window.baseline_start).to_pylist()
    found = list(_bills(rows))
    if not found:
        return RawEvidence()
    values = np.stack([_scores(one, window) for one in found])
    events = [event for one in found for event in _spiked(one, window)]
    return RawEvidence(panels=[RawPanel(SCORE, Combine.MAX, [one.entity for one in found], values)], events=events)


def _bills(rows: Iterable[Row]) -> Iterable[_Bill]:
    """Cost types are views of the same money, so each is a bill of its own; unknown kinds of entities have none."""
    grouped: dict[tuple[Entity, str, str, str], list[Row]] = {}
    for row in rows:
        with contextlib.suppress(ValueError):
            key = (_entity(row), row["service"], row["cost_type"], row["currency"])
            grouped.setdefault(key, []).append(row)
    for (entity, service, _, currency), days in grouped.items():
        before = {int(row["day"]): row["before"] for row in days}
        now = {int(row["day"]): row["amount"] for row in days}
        told = min((row["told"] for row in days if row["told"] is not None), default=None)
        yield _Bill(entity, service, currency, before, now, told)


def _entity(row: Row) -> Entity:
    if row["name"] == row["account_id"]:
        return Entity(row["cluster"], row["account_id"], EntityKind.CLOUD_RESOURCE, row["service"])
    return entity_of_row(row)


def _scores(bill: _Bill, window: Window) -> Array:
    """[T] NaN where there are too few days to compare with."""
    times = grid(window)
    before = _judged(bill.before, window.baseline_start)
    now = _judged(bill.now, window.end)
    values = np.full(len(times), np.nan if before is None else before.score)
    values[times >= _known_from(bill, window)] = np.nan if now is None else now.score
    return values


def _judged(days: Mapping[int, float], at: float) -> Spike | None:
    """The last day that is complete at a moment."""
    first, last = min(days), last_complete(at, _DELAY_HOURS)
    return judge([days.get(day, 0.0) for day in range(first, last + 1, DAY)]) if first < last else None


def _known_from(bill: _Bill, window: Window) -> float:
    """From when on the amounts of the window's end were known: a line was read, or a day became complete."""
    complete = last_complete(window.end, _DELAY_HOURS) + (_DELAY_HOURS * 3600.0 + DAY)
    moments = [moment for moment in (bill.told, complete) if moment is not None and moment > window.baseline_start]
    return max(moments, default=window.baseline_start)


def _spiked(bill: _Bill, window: Window) -> list[RawEvent]:
    """Of a spike that was not known before."""
    spike = _judged(bill.now, window.end)
    if spike is None or not _is_worth_telling(spike) or _is_worth_telling(_judged(bill.before, window.baseline_start)):
        return []
    last = last_complete(window.end, _DELAY_HOURS)
    day = datetime.fromtimestamp(last, UTC).date().isoformat()
    message = (
        f"{bill.service} cost {bill.now.get(last, 0.0):.2f} {bill.currency} on {day}, "
        f"{spike.excess:.2f} more than such days do"
    )
    at = _known_from(bill, window)
    return [RawEvent(at, bill.entity, "CostSpike", message, "", EventKind.COST, warning=True)]


def _is_worth_telling(spike: Spike | None) -> bool:
    return spike is not None and spike.score >= _WORTH_TELLING
