"""Three hours of the shop, the last minutes of them with a fault; pure numpy, the same for the same seed.

A change shrinks the cache of the ledger database, so that its queries go to disk. Payments makes two queries a
request and holds a connection all the while: its pool runs dry, requests queue for a connection and time out,
and checkout and the front door go down with it. The latency of databases varies by itself, so it is a victim
whose series leave their usual level furthest, and the database is found by who waits for whom. A rollout
elsewhere, an hour before, is there to be ruled out.

Called by `brain demo` through `write`, and by tests. The signals are those of the product's catalogue.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from brain_common.entity import Entity, EntityKind
from brain_lab.demo.shop import CLUSTER, NAMESPACE, PARTS, WEB_REQUESTS, Part
from brain_lab.replay.webhook import Firing, webhook_payload

Array = NDArray[np.float64]

STEP: Final = 15.0
SECONDS: Final = 3 * 3600.0
ONSET_BEFORE_END: Final = 600.0
CHANGE_BEFORE_ONSET: Final = 90.0
ALERT_AFTER_ONSET: Final = 210.0
"""What a rule with a window of a minute or two and `for: 2m` needs."""

CAUSE: Final = "ledger-db"
VICTIM: Final = "payments"
SLOWER: Final = 40.0
"""Times the usual latency of the database during the fault."""

POOL_WAIT: Final = 0.1
"""Seconds a request waits for a connection once the pool has run dry."""

TIMEOUTS: Final = 0.12
"""Share of requests that wait too long."""

CPU: Final = "container_cpu_usage"
MEMORY: Final = "container_memory_working_set"
USUAL_ERRORS: Final = 0.001
QUANTILES: Final = {"mean": 1.0, "p50": 0.8, "p95": 2.1, "p99": 3.4}
"""Of a right-skewed latency distribution, in means."""


@dataclass(frozen=True, slots=True)
class DemoEvent:
    """Something that happened to a part, e.g. a rollout.

    Attributes:
        at: Seconds since the epoch.
        entity: To what.
        kind: The lake's word for it.
        reason: Kubernetes' word for it.
        message: One sentence.
        actor: Who did it.
    """

    at: float
    entity: Entity
    kind: str
    reason: str
    message: str
    actor: str


@dataclass(frozen=True, slots=True)
class DemoIncident:
    """Everything there is to know about the incident.

    Attributes:
        times: [T] seconds since the epoch, ``STEP`` apart, the last one the end.
        samples: [T] per entity and signal, in the catalogue's units.
        edges: (caller, callee).
        events: Oldest first.
        payload: The Alertmanager webhook payload, version 4, of what fires.
        onset: When the fault began.
        cause: Where; for those who check the judgement, not for the judgement.
    """

    times: Array
    samples: Mapping[tuple[Entity, str], Array]
    edges: tuple[tuple[Entity, Entity], ...]
    events: tuple[DemoEvent, ...]
    payload: dict[str, Any]
    onset: float
    cause: Entity


def generate(seed: int, end: float) -> DemoIncident:
    """The incident that ends at ``end`` (seconds since the epoch, rounded down to a step)."""
    rng = np.random.default_rng(seed)
    end = end // STEP * STEP
    onset = end - ONSET_BEFORE_END
    times = end - np.arange(SECONDS / STEP)[::-1] * STEP
    loads = _loads(rng, times, onset)
    latencies, errors = _symptoms(rng, times, loads, onset)
    samples: dict[tuple[Entity, str], Array] = {}
    for part in PARTS:
        name = part.name
        red = _red(rng, loads[name], latencies[name], errors[name])
        resources = _resources(rng, part, loads[name], _fault(times, onset, 0.0))
        samples |= {(part.entity, signal): values for signal, values in {**red, **resources}.items()}
    return DemoIncident(times, samples, _edges(), _events(onset), _payload(onset), onset, entity_of(CAUSE))


def entity_of(name: str) -> Entity:
    """The full name of a part of the shop."""
    return next(part.entity for part in PARTS if part.name == name)


def _noise(rng: np.random.Generator, count: int, spread: float) -> Array:
    """Factors around 1 that wander over about two minutes, as scraped rates do."""
    width = 8
    white = rng.normal(0.0, 1.0, count + width - 1)
    return np.exp(spread * np.convolve(white, np.ones(width) / np.sqrt(width), "valid"))


def _fault(times: Array, onset: float, delay: float) -> Array:
    """0 before the fault, 1 once it is there in full; two minutes in between."""
    return np.clip((times - onset - delay) / 120.0, 0.0, 1.0)


def _loads(rng: np.random.Generator, times: Array, onset: float) -> dict[str, Array]:
    """Requests/s of each part; some users leave while the shop is slow."""
    day = 1.0 + 0.3 * np.sin(2 * np.pi * (times / 86400.0 - 0.3))
    leaving = 1.0 - 0.08 * _fault(times, onset, 60.0)
    loads = {part.name: np.zeros(len(times)) for part in PARTS}
    loads["web"] = WEB_REQUESTS * day * leaving * _noise(rng, len(times), 0.03)
    for part in PARTS:
        for callee, calls in part.calls.items():
            loads[callee] = loads[callee] + calls * loads[part.name] * _noise(rng, len(times), 0.015)
    return loads


def _symptoms(
    rng: np.random.Generator, times: Array, loads: Mapping[str, Array], onset: float
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Mean latency in seconds and error ratio of each part, from the callees up."""
    latencies: dict[str, Array] = {}
    errors: dict[str, Array] = {}
    for part in reversed(PARTS):
        busy = 1.0 + 0.2 * (loads[part.name] / loads[part.name].mean() - 1.0)
        spread = 0.4 if part.kind is EntityKind.DATABASE else 0.05  # a query is cheap or it is not
        latency = part.own_seconds * busy * _noise(rng, len(times), spread)
        failed = USUAL_ERRORS * _noise(rng, len(times), 0.3)
        if part.name == CAUSE:
            latency = latency * (1.0 + (SLOWER - 1.0) * _fault(times, onset, 0.0))
        if part.name == VICTIM:
            latency = latency + POOL_WAIT * _fault(times, onset, 30.0)
            failed = failed + TIMEOUTS * _fault(times, onset, 60.0)
        for callee, calls in part.calls.items():
            latency = latency + calls * latencies[callee]
            failed = failed + min(calls, 1.0) * errors[callee]
        latencies[part.name], errors[part.name] = latency, np.clip(failed, 0.0, 1.0)
    return latencies, errors


