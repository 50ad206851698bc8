"""Gauges from what the sources said last; a fresh set at each scrape."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from brain_common.spikes import DAY, judge
from brain_exporters.cost.model import Anomaly, Budget, Charge, Forecast, Hour, Snapshot
from brain_exporters.cost.workloads import Shares
from brain_exporters.runtime.counters import OTHER

_COST: Final = ("account_id", "region", "service", "cost_type", "currency")
_MONTHS: Final = {"MONTHLY": 1, "QUARTERLY": 3, "ANNUALLY": 12}
Series = tuple[str, ...]


def bounded(values: Mapping[Series, float], top: int, kept: int = 0) -> dict[Series, float]:
    """The largest ``top`` series; the others are summed under ``other``.

    Args:
        values: By labels.
        top: How many keep their labels.
        kept: How many trailing labels are kept, such as the currency: other currencies cannot be added.
    """
    ranked = sorted(values, key=lambda labels: (-abs(values[labels]), labels))
    found = {labels: values[labels] for labels in ranked[:top]}
    for labels in ranked[top:]:
        cut = len(labels) - kept
        place = (OTHER,) * cut + labels[cut:]
        found[place] = found.get(place, 0.0) + values[labels]
    return found


def charges(all_charges: Sequence[Charge], day: int, top: int) -> Iterator[Metric]:
    """Last complete day (its begin is ``day``), month to date, tags, and spikes."""
    month = int(datetime.fromtimestamp(day, UTC).replace(day=1).timestamp())
    whole = [charge for charge in all_charges if not charge.tag[0]]
    daily = _summed(charge for charge in whole if charge.day == day)
    to_date = _summed(charge for charge in whole if month <= charge.day <= day)
    yield _family("cost_amount", "Cost of the last complete day, in currency.", _COST, bounded(daily, top, 2))
    yield _family(
        "cost_month_to_date_amount",
        "Cost from the first of the month of the last complete day to that day's end, in currency.",
        _COST,
        bounded(to_date, top, 2),
    )
    yield GaugeMetricFamily("cost_day_timestamp_seconds", "Begin of the last complete day.", value=day)
    yield from _tagged([charge for charge in all_charges if charge.tag[0] and charge.day == day], top)
    yield from _spikes(whole, day, top)


def _tagged(charges_of_day: Sequence[Charge], top: int) -> Iterator[Metric]:
    keys = sorted({charge.tag[0] for charge in charges_of_day})
    if not keys:
        return
    names = [f"tag_{re.sub(r'[^a-zA-Z0-9_]', '_', key)}" for key in keys]
    values: dict[Series, float] = defaultdict(float)
    for charge in charges_of_day:
        tags = tuple(charge.tag[1] if key == charge.tag[0] else "" for key in keys)
        values[(*tags, charge.account_id, charge.service, charge.cost_type, charge.currency)] += charge.amount
    labels = (*dict.fromkeys(names), "account_id", "service", "cost_type", "currency")
    if len(labels) != len(keys) + 4:  # two tags differ only in what a label cannot hold
        labels = (*(f"{name}_{place}" for place, name in enumerate(names)), *labels[-4:])
    text = "Cost of the last complete day by one tag, in currency; tags that were not asked for are empty."
    yield _family("cost_tagged_amount", text, labels, bounded(values, top, 2))


def _spikes(whole: Iterable[Charge], day: int, top: int) -> Iterator[Metric]:
    series: dict[Series, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for charge in whole:
        series[charge.account_id, charge.service, charge.cost_type, charge.currency][charge.day] += charge.amount
    first = min((min(days) for days in series.values()), default=day)
    score, excess = {}, {}
    for labels, days in series.items():
        spike = judge([days.get(each, 0.0) for each in range(first, day + 1, DAY)]) if first < day else None
        if spike is not None:
            score[labels], excess[labels] = spike.score, spike.excess
    largest = sorted(score, key=lambda labels: (-excess[labels], -score[labels], labels))[:top]
    names = ("account_id", "service", "cost_type", "currency")
    yield _family(
        "cost_spike_score",
        "How far the last complete day is above its like, in robust standard deviations; 0: not above.",
        names,
        {labels: score[labels] for labels in largest},
    )
    yield _family(
        "cost_spike_excess_amount",
        "By how much the last complete day is above its like, in currency.",
        names,
        {labels: excess[labels] for labels in largest},
    )


def hours(found: Sequence[Hour], top: int) -> Iterator[Metric]:
    """The newest hour; where accounts lag differently, that of each."""
    values: dict[Series, float] = defaultdict(float)
    for each in found:
        values[each.account_id, each.region, each.service, each.cost_type, each.currency] += each.amount
    yield _family("cost_hourly_amount", "Cost of the newest hour that has costs.", _COST, bounded(values, top, 2))
    newest = max((each.begin for each in found), default=0)
    yield GaugeMetricFamily("cost_hour_timestamp_seconds", "Begin of the newest hour that has costs.", value=newest)


def forecasts(found: Sequence[Forecast]) -> Iterator[Metric]:
    """Cost Explorer's."""
    yield _family(
        "cost_forecast_amount",
        "Cost that AWS expects from today to the end of the month, in currency.",
        ("account_id", "cost_type", "currency"),
        {(each.account_id, each.cost_type, each.currency): each.amount for each in found},
    )


