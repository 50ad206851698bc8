"""Evidence made by hand: three healthy hours of a small system, and what can be wrong with a series."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from brain_engine.series import Array, Direction, Edge, EdgeKind, Evidence, Family, Panel, Signal

STEPS = 180
BASELINE = 120  # steps before the window
ONSET = 150
STEP = 15.0
T0 = 1_700_000_000.0

RATE = Signal("service_request_rate", Family.LOAD, "requests/s", Direction.BOTH)
ERRORS = Signal("service_error_ratio", Family.ERRORS, "ratio", Direction.UP)
LATENCY = Signal("service_latency_mean", Family.LATENCY, "seconds", Direction.UP)
CPU = Signal("container_cpu_usage", Family.CPU, "cores", Direction.UP)
MEMORY = Signal("container_memory_working_set", Family.MEMORY, "bytes", Direction.UP)
SIGNALS = (RATE, ERRORS, LATENCY, CPU, MEMORY)


def times(count: int = STEPS) -> Array:
    return T0 + STEP * np.arange(count, dtype=np.float64)


def noise(seed: int, level: float, spread: float, count: int = STEPS) -> Array:
    """A steady series: ``level`` with a normal spread."""
    return np.asarray(level + spread * np.random.default_rng(seed).standard_normal(count), dtype=np.float64)


def faulty(seed: int, level: float, spread: float, to: float, onset: int = ONSET) -> Array:
    """The same, at ``to`` from ``onset`` on."""
    values = noise(seed, level, spread)
    values[onset:] += to - level
    return values


def panel(signal: Signal, rows: Mapping[str, Array]) -> Panel:
    return Panel(signal, tuple(rows), np.stack(list(rows.values())) if rows else np.empty((0, STEPS)))


def evidence(*panels: Panel, calls: Sequence[tuple[str, str]] = (), window_start: float | None = None) -> Evidence:
    edges = tuple(Edge(caller, callee, EdgeKind.CALLS) for caller, callee in calls)
    return Evidence(times(), T0 + STEP * BASELINE if window_start is None else window_start, panels, edges)


def _sparse() -> Array:
    values = np.full(STEPS, np.nan)
    values[:: STEPS // 6] = 0.2
    return values


def _sawtooth() -> Array:
    return np.asarray(np.arange(STEPS) % 20 * 5.0, dtype=np.float64)  # a counter that its process resets


def _gone() -> Array:
    values = noise(3, 0.2, 0.01)
    values[BASELINE:] = np.nan
    return values


def _spike() -> Array:
    values = noise(4, 0.2, 0.01)
    values[ONSET] = 50.0
    return values


def _with_infinities() -> Array:
    values = noise(5, 0.2, 0.01)
    values[10], values[160] = np.inf, -np.inf
    return values


# None of these is news: each says "nothing changed", or nothing at all.
HARMLESS: Mapping[str, Callable[[], Array]] = {
    "constant": lambda: np.full(STEPS, 0.2),
    "zero": lambda: np.zeros(STEPS),
    "negative-constant": lambda: np.full(STEPS, -7.0),
    "all-nan": lambda: np.full(STEPS, np.nan),
    "one-sample": lambda: np.where(np.arange(STEPS) == 5, 0.2, np.nan),
    "sparse": _sparse,
    "gone": _gone,
    "reset": _sawtooth,
    "spike": _spike,
    "infinite": _with_infinities,
    "all-infinite": lambda: np.full(STEPS, np.inf),
    "huge": lambda: np.where(np.arange(STEPS) % 2 == 0, 1e308, -1e308),
    "tiny": lambda: np.full(STEPS, 5e-324),
    "bytes": lambda: noise(6, 1e9, 4096.0),
    "byte-step": lambda: np.where(np.arange(STEPS) < ONSET, 1e9, 1e9 + 65536.0),
    "noise": lambda: noise(7, 0.2, 0.02),
}


def shop(*, fault: float = 0.8) -> Evidence:
    """front → cart → db, front → ads; the database is slow, and who waits for it is slow too; the ads are well."""
    slow = {"db": (0.02, fault), "cart": (0.05, fault + 0.03), "front": (0.1, fault + 0.08)}
    latency = {name: faulty(seed, usual, usual / 20, to) for seed, (name, (usual, to)) in enumerate(slow.items(), 10)}
    latency["ads"] = noise(20, 0.03, 0.002)
    names = [*latency]
    rate = {name: noise(30 + place, 50.0, 1.0) for place, name in enumerate(names)}
    cpu = {name: noise(40 + place, 0.4, 0.02) for place, name in enumerate(names)}
    errors = {name: np.zeros(STEPS) for name in names}
    return evidence(
        panel(LATENCY, latency),
        panel(RATE, rate),
        panel(CPU, cpu),
        panel(ERRORS, errors),
        calls=[("front", "cart"), ("cart", "db"), ("front", "ads")],
    )


def renamed(scene: Evidence, names: Mapping[str, str]) -> Evidence:
    """The same system under other names."""
    return replace(
        scene,
        panels=tuple(replace(one, entities=tuple(names[name] for name in one.entities)) for one in scene.panels),
        edges=tuple(
            replace(edge, dependent=names[edge.dependent], dependency=names[edge.dependency]) for edge in scene.edges
        ),
    )


def shuffled(scene: Evidence, seed: int) -> Evidence:
    """The same evidence in another order of rows, panels and edges."""
    random = np.random.default_rng(seed)
    panels = []
    for one in scene.panels:
        order = random.permutation(len(one.entities))
        panels.append(Panel(one.signal, tuple(one.entities[row] for row in order), one.values[order]))
    return replace(
        scene,
        panels=tuple(panels[place] for place in random.permutation(len(panels))),
        edges=tuple(scene.edges[place] for place in random.permutation(len(scene.edges))),
    )
