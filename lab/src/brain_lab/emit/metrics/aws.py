"""CloudWatch's metrics of RDS instances, as YACE names them: averages of a minute, refreshed once a minute."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from brain_lab.emit.metrics.scrape import SCRAPE_SECONDS, Scrape
from brain_lab.platforms.traffic import DISK_READ
from brain_lab.replay.series import PromSeries
from brain_lab.simulate.recording import Array

_MINUTE = int(60.0 / SCRAPE_SECONDS)


def series(scrape: Scrape) -> Iterator[PromSeries]:
    """CPU, connections, I/O, storage and memory of all databases."""
    recording, platform = scrape.recording, scrape.recording.platform
    databases = platform.databases
    if not databases:
        return
    columns = [recording.station_index[database.name] for database in databases]
    state = {name: values[:, columns].astype(np.float64) for name, values in recording.stations.items()}
    cores = np.array([float(database.cores) for database in databases])
    labels = [
        {
            "name": f"arn:aws:rds:{platform.region}:{platform.account}:db:{database.name}",
            "dimension_DBInstanceIdentifier": database.name,
            "account_id": platform.account,
            "region": platform.region,
        }
        for database in databases
    ]
    limit = np.array([database.iops for database in databases])
    writes = np.array([database.writes for database in databases]) * state["rate"]
    reads = np.maximum(state["disk"] - writes, 0.0)
    used = np.minimum(state["disk"] / limit, 0.97)
    latency = DISK_READ * (1.0 + used**3 / (1.0 - used))
    memory = np.array([database.memory for database in databases])
    storage = np.array([database.storage for database in databases])
    metrics = {
        "cpuutilization": 100.0 * np.minimum(state["cpu"] / cores + 0.02, 1.0),
        "database_connections": _connections(scrape, columns),
        "disk_queue_depth": state["disk"] * latency,
        "free_storage_space": storage - state["storage"],
        "freeable_memory": memory * 0.28 - state["inside"] * 8e6,
        "read_iops": reads,
        "read_latency": latency,
        "write_iops": writes,
        "write_latency": latency * 1.6,
    }
    for name, values in metrics.items():
        noisy = scrape.noisy(name, values, 0.0 if name == "free_storage_space" else 0.03)
        shown = by_minute(scrape.gauge(np.maximum(noisy, 0.0)))
        yield from scrape.series(f"aws_rds_{name}_average", shown, labels, targets=["yace"] * len(labels))


def _connections(scrape: Scrape, columns: list[int]) -> Array:
    """[T, databases]: what the pools hold open, more of it while more are in use."""
    recording = scrape.recording
    total = np.zeros((len(recording.times), len(recording.platform.stations)))
    for edge, (caller, call) in enumerate(recording.calls):
        if call.pool:
            ready = recording.stations["ready"][:, recording.station_index[caller]]
            used = np.minimum(recording.edges["pool_used"][:, edge], 1.0)
            total[:, recording.station_index[call.to]] += call.pool * ready * (0.15 + 0.85 * used)
    return np.round(total[:, columns] + 3.0)


def by_minute(values: Array) -> Array:
    """[R, n] each value held until the next minute, and seen one minute late."""
    index = np.maximum(np.arange(len(values)) // _MINUTE * _MINUTE - _MINUTE, 0)
    return values[index]
