"""Readings as families."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Final

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from brain_exporters.cost.amounts import Daily
from brain_exporters.cost.client import Anomaly, Budget
from brain_exporters.cost.config import SpikeSettings
from brain_exporters.cost.spikes import judge
from brain_exporters.cost.utilization import Usage

_SPLIT: Final = ["account_id", "region", "service", "cost_type", "currency"]


def spent(daily: Daily, day: date, tags: Sequence[str], settings: SpikeSettings) -> Iterable[Metric]:
    """Amounts of the last complete day and of the month so far, and spikes."""
    amount = GaugeMetricFamily("cost_daily_amount", "Spent on the last complete day.", labels=_SPLIT)
    month = GaugeMetricFamily("cost_month_to_date_amount", "Spent since the month began.", labels=_SPLIT)
    expected = GaugeMetricFamily(
        "cost_expected_amount", "What would be usual for the last complete day.", labels=_SPLIT
    )
    score = GaugeMetricFamily(
        "cost_spike_score", "Deviations of the last complete day from the usual; negative: less.", labels=_SPLIT
    )
    excess = GaugeMetricFamily(
        "cost_spike_excess_amount", "Spent beyond the usual on the last complete day; 0: no spike.", labels=_SPLIT
    )
    tagged = GaugeMetricFamily(
        "cost_tag_daily_amount",
        "Spent on the last complete day, by tag.",
        labels=["account_id", *(f"tag_{label(tag)}" for tag in tags), "cost_type", "currency"],
    )
    for key, days in daily.items():
        if key.tag:
            name, _, value = key.tag.partition("=")
            values = [value if tag == name else "" for tag in tags]
            tagged.add_metric([key.account, *values, key.cost_type, key.currency], days.get(day, 0.0))
            continue
        labels = [key.account, key.region, key.service, key.cost_type, key.currency]
        amount.add_metric(labels, days.get(day, 0.0))
        month.add_metric(
            labels, sum(value for at, value in days.items() if (at.year, at.month) == (day.year, day.month))
        )
        found = judge(days, day, settings) if key.service else None
        if found is not None:
            expected.add_metric(labels, found.expected)
            score.add_metric(labels, found.score)
            excess.add_metric(labels, found.excess)
    yield from (amount, month, expected, score, excess)
    if tags:
        yield tagged


def forecast(found: Mapping[tuple[str, str], tuple[float, str]]) -> Metric:
    """By account and cost type."""
    family = GaugeMetricFamily(
        "cost_forecast_amount",
        "What the rest of the month is expected to cost.",
        labels=["account_id", "cost_type", "currency"],
    )
    for (account, cost_type), (amount, currency) in found.items():
        family.add_metric([account, cost_type, currency], amount)
    return family


def budgets(found: Iterable[Budget]) -> Iterable[Metric]:
    """Limits, what is spent of them, and alerts."""
    labels = ["account_id", "budget", "unit"]
    limit = GaugeMetricFamily("cost_budget_limit_amount", "Limit of the budget, in its unit.", labels=labels)
    actual = GaugeMetricFamily("cost_budget_actual_amount", "Spent of the budget.", labels=labels)
    expected = GaugeMetricFamily("cost_budget_forecast_amount", "What AWS expects at the period's end.", labels=labels)
    burn = GaugeMetricFamily(
        "cost_budget_burn_rate",
        "Part of the budget spent over part of its period gone: above 1 it will not last.",
        labels=labels,
    )
    alert = GaugeMetricFamily(
        "cost_budget_alert",
        "1 while the threshold of a notification is exceeded, else 0.",
        labels=["account_id", "budget", "notification_type", "threshold"],
    )
    for each in found:
        at = [each.account, each.name, each.unit]
        limit.add_metric(at, each.limit)
        actual.add_metric(at, each.actual)
        if each.forecast is not None:
            expected.add_metric(at, each.forecast)
        if each.limit > 0:
            burn.add_metric(at, each.actual / each.limit / each.elapsed)
        for kind, threshold, exceeded in each.alerts:
            alert.add_metric([each.account, each.name, kind, threshold], float(exceeded))
    return (limit, actual, expected, burn, alert)


def anomalies(found: Iterable[Anomaly]) -> Metric:
    """Impact by where it is."""
    family = GaugeMetricFamily(
        "cost_anomaly_impact_amount",
        "Spent beyond what AWS' own anomaly detection expected, of the last days.",
        labels=["account_id", "region", "service"],
    )
    summed: dict[tuple[str, str, str], float] = {}
    for each in found:
        key = (each.account, each.region, each.service)
        summed[key] = summed.get(key, 0.0) + each.impact
    for key, impact in summed.items():
        family.add_metric(list(key), impact)
    return family


def usage(found: Usage, currency: str) -> Iterable[Metric]:
    """Cost of workloads and of what nobody uses."""
    labels = ["namespace", "kind", "name", "currency"]
    cost = GaugeMetricFamily("cost_workload_hourly_amount", "Cost of the workload's pods per hour.", labels=labels)
    waste = GaugeMetricFamily(
        "cost_workload_waste_hourly_amount", "Part of it that is asked for and not used, per hour.", labels=labels
    )
    idle = GaugeMetricFamily(
        "cost_node_idle_hourly_amount", "What nobody takes of the node, per hour.", labels=["node", "currency"]
    )
    request = GaugeMetricFamily("cost_request_amount", "Cost of one request to the workload.", labels=labels)
    for key, amount in found.workloads.items():
        cost.add_metric([*key, currency], amount)
        waste.add_metric([*key, currency], found.waste[key])
        rate = found.requests.get((key[0], key[2]), 0.0)
        if rate > 0:
            request.add_metric([*key, currency], amount / (rate * 3600))
    for node, amount in found.idle.items():
        idle.add_metric([node, currency], amount)
    unpriced = GaugeMetricFamily(
        "cost_nodes_without_price", "Nodes left out, for no price is known.", value=found.unpriced
    )
    return (cost, waste, idle, request, unpriced)


def label(tag: str) -> str:
    """A tag's key as part of a label's name, as YACE writes it."""
    return "".join(char if char.isascii() and char.isalnum() else "_" for char in tag)
