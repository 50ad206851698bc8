"""The Collector's service graph: who calls whom, with virtual nodes for databases, caches and other people's APIs.

A message is an edge, too, from who sends to each who reads it, as a consumer's span carries on the producer's trace:
https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/connector/servicegraphconnector.
Server latency is written for those only, which nothing else measures; of services their own metrics tell it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from brain_lab.emit.metrics.scrape import Scrape
from brain_lab.platforms.model import Cache, Database, External, Service
from brain_lab.replay.series import PromSeries
from brain_lab.simulate.recording import TICK

PREFIX = "traces_service_graph_request"


def series(scrape: Scrape) -> Iterator[PromSeries]:
    """Totals and failures of all calls, seconds of those into virtual nodes, totals of messages."""
    recording, platform = scrape.recording, scrape.recording.platform
    shown = np.array([n for n, (_, call) in enumerate(recording.calls) if not call.awaits], dtype=np.int64)
    labels = [_labels(recording.calls[n][0], platform.by_name[recording.calls[n][1].to]) for n in shown]
    targets = ["service-graph"] * len(shown)
    flow = recording.edges["flow"][:, shown].astype(np.float64)
    failed = scrape.rng(PREFIX).poisson(flow * recording.edges["failing"][:, shown] * TICK) / TICK
    totals = scrape.count(PREFIX, flow)
    yield from scrape.series(f"{PREFIX}_total", totals, labels, counter=True, targets=targets)
    yield from _messages(scrape)
    failures = scrape.count(PREFIX, failed)
    yield from scrape.series(f"{PREFIX}_failed_total", failures, labels, counter=True, targets=targets)
    virtual = [n for n, own in enumerate(labels) if own["connection_type"] == "database" or own["virtual_node"]]
    callee = np.array([recording.station_index[labels[n]["server"]] for n in virtual], dtype=np.int64)
    seconds = recording.stations["latency"][:, callee] * flow[:, virtual]
    own, at = [labels[n] for n in virtual], [targets[n] for n in virtual]
    counts = totals[:, virtual].copy()
    yield from scrape.series(f"{PREFIX}_server_seconds_count", counts, own, counter=True, targets=at)
    sums = scrape.counter(PREFIX, scrape.noisy(PREFIX, seconds, 0.05))
    yield from scrape.series(f"{PREFIX}_server_seconds_sum", sums, own, counter=True, targets=at)


def _messages(scrape: Scrape) -> Iterator[PromSeries]:
    """What is sent to a topic reaches each of its consumer groups."""
    recording = scrape.recording
    sent = [
        (sender.name, consumer, rate)
        for sender in recording.platform.services
        for topic, rate in sender.produces.items()
        for read, consumer in recording.groups
        if read == topic
    ]
    if not sent:
        return
    flow = np.stack([recording.station(sender, "served") * rate for sender, _, rate in sent], axis=1)
    labels = [
        {"client": sender, "server": consumer, "connection_type": "messaging_system", "virtual_node": ""}
        for sender, consumer, _ in sent
    ]
    totals = scrape.count(f"{PREFIX} messages", flow)
    targets = ["service-graph"] * len(labels)
    yield from scrape.series(f"{PREFIX}_total", totals, labels, counter=True, targets=targets)


def _labels(client: str, server: Service | Database | Cache | External) -> dict[str, str]:
    kind = "database" if isinstance(server, Database | Cache) else ""
    virtual = "server" if isinstance(server, External) else ""
    return {"client": client, "server": server.name, "connection_type": kind, "virtual_node": virtual}
