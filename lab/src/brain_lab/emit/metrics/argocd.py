"""Argo CD's application controller: what state each application is in, and how many syncs ended how.

https://argo-cd.readthedocs.io/en/stable/operator-manual/metrics/. The controller counts since it was started, so that
only applications that were synced in the recording have a counter.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from brain_lab.emit.metrics.scrape import Scrape, scrape_times
from brain_lab.emit.records import NANOS, Change, ChangeKind
from brain_lab.platforms.model import Role
from brain_lab.replay.series import PromSeries

_CONTROLLER: Final = "argocd-application-controller"
_SERVER: Final = "https://kubernetes.default.svc"
_REPOSITORY: Final = "https://gitlab.example.com/platform/deploy.git"
_STATES: Final = (("Synced", "Healthy"), ("OutOfSync", "Degraded"))


def series(scrape: Scrape) -> Iterator[PromSeries]:
    """One application a service that is no job."""
    services = [one for one in scrape.recording.platform.services if one.role is not Role.JOB]
    syncs: dict[str, list[Change]] = {}
    for change in scrape.recording.changes:
        if change.kind is ChangeKind.ARGOCD_SYNC:
            syncs.setdefault(change.target, []).append(change)
    labels = [_labels(one.name) for one in services]
    info = [
        {**own, "repo": _REPOSITORY, "dest_namespace": one.namespace, "autosync_enabled": "true", "operation": ""}
        for own, one in zip(labels, services, strict=True)
    ]
    times = scrape_times(scrape.recording)
    bad = np.stack([_bad(times, syncs.get(one.name, [])) for one in services], axis=1)
    for wrong, (sync, health) in enumerate(_STATES):
        columns = np.flatnonzero(np.any(bad == wrong, axis=0))
        shown = np.where(bad[:, columns] == wrong, 1.0, np.nan)
        own = [{**info[n], "sync_status": sync, "health_status": health} for n in columns]
        yield from scrape.series("argocd_app_info", shown, own, targets=[_CONTROLLER] * len(own))
    for name, own_syncs in sorted(syncs.items()):
        yield from _totals(scrape, name, own_syncs)


def _labels(name: str) -> dict[str, str]:
    return {"namespace": "argocd", "name": name, "project": "default", "dest_server": _SERVER}


def _bad(times: np.ndarray, syncs: list[Change]) -> np.ndarray:
    """[R] 1 where the latest sync has failed."""
    bad = np.zeros(len(times))
    for sync in sorted(syncs, key=lambda one: one.end):
        bad[times >= sync.end / NANOS] = 0.0 if sync.succeeded else 1.0
    return bad


def _totals(scrape: Scrape, name: str, syncs: list[Change]) -> Iterator[PromSeries]:
    times = scrape_times(scrape.recording)
    for phase, good in (("Succeeded", True), ("Failed", False)):
        ends = [sync.end / NANOS for sync in syncs if sync.succeeded is good]
        count = np.sum([times >= end for end in ends], axis=0, dtype=np.float64) if ends else np.zeros(len(times))
        shown = np.where(count > 0.0, count, np.nan)[:, None]
        labels = [{**_labels(name), "phase": phase}]
        yield from scrape.series("argocd_app_sync_total", shown, labels, counter=True, targets=[_CONTROLLER])
