"""How much of an alarm's trouble passes through each entity: the excess mass of latency and of errors.

An entity that answers ``rate`` requests a second, each ``latency - usual`` seconds slower than usual, makes the system
wait ``rate * (latency - usual)`` seconds each second; the same holds for errors. This quantity adds up along a call
graph: what a callee loses, its caller waits for. So a caller's own part is what remains after its callees' parts, and
that is what "explained by a dependency" means here. The alarm's own excess, as a profile over time, says which
moments count; no onset has to be given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from brain_engine.findings import Detector
from brain_engine.measured import measured
from brain_engine.series import Array, Direction, Evidence, Family, Panel, Signal

_RATE = "service_request_rate"
_LATENCIES = (
    "service_latency_mean",
    "service_latency_p50",
    "service_latency_p90",
    "service_latency_p95",
    "service_latency_p99",
)
_ERRORS = "service_error_ratio"


@dataclass(frozen=True, slots=True)
class Excess:
    """Excess of one family.

    Attributes:
        family: LATENCY (seconds waited a second) or ERRORS (failed requests a second).
        window: Per entity the excess in the window, [T_window].
        nats: Per entity the evidence that its excess deviates at all.
    """

    family: Family
    window: Mapping[str, Array]
    nats: Mapping[str, float]

    def masses(self, alarm: str, *, by_time: bool = True) -> dict[str, float]:
        """Excess of each entity while the alarm's own is positive; the unit is that of the excess.

        Without ``by_time`` all moments of the window count alike.
        """
        own = np.maximum(self.window[alarm], 0.0)
        profile = own if by_time else np.ones_like(own)
        total = profile.sum()
        if total <= 0:
            return {}
        return {entity: float(excess @ profile / total) for entity, excess in self.window.items()}


def excesses(evidence: Evidence, detector: Detector) -> tuple[Excess, ...]:
    """One Excess for each family that the evidence supports."""
    panels = {panel.signal.name: panel for panel in evidence.panels}
    latency = next((panels[name] for name in _LATENCIES if name in panels), None)
    rate = panels.get(_RATE)
    chosen = [panel for panel in (latency, panels.get(_ERRORS)) if panel is not None]
    return tuple(_excess(evidence, panel, rate, detector) for panel in chosen)


def _excess(evidence: Evidence, panel: Panel, rate: Panel | None, detector: Detector) -> Excess:
    split = int(np.searchsorted(evidence.times, evidence.window_start))
    levels = measured(panel.values)
    values = _rates(panel, rate) * (levels - np.nan_to_num(_median(levels[:, :split]))[:, None])
    derived = Panel(
        Signal(f"excess_{panel.signal.family}", panel.signal.family, "1", Direction.UP),
        panel.entities,
        values,
    )
    deviations = detector.deviations(evidence, derived)
    old = _had_traffic(panel, rate, split)
    rises = np.where(deviations.up & old, deviations.nats, 0.0)
    filled = np.where(old[:, None], np.nan_to_num(values[:, split:]), 0.0)
    return Excess(
        family=panel.signal.family,
        window={entity: filled[row] for row, entity in enumerate(panel.entities)},
        nats={entity: float(rises[row]) for row, entity in enumerate(panel.entities)},
    )


def _had_traffic(panel: Panel, rate: Panel | None, split: int) -> NDArray[np.bool_]:
    """Which entities were there before the window.

    What nobody called before cannot have broken: who began to call it is to be looked at, so it explains nothing away.
    """
    known: NDArray[np.bool_] = np.asarray(np.isfinite(panel.values[:, :split]).any(axis=1), dtype=np.bool_)
    if rate is not None:
        called = {entity for row, entity in enumerate(rate.entities) if np.any(rate.values[row, :split] > 0)}
        known |= np.array([entity in called for entity in panel.entities], dtype=np.bool_)
    return known


def _rates(panel: Panel, rate: Panel | None) -> Array:
    """Requests a second in the rows of ``panel``; 1 where nothing is known, so that only time counts there."""
    rates = np.ones(panel.values.shape)
    if rate is None:
        return rates
    row_of = {entity: row for row, entity in enumerate(rate.entities)}
    for row, entity in enumerate(panel.entities):
        if entity in row_of:
            rates[row] = measured(rate.values[row_of[entity]])
    return rates


def _median(reference: Array) -> Array:
    usual = np.full(len(reference), np.nan)
    known = np.isfinite(reference).any(axis=1)
    if known.any():
        usual[known] = np.nanmedian(reference[known], axis=1)
    return usual
