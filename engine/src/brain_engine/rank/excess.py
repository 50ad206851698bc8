"""How much slower and how much more failing each entity is than usual, while what alerts is in trouble.

An entity that answers ``rate`` requests a second, each ``latency - usual`` seconds slower than usual, makes the system
wait ``rate * (latency - usual)`` seconds each second; the same holds for errors. This quantity, the excess, adds up
along a call graph: what a callee loses, its caller waits for. The excess of what alerts, as a profile over time, says
which moments count; no onset has to be given.

Where a caller runs out of workers, its excess is far larger than what its callees cost it. So the factor of the
slowdown is kept beside the mass: a caller that became 38 times as slow behind a callee that became 10 times as slow is
no riddle, whatever the sums say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from brain_engine.anomaly.counting import most_nats
from brain_engine.anomaly.quantiles import quantiles
from brain_engine.deviations import Detector
from brain_engine.measured import measured
from brain_engine.rank.protocol import Situation
from brain_engine.series import Array, Direction, Evidence, Family, Panel, Signal

SIGNIFICANT = 3.0  # nats at which an excess is taken for real: 1 in 20 by chance
RATE = "service_request_rate"
_LATENCIES = (
    "service_latency_mean",
    "service_latency_p50",
    "service_latency_p90",
    "service_latency_p95",
    "service_latency_p99",
)
_ERRORS = "service_error_ratio"
_LEAST_ERRORS = 0.001  # ratio: fewer errors than that are not told from none


@dataclass(frozen=True, slots=True)
class Excess:
    """Excess of one family, [N] entities and [W] samples of the window.

    Attributes:
        family: LATENCY (seconds waited a second) or ERRORS (failed requests a second).
        row: Entity to row.
        window: [N, W] the excess.
        nats: [N] evidence that it deviates at all.
        onset: [N] seconds since the epoch; NaN where it does not deviate.
        until: [N] when it was over, seconds since the epoch; NaN where it lasts or does not deviate.
        level: [N, W] latency or error ratio itself.
        usual: [N] its level in the baseline; NaN where unknown.
        rate: [N] requests a second in the baseline; 1 for all where nothing is known of rates.
    """

    family: Family
    row: Mapping[str, int]
    window: Array
    nats: Array
    onset: Array
    until: Array
    level: Array
    usual: Array
    rate: Array

    def nats_of(self, entity: str) -> float:
        """0 for what is not measured."""
        return float(self.nats[self.row[entity]]) if entity in self.row else 0.0

    def until_of(self, entity: str) -> float | None:
        """When the excess of an entity was over; None where it lasts, or is not measured."""
        over = float(self.until[self.row[entity]]) if entity in self.row else np.nan
        return over if np.isfinite(over) else None

    def profile(self, alarms: Sequence[str]) -> Array | None:
        """[W] which moments count, summing up to 1: the mean of the alarms' own positive excess; None without any."""
        own = [np.maximum(self.window[self.row[alarm]], 0.0) for alarm in alarms if alarm in self.row]
        shapes = [excess / excess.sum() for excess in own if excess.sum() > 0]
        return np.mean(shapes, axis=0) if shapes else None

    def masses(self, profile: Array) -> Array:
        """[N] the mean excess over a profile, in the unit of the excess."""
        return np.asarray(self.window @ profile, dtype=np.float64)

    def factors(self, profile: Array) -> Array:
        """[N] natural logarithm of how many times as slow, or as failing, as usual; 0 where not worse or unknown."""
        least = _LEAST_ERRORS if self.family is Family.ERRORS else 0.0
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = (self.level @ profile + least) / (self.usual + least)
            return np.nan_to_num(np.log(np.maximum(ratio, 1.0)), nan=0.0, posinf=0.0)


def excesses(situation: Situation, detector: Detector) -> tuple[Excess, ...]:
    """One Excess for each family that the evidence supports, latency first."""
    panels = {panel.signal.name: panel for panel in situation.evidence.panels}
    latency = _latency([panels[name] for name in _LATENCIES if name in panels], situation, panels.get(RATE), detector)
    errors = [panels[_ERRORS]] if _ERRORS in panels else []
    return (*latency, *(_excess(situation.evidence, panel, panels.get(RATE), detector) for panel in errors))