def _red(rng: np.random.Generator, load: Array, latency: Array, errors: Array) -> dict[str, Array]:
    quantiles = {
        f"service_latency_{name}": latency * factor * _noise(rng, len(load), 0.02) for name, factor in QUANTILES.items()
    }
    return {"service_request_rate": load, "service_error_ratio": errors, **quantiles}


def _resources(rng: np.random.Generator, part: Part, load: Array, fault: Array) -> dict[str, Array]:
    extra = 0.5 * fault if part.name == CAUSE else 0.0
    cores = part.cores * (load / load.mean()) * (1.0 + extra) * _noise(rng, len(load), 0.04)
    return {CPU: cores, MEMORY: part.megabytes * 1e6 * _noise(rng, len(load), 0.01)}


def _edges() -> tuple[tuple[Entity, Entity], ...]:
    return tuple((part.entity, entity_of(callee)) for part in PARTS for callee in part.calls)


def _events(onset: float) -> tuple[DemoEvent, ...]:
    return (
        DemoEvent(
            onset - 3900.0,
            entity_of("recommendations"),
            "change",
            "ScalingReplicaSet",
            "Deployment recommendations rolled out image recommendations:2.31.0",
            "ci-bot",
        ),
        DemoEvent(
            onset - CHANGE_BEFORE_ONSET,
            entity_of(CAUSE),
            "change",
            "ConfigMapUpdated",
            "ConfigMap ledger-db-config: shared_buffers 2GB -> 256MB",
            "alex@example.com",
        ),
    )


def _payload(onset: float) -> dict[str, Any]:
    group = {"cluster": CLUSTER, "namespace": NAMESPACE}
    alerts = {
        "ServiceLatencyHigh": "checkout answers in more than 1 s (99th percentile)",
        "ServiceErrorRatioHigh": "checkout fails more than 2 % of its requests",
    }
    firing = [
        Firing(
            {"alertname": name, **group, "service": "checkout", "severity": "critical"},
            {"summary": summary},
            onset + ALERT_AFTER_ONSET,
        )
        for name, summary in alerts.items()
    ]
    return webhook_payload(firing, group)
