"""What the audit libraries of services that handle cardholder or patient data count themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from brain_lab.emit.metrics.scrape import Scrape
from brain_lab.platforms.audited import audited, demanded
from brain_lab.replay.series import PromSeries
from brain_lab.simulate.recording import TICK

USUAL: Final = 0.0004
"""Share of requests that raise an alert of compliance on a usual day."""


def series(scrape: Scrape) -> Iterator[PromSeries]:
    """Alerts that requests raised, by service; nothing where no audit is demanded."""
    recording = scrape.recording
    services = audited(recording.platform)
    if not services:
        return
    columns = [recording.station_index[service.name] for service in services]
    states = {name: recording.stations[name][:, columns].astype(np.float64) for name in ("rate", "flagged")}
    raised = scrape.rng("compliance").poisson((USUAL * states["rate"] + states["flagged"]) * TICK) / TICK
    labels = [
        {"service_name": one.name, "k8s_namespace_name": one.namespace, "framework": demanded(recording.platform)}
        for one in services
    ]
    values = scrape.count("compliance", raised)
    targets = [service.name for service in services]
    yield from scrape.series("compliance_alerts_total", values, labels, counter=True, targets=targets)