def _latency(
    panels: Sequence[Panel], situation: Situation, rate: Panel | None, detector: Detector
) -> tuple[Excess, ...]:
    """Of the first latency that shows the trouble of what alerts, else of the first; others fill its gaps.

    A few slow requests in a hundred hardly move a mean, and one server in a system may publish quantiles only.
    """
    first: Excess | None = None
    for panel in panels:
        one = _excess(situation.evidence, _filled(panel, panels), rate, detector)
        if not situation.alerting or any(one.nats_of(alarm) >= SIGNIFICANT for alarm in situation.alerting):
            return (one,)
        first = first or one
    return (first,) if first else ()


def _filled(panel: Panel, others: Sequence[Panel]) -> Panel:
    """The panel, and of entities that it lacks the rows of the first other that has them."""
    for other in others:
        known = set(panel.entities)
        more = [row for row, entity in enumerate(other.entities) if entity not in known]
        if more:
            entities = (*panel.entities, *(other.entities[row] for row in more))
            panel = Panel(panel.signal, entities, np.vstack([panel.values, other.values[more]]))
    return panel


def _excess(evidence: Evidence, panel: Panel, rate: Panel | None, detector: Detector) -> Excess:
    split = int(np.searchsorted(evidence.times, evidence.window_start))
    levels = measured(panel.values)
    usual = _median(levels[:, :split])
    rates = _rates(panel, rate)
    values = rates * (levels - np.nan_to_num(usual)[:, None])
    derived = Panel(
        Signal(f"excess_{panel.signal.family}", panel.signal.family, "1", Direction.UP),
        panel.entities,
        values,
    )
    deviations = detector.deviations(evidence, derived)
    old = _had_traffic(panel, rate, split)
    counted = most_nats(evidence, panel, rate if panel.signal.out_of else None)
    nats = np.where(deviations.up & old, np.minimum(deviations.nats, counted), 0.0)
    return Excess(
        family=panel.signal.family,
        row={entity: row for row, entity in enumerate(panel.entities)},
        window=np.where(old[:, None], np.nan_to_num(values[:, split:]), 0.0),
        nats=nats,
        onset=np.where(nats > 0, evidence.times[deviations.onset], np.nan),
        until=np.where((nats > 0) & (deviations.until >= 0), evidence.times[deviations.until], np.nan),
        level=np.where(old[:, None], np.nan_to_num(levels[:, split:]), 0.0),
        usual=usual,
        rate=np.nan_to_num(_median(rates[:, :split])),
    )


def _had_traffic(panel: Panel, rate: Panel | None, split: int) -> NDArray[np.bool_]:
    """Which entities were there before the window.

    What nobody called before cannot have broken: who began to call it is to be looked at, so it explains nothing away.
    """
    known: NDArray[np.bool_] = np.asarray(np.isfinite(panel.values[:, :split]).any(axis=1), dtype=np.bool_)
    if rate is not None:
        busy = (rate.values[:, :split] > 0).any(axis=1)
        called = {rate.entities[row] for row in np.flatnonzero(busy)}
        known |= np.array([entity in called for entity in panel.entities], dtype=np.bool_)
    return known


def _rates(panel: Panel, rate: Panel | None) -> Array:
    """Requests a second in the rows of ``panel``; 1 where nothing is known, so that only time counts there."""
    rates = np.ones(panel.values.shape)
    if rate is None:
        return rates
    row_of = {entity: row for row, entity in enumerate(rate.entities)}
    rows = np.array([row_of.get(entity, -1) for entity in panel.entities], dtype=np.int64)
    rates[rows >= 0] = measured(rate.values[rows[rows >= 0]])
    return rates


def _median(reference: Array) -> Array:
    usual = np.full(len(reference), np.nan)
    known = np.isfinite(reference).any(axis=1)
    if known.any():
        usual[known] = quantiles(reference[known], (0.5,))[0]
    return usual
