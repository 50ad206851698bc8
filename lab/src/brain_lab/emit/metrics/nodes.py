"""The node exporter."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from brain_lab.emit.metrics.scrape import Scrape
from brain_lab.replay.series import PromSeries
from brain_lab.simulate.recording import Array


def series(scrape: Scrape) -> Iterator[PromSeries]:
    """CPU, memory, disk, network and load of all nodes that were ever there."""
    recording = scrape.recording
    there = recording.nodes["active"] > 0.0
    columns = np.flatnonzero(np.any(there, axis=0))
    nodes = [recording.platform.nodes[n] for n in columns]
    labels = [{"instance": f"{_address(node.name)}:9100", "node": node.name} for node in nodes]
    present = there[scrape.rows][:, columns]

    def write(metric: str, values: Array, more: dict[str, str], *, counter: bool = False) -> Iterator[PromSeries]:
        own = [{**one, **more} for one in labels]
        shown = np.where(present, values, np.nan)
        yield from scrape.series(metric, shown, own, counter=counter, targets=[node.name for node in nodes])

    state = {name: values[:, columns].astype(np.float64) for name, values in recording.nodes.items()}
    yield from _cpu(scrape, [node.cores for node in nodes], labels, state["busy"], state["disk_busy"], present)
    memory = np.array([node.memory for node in nodes])
    free = scrape.noisy("node memory", memory - state["memory"], 0.003)[scrape.rows]
    yield from write("node_memory_MemTotal_bytes", np.broadcast_to(memory, free.shape), {})
    yield from write("node_memory_MemAvailable_bytes", np.round(free), {})
    root = {"device": "/dev/nvme0n1p1", "fstype": "xfs", "mountpoint": "/"}
    disk = np.array([node.disk for node in nodes])
    yield from write("node_filesystem_size_bytes", np.broadcast_to(disk, free.shape), root)
    yield from write("node_filesystem_avail_bytes", np.round(scrape.gauge(disk - state["disk_used"])), root)
    busy = scrape.counter("node disk", np.clip(scrape.noisy("node disk", state["disk_busy"], 0.15), 0.0, 1.0))
    yield from write("node_disk_io_time_seconds_total", busy, {"device": "nvme0n1"}, counter=True)
    for side in ("receive_drop", "receive_errs", "transmit_drop", "transmit_errs"):
        drops = scrape.rng(side).poisson(0.002, state["busy"].shape).astype(np.float64)
        yield from write(f"node_network_{side}_total", scrape.count(side, drops), {"device": "eth0"}, counter=True)
    yield from write("node_load5", scrape.gauge(scrape.noisy("node load", state["load5"], 0.03)), {})


def _cpu(
    scrape: Scrape,
    cores: list[int],
    labels: list[dict[str, str]],
    busy: Array,
    io: Array,
    present: np.ndarray,
) -> Iterator[PromSeries]:
    """Seconds by mode; each core of a node gets its share, some a little more."""
    columns = np.repeat(np.arange(len(cores)), cores)
    number = np.concatenate([np.arange(count) for count in cores])
    uneven = scrape.rng("cores").normal(1.0, 0.05, len(columns))
    work = np.clip(scrape.noisy("node cpu", busy[:, columns], 0.04) * uneven, 0.0, 1.0)
    wait = np.clip(0.25 * (io[:, columns] - 0.05), 0.0, 1.0 - work)
    for mode, share in (("idle", 1.0 - work - wait), ("user", 0.8 * work), ("iowait", wait)):
        own = [
            {**labels[n], "cpu": str(cpu), "mode": mode}
            for n, cpu in zip(columns.tolist(), number.tolist(), strict=True)
        ]
        values = np.where(present[:, columns], scrape.counter("node cpu", share), np.nan)
        targets = [labels[n]["node"] for n in columns]
        yield from scrape.series("node_cpu_seconds_total", values, own, counter=True, targets=targets)


def _address(name: str) -> str:
    return name.split(".")[0].removeprefix("ip-").replace("-", ".")
