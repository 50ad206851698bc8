"""Istio's agent: how long the certificate of a sidecar is still valid; of the longest-lived pod of each service.

A certificate of a day is renewed after about half of it. One that was not counts down to zero and beyond.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from brain_lab.emit.metrics.lives import Lives
from brain_lab.emit.metrics.scrape import Scrape
from brain_lab.platforms.model import Role
from brain_lab.replay.series import PromSeries
from brain_lab.simulate.recording import TICK, Array

LIFETIME: Final = 86400.0
"""Seconds: Istio's default."""

METRIC: Final = "istio_agent_cert_expiry_seconds"


def series(scrape: Scrape, lives: Lives) -> Iterator[PromSeries]:
    """One a service that serves HTTP."""
    pods = _oldest(lives)
    if not pods:
        return
    stations = [int(lives.stations[pod]) for pod in pods]
    renewed = scrape.rng("certificates").uniform(0.0, 0.5 * LIFETIME, len(pods))
    left = np.stack([_left(scrape, station, ago) for station, ago in zip(stations, renewed, strict=True)], axis=1)
    shown: Array = np.where(lives.runs[:, pods], np.round(left), np.nan)[scrape.rows].astype(np.float64)
    labels = [{**lives.labels[pod], "resource_name": "default"} for pod in pods]
    yield from scrape.series(METRIC, shown, labels, targets=[lives.targets[pod] for pod in pods])


def _oldest(lives: Lives) -> list[int]:
    """Column of the pod of each service that lived longest."""
    longest: dict[str, int] = {}
    for n, pod in enumerate(lives.pods):
        best = longest.get(pod.service)
        if lives.services[n].role is Role.HTTP and (best is None or _age(lives, n) > _age(lives, best)):
            longest[pod.service] = n
    return list(longest.values())


def _age(lives: Lives, column: int) -> int:
    return lives.pods[column].last - lives.pods[column].first


def _left(scrape: Scrape, station: int, renewed: float) -> Array:
    """[T] seconds, if it was renewed so long before the recording."""
    times = np.arange(len(scrape.recording.times), dtype=np.float64) * TICK
    age = (renewed + times) % (0.5 * LIFETIME)
    expired = scrape.recording.stations["expired"][:, station] > 0.0
    if not expired.any():
        return LIFETIME - age
    end, again = times[int(np.argmax(expired))], times[len(times) - 1 - int(np.argmax(expired[::-1]))]
    return np.asarray(np.where(times <= again, end - times, LIFETIME - (times - again)))
