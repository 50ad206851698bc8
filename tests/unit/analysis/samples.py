"""A front that calls a cart, and what is known about them around ``NOW``; the cart's queries became slow."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from brain_engine.findings import find
from brain_engine.graph.dependency import DependencyGraph
from brain_engine.plugins import load_detector
from brain_engine.series import Direction, Edge, EdgeKind, Event, Evidence, Family, Panel, Signal
from brain_rca.analysis.snapshot import Snapshot
from brain_rca.evidence.assemble import grid
from brain_rca.evidence.protocol import Window
from brain_rca.model import Alert, Incident, IncidentStatus, Severity

NOW = 1_700_000_100.0
STEP = 15.0
ONSET = NOW - 600
OPENED = NOW - 300
WINDOW = Window(baseline_start=NOW - 7200, start=NOW - 1800, end=NOW, step=STEP)
FRONT, CART, IDLE = (f"lab/shop/service/{name}" for name in ("front", "cart", "idle"))
LATENCY = Signal("service_latency_p99", Family.LATENCY, "seconds", Direction.UP)
MEMORY = Signal("container_memory_of_limit", Family.MEMORY, "ratio", Direction.UP, 1.0)


def alert(name: str = "a", *, status: str = "firing", starts_at: float = OPENED, **labels: str) -> Alert:
    """An alert about the front, unless ``labels`` say otherwise."""
    about = labels or {"cluster": "lab", "namespace": "shop", "service": "front"}
    return Alert(fingerprint=name, status=status, labels={"alertname": "Slow", **about}, starts_at=starts_at)


def incident(*alerts: Alert, **changes: Any) -> Incident:
    """An open incident that began five minutes ago."""
    given: dict[str, Any] = {
        "id": "00112233aabbccdd",
        "source": "main",
        "receiver": "brain",
        "group_key": "{}",
        "group_hash": "aabbccddeeff",
        "episode": 1,
        "status": IncidentStatus.OPEN,
        "severity": Severity.CRITICAL,
        "opened_at": OPENED,
        "received_at": OPENED + 30,
        "alerts": alerts or (alert(),),
    }
    return Incident(**{**given, **changes})


def panel(
    signal: Signal, factors: Mapping[str, float], usual: float, window: Window = WINDOW, until: float = math.inf
) -> Panel:
    """Series at ``usual`` that are ``factors`` times as high from the onset until ``until``."""
    times = grid(window)
    noise = 1 + 0.02 * np.random.default_rng(1).standard_normal((len(factors), len(times)))
    values = (
        usual * noise * np.where((times >= ONSET) & (times < until), np.array(list(factors.values()))[:, None], 1.0)
    )
    return Panel(signal, tuple(factors), values)


def evidence(
    *panels: Panel,
    edges: Sequence[tuple[str, str]] = ((FRONT, CART),),
    missing: Sequence[str] = (),
    events: Sequence[Event] = (),
    window: Window = WINDOW,
) -> Evidence:
    """By default the cart is ten times as slow as usual, the front five times, and the rest is well."""
    known = panels or (panel(LATENCY, {CART: 10.0, FRONT: 5.0, IDLE: 1.0}, 0.02, window),)
    found = tuple(Edge(dependent, dependency, EdgeKind.CALLS) for dependent, dependency in edges)
    return Evidence(grid(window), window.start, known, found, tuple(missing), tuple(events))


def snapshot(known: Evidence, window: Window = WINDOW) -> Snapshot:
    """What is found in the evidence by the built-in detector."""
    named = frozenset(entity for one in known.panels for entity in one.entities)
    found = find(known, load_detector("robust-shift"))
    queries = {(one.signal.name, one.entity): f"query of {one.signal.name} of {one.entity}" for one in found}
    return Snapshot(window, known, found, DependencyGraph(known.edges), named, queries)
