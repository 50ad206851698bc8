"""NVIDIA's DCGM exporter: utilisation, memory and temperature of each GPU."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from brain_lab.emit.metrics.lives import Lives, Mask
from brain_lab.emit.metrics.scrape import Scrape
from brain_lab.replay.series import PromSeries
from brain_lab.simulate.pods import Phase
from brain_lab.simulate.recording import Array

_MEMORY = 24576.0
"""MiB of an A10G."""


def series(scrape: Scrape, lives: Lives) -> Iterator[PromSeries]:
    """One set a GPU; those that no pod holds are idle."""
    gpus = [(node.name, n) for node in scrape.recording.platform.nodes if node.gpus for n in range(node.gpus)]
    if not gpus:
        return
    use, lost = _use(scrape, lives, gpus)
    labels = [
        {"gpu": str(n), "Hostname": node, "node": node, "modelName": "NVIDIA A10G", "device": f"nvidia{n}"}
        for node, n in gpus
    ]
    targets = [f"dcgm {node}" for node, _ in gpus]
    shown = np.where(lost, np.nan, np.clip(scrape.noisy("gpu", 100.0 * use, 0.05), 0.0, 100.0)).astype(np.float64)
    yield from scrape.series("DCGM_FI_DEV_GPU_UTIL", np.round(shown[scrape.rows]), labels, targets=targets)
    memory = np.where(lost, np.nan, np.where(use > 0.0, 0.7 * _MEMORY, 450.0))
    yield from scrape.series("DCGM_FI_DEV_FB_USED", memory[scrape.rows], labels, targets=targets)
    heat = np.where(lost, np.nan, 34.0 + 38.0 * use).astype(np.float64)
    yield from scrape.series("DCGM_FI_DEV_GPU_TEMP", np.round(heat[scrape.rows]), labels, targets=targets)


def _use(scrape: Scrape, lives: Lives, gpus: list[tuple[str, int]]) -> tuple[Array, Mask]:
    """[T, gpus] share of time in use, and where the GPU or its node is not there."""
    recording = scrape.recording
    use = np.zeros((len(recording.times), len(gpus)))
    column = {gpu: n for n, gpu in enumerate(gpus)}
    taken: dict[str, int] = {}
    for n, (pod, service) in enumerate(zip(lives.pods, lives.services, strict=True)):
        if not service.gpus or not pod.node:
            continue
        number = taken.get(pod.node, 0)
        taken[pod.node] = number + service.gpus
        station = lives.stations[n]
        state = {name: recording.stations[name][:, station] for name in ("rate", "hold", "ready")}
        busy = state["rate"] * state["hold"] / np.maximum(state["ready"] * service.workers, 1e-9)
        for gpu in range(number, number + service.gpus):
            held = (pod.node, gpu % max(1, sum(1 for node, _ in gpus if node == pod.node)))
            use[:, column[held]] += np.clip(busy, 0.02, 1.0) * (lives.exists[:, n] & (lives.phase[:, n] == Phase.READY))
    nodes = [n for n, node in enumerate(recording.platform.nodes) if node.gpus]
    gone = recording.nodes["gpu_lost"] + np.where(recording.nodes["active"] > 0.0, 0.0, 99.0)
    of = {recording.platform.nodes[n].name: n for n in nodes}
    counts = {recording.platform.nodes[n].name: recording.platform.nodes[n].gpus for n in nodes}
    lost = np.stack([gone[:, of[node]] > counts[node] - 1 - number for node, number in gpus], axis=1)
    return np.minimum(use, 1.0), np.asarray(lost, dtype=np.bool_)
