"""Karpenter's own metrics."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from brain_lab.emit.metrics.scrape import Scrape
from brain_lab.replay.series import PromSeries


def series(scrape: Scrape) -> Iterator[PromSeries]:
    """NodeClaims created, nodes in the cluster, pods that find no node."""
    recording = scrape.recording
    targets = ["karpenter"]
    pool = [{"nodepool": recording.platform.nodes[0].pool}]
    launched = scrape.gauge(recording.cluster["launched"]) + 40.0
    yield from scrape.series("karpenter_nodeclaims_created_total", launched, pool, counter=True, targets=targets)
    nodes = scrape.gauge(np.sum(recording.nodes["active"], axis=1, keepdims=True))
    yield from scrape.series("karpenter_cluster_state_node_count", nodes, [{}], targets=targets)
    waiting = scrape.gauge(recording.cluster["unscheduled"])
    labels = [{"controller": "provisioner"}]
    yield from scrape.series("karpenter_scheduler_unschedulable_pods_count", waiting, labels, targets=targets)
