"""The alerts of a platform: the rules, and what they say about a recording.

A rule for each kind of promise to users, and those of ``estate_alerts`` for what breaks none. No rule knows what was
broken. The rules read the metrics that
`emit.metrics` writes; their course is computed here from the recording's own state, which those metrics are made of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from brain_lab.emit.alert_rule import Rule
from brain_lab.emit.estate_alerts import estate_rules
from brain_lab.platforms.model import Platform, Slo
from brain_lab.replay.webhook import Firing, webhook_payload
from brain_lab.simulate.queueing import tail
from brain_lab.simulate.recording import TICK, Recording

Array = NDArray[np.float64]

WINDOW: Final = 120.0
"""Seconds over which the rules take rates."""

HOLD: Final = 60.0
"""Seconds for which the condition has to hold: `for`."""

SLOW_SHARE: Final = 0.05
"""Share of requests that may be slower than promised: it is a promise about the 95th percentile."""


@dataclass(frozen=True, slots=True)
class Episode:
    """A time during which an alert fired.

    Attributes:
        firing: The alert, with the moment at which it began to fire.
        until: Seconds since the epoch at which it stopped; None: it fires at the end.
    """

    firing: Firing
    until: float | None


def rules(platform: Platform) -> list[Rule]:
    """All rules of a platform."""
    return [*(rule for slo in platform.slos for rule in _rules_of(platform, slo)), *estate_rules(platform)]


def rules_document(platform: Platform) -> dict[str, Any]:
    """The rule file for a Prometheus, as data for YAML."""
    entries = [
        {
            "alert": rule.alert,
            "expr": rule.expression,
            "for": f"{HOLD:.0f}s",
            "labels": dict(rule.labels),
            "annotations": {"summary": rule.summary},
        }
        for rule in rules(platform)
    ]
    return {"groups": [{"name": f"{platform.name}-objectives", "interval": "15s", "rules": entries}]}


def episodes(recording: Recording) -> list[Episode]:
    """All times during which an alert fired, the first to fire first."""
    found = [
        Episode(Firing({**rule.labels, "alertname": rule.alert}, {"summary": rule.summary}, since), until)
        for rule in rules(recording.platform)
        for since, until in _spells(rule.broken(recording), recording.times)
    ]
    return sorted(
        found, key=lambda one: (one.firing.since, one.firing.labels.get("service", ""), one.firing.labels["alertname"])
    )


def firing(recording: Recording, at: float | None = None) -> list[Firing]:
    """The alerts that fire at a moment, the first to fire first.

    Args:
        recording: What happened.
        at: Seconds since the epoch; None: the end of the recording.
    """
    moment = float(recording.times[-1]) if at is None else at
    return [
        one.firing
        for one in episodes(recording)
        if one.firing.since <= moment and (one.until is None or one.until > moment)
    ]


def payload(platform: Platform, firings: Sequence[Firing]) -> dict[str, Any]:
    """The webhook payload, version 4, of what fires, as one group; at least one alert."""
    return webhook_payload(firings, {"cluster": platform.cluster})


def _rules_of(platform: Platform, slo: Slo) -> Iterator[Rule]:
    service = platform.service(slo.service)
    labels = {
        "cluster": platform.cluster,
        "namespace": service.namespace,
        "service": slo.service,
        "severity": slo.severity,
    }
    if slo.latency:
        words = f"{slo.service} answers more than 5 % of its requests slower than {slo.latency:g} s"
        yield Rule("ServiceLatencyObjective", _slow(slo), labels, words, partial(_is_slow, slo))
    if slo.error_ratio:
        words = f"{slo.service} fails more than {slo.error_ratio * 100:g} % of its requests"
        yield Rule("ServiceErrorObjective", _failing(slo), labels, words, partial(_is_failing, slo))
    if slo.lag_seconds:
        words = f"{slo.service} is more than {slo.lag_seconds:g} s behind its topic"
        yield Rule(
            "ConsumerFreshnessObjective", _behind(slo, service.consumes), labels, words, partial(_is_behind, slo)
        )


def _slow(slo: Slo) -> str:
    """Of requests that were answered well; the promised latency is a boundary of the histogram."""
    metric = f'http_server_request_duration_seconds_bucket{{service_name="{slo.service}",le='
    fast, answered = (f'sum(rate({metric}"{edge}"}}[2m]))' for edge in (slo.latency, "+Inf"))
    return f"1 - {fast} / {answered} > {SLOW_SHARE}"


def _failing(slo: Slo) -> str:
    metric = f'http_server_request_duration_seconds_count{{service_name="{slo.service}"'
    failed = f'sum(rate({metric},http_response_status_code=~"5.."}}[2m]))'
    return f"{failed} / sum(rate({metric}}}[2m])) > {slo.error_ratio:g}"


def _behind(slo: Slo, topic: str) -> str:
    lag = f'sum(kafka_consumergroup_lag{{consumergroup="{slo.service}"}})'
    coming = f'sum(rate(kafka_topic_partition_current_offset{{topic="{topic}"}}[5m]))'
    return f"{lag} / ({coming} > 0) > {slo.lag_seconds:g}"


def _is_behind(slo: Slo, recording: Recording) -> NDArray[np.bool_]:
    group = [consumer for _, consumer in recording.groups].index(slo.service)
    return np.asarray(recording.topics["delay"][:, group] > slo.lag_seconds)


def _is_failing(slo: Slo, recording: Recording) -> NDArray[np.bool_]:
    rate, overflow = recording.station(slo.service, "rate"), recording.station(slo.service, "overflow")
    failed = rate - recording.station(slo.service, "served") + overflow
    return _more_than(slo.error_ratio, failed, rate + overflow)


def _is_slow(slo: Slo, recording: Recording) -> NDArray[np.bool_]:
    rate, overflow = recording.station(slo.service, "rate"), recording.station(slo.service, "overflow")
    latency = np.maximum(recording.station(slo.service, "latency"), 1e-6)
    return _more_than(SLOW_SHARE, rate * tail(slo.latency / latency), rate + overflow)


def _more_than(limit: float, part: Array, whole: Array) -> NDArray[np.bool_]:
    """[T] whether, over the rule's window, the part is more of the whole than allowed."""
    total = _window(whole)
    return np.asarray((total > 0.0) & (_window(part) > limit * total))


def _window(values: Array) -> Array:
    """[T] sums over the rule's window; shorter at the start."""
    width = int(WINDOW / TICK)
    sums = np.concatenate([np.zeros(width), np.cumsum(values)])
    return np.asarray(sums[width:] - sums[:-width])


def _spells(broken: NDArray[np.bool_], times: Array) -> Iterator[tuple[float, float | None]]:
    """(first firing, first no longer) of all spells that lasted for `for`."""
    edges = np.flatnonzero(np.diff(broken.astype(np.int8), prepend=0, append=0))
    for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        since = float(times[first]) + HOLD
        until = float(times[last]) if last < len(times) else None
        if since <= (until if until is not None else float(times[-1])):
            yield since, until
