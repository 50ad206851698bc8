"""Alert rules for a replayed case, with thresholds from its normal period, and what they say at its end.

A recorded alert (PetShop's target) is a fact whose threshold was not recorded: the strictest rung of a
ladder that the incident exceeds is taken for it. Without one, every service gets the generic symptom rules
a platform team would write, on its slowest known latency and on its error ratio; only where the users'
symptoms were not recorded at all do CPU and memory have to raise the alarm. No rule looks at where the
fault was injected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from brain_lab.recorded.model import AlertTarget, Array, Measure, RecordedCase, SeriesKey
from brain_lab.replay.openmetrics import label_text
from brain_lab.replay.series import METRICS, NAMESPACE, labels_of
from brain_lab.replay.timeline import Timeline

FACTOR: Final = 1.2
"""Generic rules fire above this times the normal 99th percentile: clear of its own noise."""

LADDER: Final = ((1.5, 0.99), (1.2, 0.99), (1.0, 0.99), (1.0, 0.95), (1.0, 0.9), (1.0, 0.75), (1.0, 0.5))
"""For a recorded alert: (factor, percentile of the normal period), strictest first."""

LEAST_ERROR_RATIO: Final = 0.01
"""No generic rule fires on fewer errors, however clean the normal period was."""

GENERIC_WINDOW: Final = 300.0
"""Seconds a generic rule averages over."""

TARGET_STEPS: Final = 4
"""A recorded alert looks at the worst of so many rows: recordings go on after the service has recovered."""

_WORST_LATENCY_FIRST: Final = (
    Measure.LATENCY_P99,
    Measure.LATENCY_P95,
    Measure.LATENCY_P90,
    Measure.LATENCY_MEAN,
    Measure.LATENCY_P50,
)
_ALERTS: Final = {
    Measure.REQUEST_RATE: "ServiceRequestRateHigh",
    Measure.ERROR_RATIO: "ServiceErrorRatioHigh",
    Measure.CPU: "ContainerCpuHigh",
    Measure.MEMORY: "ContainerMemoryHigh",
}
_WORDS: Final = {
    Measure.REQUEST_RATE: "requests per second",
    Measure.ERROR_RATIO: "share of failed requests",
    Measure.CPU: "CPU cores in use",
    Measure.MEMORY: "bytes of memory in use",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One alert rule, and its course over the replay.

    Attributes:
        key: The series it watches.
        threshold: It fires above.
        expression: PromQL.
        severity: `critical` for what users feel, else `warning`.
        observed: [T] the left side of the comparison.
    """

    key: SeriesKey
    threshold: float
    expression: str
    severity: str
    observed: Array

    @property
    def alert(self) -> str:
        """Its name."""
        return _ALERTS.get(self.key.measure, "ServiceLatencyHigh")

    @property
    def labels(self) -> dict[str, str]:
        """What the rule adds to the labels of its series."""
        return {"namespace": NAMESPACE, "service": self.key.entity, "severity": self.severity}

    @property
    def summary(self) -> str:
        """One sentence for people."""
        return f"{self.key.entity}: {_words(self.key.measure)} above {self.threshold:.3g}"

    @property
    def firing_since(self) -> int | None:
        """The sample from which on it fires until the end; None when it does not fire at the end."""
        quiet = np.flatnonzero(~(self.observed > self.threshold))
        first = int(quiet[-1]) + 1 if len(quiet) else 0
        return first if first < len(self.observed) else None


def rules_for(timeline: Timeline) -> list[Rule]:
    """The rules that suit the case; at least one fires at its end unless nothing rose at all."""
    case = timeline.case
    if case.target is not None:
        return _target_rules(timeline, case.target)
    symptoms = _generic_rules(timeline, _symptom_keys(timeline.keys))
    if any(rule.firing_since is not None for rule in symptoms):
        return symptoms
    resources = [key for key in timeline.keys if key.measure in (Measure.CPU, Measure.MEMORY)]
    return symptoms + _generic_rules(timeline, resources)


def _symptom_keys(keys: Iterable[SeriesKey]) -> list[SeriesKey]:
    known = set(keys)
    found = []
    for service in sorted({key.entity for key in known}):
        latencies = [SeriesKey(service, measure) for measure in _WORST_LATENCY_FIRST]
        found += [key for key in latencies if key in known][:1]
        found += [key for key in [SeriesKey(service, Measure.ERROR_RATIO)] if key in known]
    return found


def _generic_rules(timeline: Timeline, keys: Iterable[SeriesKey]) -> list[Rule]:
    rules = []
    for key in keys:
        threshold = _threshold(timeline.case, key, FACTOR, 0.99)
        if key.measure is Measure.ERROR_RATIO:
            threshold = max(threshold, LEAST_ERROR_RATIO)
        if threshold > 0.0:
            rules.append(_generic_rule(timeline, key, threshold))
    return rules


def _generic_rule(timeline: Timeline, key: SeriesKey, threshold: float) -> Rule:
    selector = METRICS[key.measure].name + label_text(labels_of(key))
    window = f"[{GENERIC_WINDOW:.0f}s]"
    over_time = f"avg_over_time({selector}{window})"
    if METRICS[key.measure].counter:
        over_time = f"rate({selector}{window})"
    severity = "warning" if METRICS[key.measure].of_pod else "critical"
    observed = _over_window(timeline, key, GENERIC_WINDOW, np.nanmean)
    return Rule(key, threshold, f"{over_time} > {threshold!r}", severity, observed)


def _target_rules(timeline: Timeline, target: AlertTarget) -> list[Rule]:
    key = SeriesKey(*target)
    window = TARGET_STEPS * timeline.case.step
    observed = _over_window(timeline, key, window, np.nanmax)
    rungs = [_threshold(timeline.case, key, factor, percentile) for factor, percentile in LADDER]
    threshold = next((rung for rung in rungs if observed[-1] > rung), rungs[-1])
    selector = METRICS[key.measure].name + label_text(labels_of(key))
    expression = f"max_over_time({selector}[{window:.0f}s]) > {threshold!r}"
    return [Rule(key, threshold, expression, "critical", observed)]


def _threshold(case: RecordedCase, key: SeriesKey, factor: float, percentile: float) -> float:
    """0 where the series was not recorded in the normal period; six digits, so that PromQL sees the same."""
    normal = case.normal.values.get(key)
    if normal is None or not np.isfinite(normal).any():
        return 0.0
    return float(f"{factor * float(np.nanquantile(normal, percentile)):.6g}")


def _over_window(timeline: Timeline, key: SeriesKey, seconds: float, reduce: Callable[..., Array]) -> Array:
    """What an `…_over_time` function sees at each time; NaN where its window holds no sample."""
    width = round(seconds / timeline.scrape_seconds)
    padded = np.concatenate([np.full(width - 1, np.nan), timeline.values(key)])
    windows = sliding_window_view(padded, width)
    seen = ~np.isnan(windows).all(axis=1)
    result = np.full(len(timeline.times), np.nan)
    result[seen] = reduce(windows[seen], axis=1)
    return result


def _words(measure: Measure) -> str:
    return _WORDS.get(measure, f"{measure.value.replace('_', ' ')} in seconds")
