"""What kube-state-metrics says about pods, workloads, autoscalers and nodes; and the kubelet about volumes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from brain_lab.emit.metrics.lives import Lives, Mask
from brain_lab.emit.metrics.scrape import Scrape
from brain_lab.platforms.model import Role
from brain_lab.replay.series import PromSeries
from brain_lab.simulate.names import replica_set
from brain_lab.simulate.pods import Phase, Reason
from brain_lab.simulate.recording import TICK, Array

_TARGET = "kube-state-metrics"


def series(scrape: Scrape, lives: Lives) -> Iterator[PromSeries]:
    """All of them."""
    yield from _info(scrape, lives)
    yield from _status(scrape, lives)
    yield from _reasons(scrape, lives)
    yield from _workloads(scrape)
    yield from _jobs(scrape)
    yield from _autoscalers(scrape)
    yield from _nodes(scrape)
    yield from _volumes(scrape)


def _info(scrape: Scrape, lives: Lives) -> Iterator[PromSeries]:
    scheduled = lives.exists & (lives.phase >= Phase.STARTING)
    columns = [n for n, pod in enumerate(lives.pods) if pod.node]
    labels = [
        {
            **lives.labels[n],
            "node": lives.pods[n].node,
            "created_by_kind": "Job" if lives.services[n].role is Role.JOB else "ReplicaSet",
            "created_by_name": lives.pods[n].name.rpartition("-")[0] or replica_set(lives.services[n].name, 0),
        }
        for n in columns
    ]
    yield from _pods(scrape, "kube_pod_info", lives.while_(scheduled, np.ones(1))[:, columns], labels)
    limits = np.array([service.memory_limit for service in lives.services])
    labels = [{**own, "resource": "memory", "unit": "byte"} for own in lives.container_labels]
    yield from _pods(scrape, "kube_pod_container_resource_limits", lives.while_(lives.exists, np.round(limits)), labels)


def _status(scrape: Scrape, lives: Lives) -> Iterator[PromSeries]:
    rows = scrape.rows
    restarts = lives.while_(lives.exists, lives.restarts[rows].astype(np.float64))
    metric = "kube_pod_container_status_restarts_total"
    yield from _pods(scrape, metric, restarts, lives.container_labels, counter=True)
    unready = lives.while_(lives.exists, (lives.phase[rows] != Phase.READY).astype(np.float64))
    labels = [{**own, "condition": "false"} for own in lives.labels]
    yield from _pods(scrape, "kube_pod_status_ready", unready, labels)
    running = (lives.phase[rows] >= Phase.STARTING) & (lives.phase[rows] != Phase.NO_IMAGE)
    labels = [{**own, "phase": "Running"} for own in lives.labels]
    yield from _pods(scrape, "kube_pod_status_phase", lives.while_(lives.exists, running.astype(np.float64)), labels)
    waiting = lives.exists & ((lives.phase == Phase.PENDING) | (lives.phase == Phase.NO_IMAGE))
    yield from _where(scrape, lives, "kube_pod_status_phase", "phase", "Pending", waiting)
    yield from _unschedulable(scrape, lives)


def _unschedulable(scrape: Scrape, lives: Lives) -> Iterator[PromSeries]:
    """Only while no node has room for a pod."""
    homeless = (lives.exists & (lives.phase == Phase.PENDING))[scrape.rows]
    columns = np.flatnonzero(np.any(homeless, axis=0))
    values = np.where(homeless, 1.0, np.nan)[:, columns]
    yield from _pods(scrape, "kube_pod_status_unschedulable", values, [lives.labels[n] for n in columns])


def _reasons(scrape: Scrape, lives: Lives) -> Iterator[PromSeries]:
    """Only where they apply, as kube-state-metrics does."""
    metric = "kube_pod_container_status_waiting_reason"
    for phase, reason in ((Phase.BACKOFF, "CrashLoopBackOff"), (Phase.NO_IMAGE, "ImagePullBackOff")):
        yield from _where(scrape, lives, metric, "reason", reason, lives.exists & (lives.phase == phase))
    metric = "kube_pod_container_status_last_terminated_reason"
    ended = scrape.recording.pods["reason"][:, lives.slots]
    for code, reason in ((Reason.OOM_KILLED, "OOMKilled"), (Reason.ERROR, "Error")):
        yield from _where(scrape, lives, metric, "reason", reason, lives.exists & (ended == code))


def _where(scrape: Scrape, lives: Lives, metric: str, label: str, value: str, mask: Mask) -> Iterator[PromSeries]:
    columns = np.flatnonzero(np.any(mask[scrape.rows], axis=0))
    source = lives.container_labels if label == "reason" else lives.labels
    labels = [{**source[n], label: value} for n in columns]
    values = np.where(mask[scrape.rows], 1.0, np.where(lives.exists[scrape.rows], 0.0, np.nan))[:, columns]
    yield from _pods(scrape, metric, values, labels)


def _pods(
    scrape: Scrape, metric: str, values: Array, labels: list[dict[str, str]], *, counter: bool = False
) -> Iterator[PromSeries]:
    yield from scrape.series(metric, values, labels, counter=counter, targets=[_TARGET] * len(labels))


def _workloads(scrape: Scrape) -> Iterator[PromSeries]:
    recording = scrape.recording
    services = [(n, one) for n, one in enumerate(recording.platform.services) if one.role is not Role.JOB]
    columns = [n for n, _ in services]
    if not columns:
        return
    missing = np.maximum(recording.stations["wanted"] - recording.stations["ready"], 0.0)[:, columns]
    labels = [{"namespace": one.namespace, "deployment": one.name} for _, one in services]
    yield from _pods(scrape, "kube_deployment_status_replicas_unavailable", np.ceil(scrape.gauge(missing)), labels)


def _jobs(scrape: Scrape) -> Iterator[PromSeries]:
    """A pod of a job fails for each minute in which most of its work fails."""
    recording = scrape.recording
    services = [(n, one) for n, one in enumerate(recording.platform.services) if one.role is Role.JOB]
    columns = [n for n, _ in services]
    if not columns:
        return
    works = recording.stations["offered"][:, columns] > 0.0
    minutes = np.cumsum(works & (recording.stations["failing"][:, columns] > 0.5), axis=0) * TICK / 60.0
    labels = [{"namespace": one.namespace, "job_name": one.name} for _, one in services]
    yield from _pods(scrape, "kube_job_status_failed", np.floor(scrape.gauge(minutes)), labels)


def _autoscalers(scrape: Scrape) -> Iterator[PromSeries]:
    recording = scrape.recording
    services = [(n, one) for n, one in enumerate(recording.platform.services) if one.scaler]
    columns = [n for n, _ in services]
    if not columns:
        return
    labels = [
        {
            "namespace": one.namespace,
            "horizontalpodautoscaler": f"keda-hpa-{one.name}" if one.scaler and one.scaler.kind == "keda" else one.name,
        }
        for _, one in services
    ]
    for word, state in (
        ("spec_max_replicas", "most"),
        ("status_current_replicas", "ready"),
        ("status_desired_replicas", "wanted"),
    ):
        values = np.round(scrape.gauge(recording.stations[state][:, columns]))
        yield from _pods(scrape, f"kube_horizontalpodautoscaler_{word}", values, labels)


def _nodes(scrape: Scrape) -> Iterator[PromSeries]:
    recording = scrape.recording
    states = recording.nodes
    conditions = (
        ("Ready", "true", states["ready"]),
        ("Ready", "unknown", 1.0 - states["ready"]),
        ("MemoryPressure", "true", states["pressure"]),
        ("DiskPressure", "true", states["disk_pressure"]),
    )
    there = states["active"] > 0.0
    columns = np.flatnonzero(np.any(there, axis=0))
    for condition, status, state in conditions:
        labels = [{"node": recording.platform.nodes[n].name, "condition": condition, "status": status} for n in columns]
        values = np.where(there, state, np.nan)[scrape.rows][:, columns].astype(np.float64)
        yield from _pods(scrape, "kube_node_status_condition", values, labels)


def _volumes(scrape: Scrape) -> Iterator[PromSeries]:
    recording = scrape.recording
    services = [(n, one) for n, one in enumerate(recording.platform.services) if one.volume_bytes]
    if not services:
        return
    labels = [{"namespace": one.namespace, "persistentvolumeclaim": one.name} for _, one in services]
    used = scrape.gauge(recording.stations["storage"][:, [n for n, _ in services]])
    size = np.broadcast_to([one.volume_bytes for _, one in services], used.shape)
    yield from _pods(scrape, "kubelet_volume_stats_used_bytes", np.round(used), labels)
    yield from _pods(scrape, "kubelet_volume_stats_capacity_bytes", size.astype(np.float64), labels)
