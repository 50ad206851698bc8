"""Harmless things that happen while something else is broken, or while nothing is: they must not be blamed.

A batch job takes CPU from a node that has some to spare, the traffic of an unrelated entry changes, a process warms
its cache, a version is rolled out and works, an application is synced, a comment in a ConfigMap is edited.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from brain_lab.emit.records import NANOS, KubernetesEvent, Subject
from brain_lab.platforms.model import Curve, Platform, Role, Service
from brain_lab.simulate.changing import config_edit, rollout, sync
from brain_lab.simulate.effect import Effect
from brain_lab.simulate.knobs import Knobs

if TYPE_CHECKING:
    from brain_lab.faults.protocol import Fault

_EVERY: Final = 1500.0
"""Seconds of a run for each decoy of a kind."""

_AROUND: Final = (-500.0, 150.0)
"""Seconds from the onset within which one decoy of each kind begins."""


def decoys_for(
    platform: Platform, start: float, seconds: float, faults: Sequence[Fault], rng: np.random.Generator
) -> list[Fault]:
    """The decoys of a run; none of them is about anything that is broken."""
    broken = {fault.truth.entity.name for fault in faults if fault.truth is not None}
    onset = min((fault.truth.onset for fault in faults if fault.truth is not None), default=None)
    count = max(round(seconds / _EVERY), 1)
    decoys: list[Fault] = []
    for make in (_batch, _traffic, _warming, _rolling, _syncing, _editing):
        for moment in _moments(start, seconds, count, onset, rng):
            decoys += make(platform, moment, broken, rng)
    return decoys


def _moments(start: float, seconds: float, count: int, onset: float | None, rng: np.random.Generator) -> list[float]:
    """Anywhere in the run; where something breaks, the first of them around that moment, where it misleads most."""
    moments = (start + rng.uniform(0.05, 0.95, count) * seconds).tolist()
    around = float(rng.uniform(*_AROUND))
    if onset is not None:
        moments[0] = float(np.clip(onset + around, start, start + seconds))
    return [float(moment) for moment in moments]


def _batch(platform: Platform, at: float, broken: set[str], rng: np.random.Generator) -> list[Effect]:
    nodes = [node for node in platform.nodes if not node.spare and node.name not in broken]
    node = nodes[int(rng.integers(len(nodes)))]
    cores, until = node.cores * rng.uniform(0.08, 0.2), at + rng.uniform(240.0, 700.0)

    def turn(now: float, knobs: Knobs) -> None:
        if at <= now < until:
            knobs.node_cpu[knobs.node(node.name)] += cores

    return [Effect(turn)]


def _traffic(platform: Platform, at: float, broken: set[str], rng: np.random.Generator) -> list[Effect]:
    entries = [entry for entry in platform.entries if entry.curve is not Curve.BATCH and entry.to not in broken]
    quiet = sorted(entries, key=lambda entry: entry.rate)[: max(len(entries) // 2, 1)]
    entry = quiet[int(rng.integers(len(quiet)))]
    factor, until = rng.choice([0.75, 1.25]), at + rng.uniform(300.0, 900.0)

    def turn(now: float, knobs: Knobs) -> None:
        if at <= now < until:
            knobs.load_times[knobs.station(entry.to)] *= 1.0 + (factor - 1.0) * min((now - at) / 60.0, 1.0)

    return [Effect(turn)]


def _warming(platform: Platform, at: float, broken: set[str], rng: np.random.Generator) -> list[Effect]:
    service = _any_service(platform, broken, rng)
    most = 0.12 * (service.memory_limit - service.memory_base)

    def turn(now: float, knobs: Knobs) -> None:
        if now >= at:
            knobs.memory_add[knobs.station(service.name)] += most * min((now - at) / 600.0, 1.0)

    return [Effect(turn)]


def _rolling(platform: Platform, at: float, broken: set[str], rng: np.random.Generator) -> list[Effect]:
    service = _any_service(platform, broken, rng)
    revision = float(rng.integers(2, 1000))
    version = f"{rng.integers(1, 9)}.{rng.integers(0, 40)}.{rng.integers(0, 9)}"
    image = f"registry.example.com/{service.namespace}/{service.name}:{version}"

    def turn(now: float, knobs: Knobs) -> None:
        if now >= at:
            knobs.revision[knobs.station(service.name)] = revision

    change = rollout(at, service.namespace, service.name, image)
    words = f"Scaled up replica set {service.name} to 1"
    event = KubernetesEvent(
        name=f"{service.name}.{round(at * NANOS):016x}",
        subject=Subject("Deployment", service.name, service.namespace, "apps/v1"),
        reason="ScalingReplicaSet",
        message=words,
        warning=False,
        component="deployment-controller",
        first=round(at * NANOS),
        last=round(at * NANOS),
    )
    synced = sync(at - 4.0, service.namespace, service.name, f"Synced {service.name}: image {image}")
    return [Effect(turn, changes=(synced, change), events=(event,))]


def _syncing(platform: Platform, at: float, broken: set[str], rng: np.random.Generator) -> list[Effect]:
    service = _any_service(platform, broken, rng)
    words = f"Synced {service.name}: no change in the cluster"
    return [Effect(_nothing, changes=(sync(at, service.namespace, service.name, words),))]


def _editing(platform: Platform, at: float, broken: set[str], rng: np.random.Generator) -> list[Effect]:
    service = _any_service(platform, broken, rng)
    diff = {"support.contact": ("platform@example.com", "payments-platform@example.com")}
    edit = config_edit(at, service.namespace, f"{service.name}-config", diff, service.name, "sam@example.com")
    return [Effect(_nothing, changes=(edit,))]


def _nothing(_now: float, _knobs: Knobs) -> None:
    return None


def _any_service(platform: Platform, broken: set[str], rng: np.random.Generator) -> Service:
    services = [one for one in platform.services if one.role is Role.HTTP and one.name not in broken]
    return services[int(rng.integers(len(services)))]