def budgets(found: Sequence[Budget], now: float, top: int) -> Iterator[Metric]:
    """Limits, what is spent of them, and how fast."""
    names = ("account_id", "budget", "time_unit", "currency")
    kept = sorted(found, key=lambda each: -each.actual)[:top]
    key: dict[Budget, Series] = {each: (each.account_id, each.name, each.time_unit, each.currency) for each in kept}
    spent = {each: gone for each in kept if (gone := elapsed(each.time_unit, now)) and each.limit > 0}
    for name, text, values in (
        ("limit_amount", "What the budget allows in its period, in currency.", {key[b]: b.limit for b in kept}),
        ("actual_amount", "What is spent in the running period, in currency.", {key[b]: b.actual for b in kept}),
        (
            "forecast_amount",
            "What AWS expects for the whole period, in currency.",
            {key[b]: b.forecast for b in kept if b.forecast is not None},
        ),
        (
            "burn_rate",
            "Part of the limit that is spent, over the part of the period that is gone; above 1 it will not last.",
            {key[b]: b.actual / b.limit / gone for b, gone in spent.items()},
        ),
        ("alert_state", "1 when a notification's threshold is passed, else 0.", {key[b]: float(b.alarm) for b in kept}),
    ):
        yield _family(f"cost_budget_{name}", text, names, values)


def elapsed(time_unit: str, now: float) -> float | None:
    """Part of a calendar period that is gone, at least one day's; None where AWS' period is no calendar's."""
    today = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if time_unit == "DAILY":
        begin, end = today, today + timedelta(days=1)
    elif months := _MONTHS.get(time_unit):
        first = (today.month - 1) // months * months + 1
        begin = today.replace(month=first, day=1)
        after = first + months
        end = begin.replace(year=begin.year + (after > 12), month=(after - 1) % 12 + 1)
    else:
        return None
    length = (end - begin).total_seconds()
    return max(now - begin.timestamp(), min(DAY, length)) / length


def anomalies(found: Sequence[Anomaly], top: int) -> Iterator[Metric]:
    """Open ones, summed by what they are about."""
    values: dict[Series, float] = defaultdict(float)
    for each in found:
        values[each.account_id, each.region, each.service, "USD"] += each.impact
    yield _family(
        "cost_anomaly_impact_amount",
        "Cost beyond what AWS expected, of anomalies that have not ended, in currency.",
        ("account_id", "region", "service", "currency"),
        bounded(values, top, 1),
    )


def workloads(found: Shares, currency: str, top: int) -> Iterator[Metric]:
    """Who has how much of the nodes."""
    workload, node = ("namespace", "kind", "name", "currency"), ("node", "currency")
    for name, text, labels, values in (
        ("cost_workload_amount_per_hour", "Workload's part of its nodes' price.", workload, found.workloads),
        ("cost_workload_waste_amount_per_hour", "Part of it that is requested and unused.", workload, found.waste),
    ):
        summed: dict[Series, float] = {(*each, currency): value for each, value in values.items()}
        yield _family(name, f"{text[:-1]}, in currency an hour.", labels, bounded(summed, top, 1))
    for name, text, nodes in (
        ("cost_node_amount_per_hour", "Price of the node, in currency an hour.", found.nodes),
        ("cost_node_idle_amount_per_hour", "Part of it that no workload has, in currency an hour.", found.idle),
    ):
        values_of_nodes: dict[Series, float] = {(each, currency): value for each, value in nodes.items()}
        yield _family(name, text, node, bounded(values_of_nodes, top, 1))
    ranked = sorted(found.per_request, key=lambda each: -found.per_request[each])[:top]
    yield _family(
        "cost_per_request_amount",
        "Cost of one request to the workload, in currency.",
        workload,
        {(*each, currency): found.per_request[each] for each in ranked},
    )
    yield GaugeMetricFamily("cost_nodes_unpriced", "Nodes whose price is not known.", value=found.unpriced)


def ages(snapshots: Mapping[str, Snapshot], now: float) -> Iterator[Metric]:
    """How old what is shown is."""
    yield _family(
        "cost_data_age_seconds",
        "Since the values of this source were retrieved.",
        ("source",),
        {(source,): max(0.0, now - each.retrieved_at) for source, each in snapshots.items()},
    )


def _summed(some: Iterable[Charge]) -> dict[Series, float]:
    values: dict[Series, float] = defaultdict(float)
    for each in some:
        values[each.account_id, each.region, each.service, each.cost_type, each.currency] += each.amount
    return values


def _family(name: str, text: str, labels: Sequence[str], values: Mapping[Series, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=labels)
    for each, value in values.items():
        family.add_metric(each, value)
    return family
