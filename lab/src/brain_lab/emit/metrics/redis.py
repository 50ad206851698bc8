"""redis_exporter."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from brain_lab.emit.metrics.scrape import Scrape
from brain_lab.replay.series import PromSeries
from brain_lab.simulate.recording import Array


def series(scrape: Scrape) -> Iterator[PromSeries]:
    """Commands, hits, misses, memory and clients of all caches."""
    recording = scrape.recording
    caches = recording.platform.caches
    if not caches:
        return
    columns = [recording.station_index[cache.name] for cache in caches]
    labels = [{"instance": f"redis://{cache.name}.example.internal:6379"} for cache in caches]
    targets = [cache.name for cache in caches]
    rate, hit = (recording.stations[name][:, columns].astype(np.float64) for name in ("rate", "hit"))

    def write(metric: str, values: Array, *, counter: bool = False) -> Iterator[PromSeries]:
        yield from scrape.series(metric, values, labels, counter=counter, targets=targets)

    yield from write("redis_commands_processed_total", scrape.count("redis", rate), counter=True)
    yield from write("redis_keyspace_hits_total", scrape.count("redis", rate * hit), counter=True)
    yield from write("redis_keyspace_misses_total", scrape.count("redis", rate * (1.0 - hit)), counter=True)
    cpu = scrape.counter("redis cpu", scrape.noisy("redis cpu", recording.stations["cpu"][:, columns], 0.05))
    yield from write("redis_cpu_user_seconds_total", cpu, counter=True)
    size = np.array([cache.memory for cache in caches])
    memory = scrape.noisy("redis memory", np.broadcast_to(0.62 * size, rate.shape), 0.004)
    yield from write("redis_memory_used_bytes", np.round(scrape.gauge(memory)))
    yield from write("redis_memory_max_bytes", np.broadcast_to(size, (len(scrape.rows), len(caches))))
    inside = recording.stations["inside"][:, columns]
    clients = 20.0 + np.sqrt(rate) * 2.0 + inside
    yield from write("redis_connected_clients", np.round(scrape.gauge(scrape.noisy("clients", clients, 0.03))))
