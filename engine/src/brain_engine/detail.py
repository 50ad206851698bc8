"""Deviations in what logs, events and traces tell: everything that is counted instead of measured."""

from __future__ import annotations

import numpy as np

from brain_engine.anomaly.rate_shift import RateShift
from brain_engine.findings import Finding, of_panel, strongest_first
from brain_engine.flow.find import find_in_flow
from brain_engine.series import Evidence


def find_in_detail(evidence: Evidence) -> tuple[Finding, ...]:
    """All counts that deviate by more than the search for them is worth, strongest first; see ``findings.find``.

    Each signal may be wrong by chance equally often: the few templates of errors do not pay for the many of others.
    """
    detector = RateShift()
    found: list[Finding] = []
    for panel in evidence.counts:
        price = float(np.log(max(len(panel.entities) * len(evidence.counts), 1)))
        found += of_panel(evidence, panel, detector.deviations(evidence, panel), price)
    return strongest_first([*found, *find_in_flow(evidence)])
