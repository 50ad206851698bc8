"""Small platforms of known numbers, and runs of the large ones that several tests share."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from brain_lab.faults import registry as faults
from brain_lab.faults.aim import Aim
from brain_lab.faults.protocol import Fault
from brain_lab.platforms import registry as platforms
from brain_lab.platforms.model import Call, Curve, Entry, Node, Platform, Scaler, Service, Slo, Topic
from brain_lab.simulate import Recording, run
from brain_lab.simulate.effect import Effect

MORNING = 1_790_000_000.0 // 86400 * 86400 + 9 * 3600.0
"""09:00 UTC of some day."""

FAULTS = (
    "latency-spike",
    "oom-kill",
    "database-lock",
    "network-delay",
    "bad-rollout",
    "node-pressure",
    "kafka-consumer-lag",
    "rate-limit-too-low",
)
"""Those that prove the model; the others have tests of their own."""

ONSET = 420.0
"""Seconds after the start at which faults of the shared runs begin."""


def platform(*services: Service, rate: float = 50.0, topics: tuple[Topic, ...] = (), to: str = "front") -> Platform:
    """A platform with a constant load on one service and two large nodes."""
    return Platform(
        name="small",
        cluster="small",
        services=services,
        databases=(),
        caches=(),
        externals=(),
        topics=topics,
        nodes=tuple(Node(f"node-{n}", "general", "m6i.16xlarge", "a", 64, 256e9, spare=n == 2) for n in range(3)),
        entries=(Entry(to, rate, Curve.FLAT),),
        slos=(Slo(to, latency=0.25, error_ratio=0.01),),
    )


def service(name: str, calls: tuple[Call, ...] = (), **more: object) -> Service:
    """A service of 20 ms and little CPU, with one replica of 20 slots."""
    usual = Service(
        name, "small", own_seconds=0.02, cpu_seconds=0.0002, cpu_request=1.0, cpu_limit=2.0, workers=20, error_ratio=0.0
    )
    return replace(usual, calls=calls, **more)  # type: ignore[arg-type]


def from_onset(column: str, name: str, value: float, start: float = MORNING) -> Fault:
    """A fault that sets one knob of a station."""

    def turn(at: float, knobs: object) -> None:
        if at >= start + ONSET:
            getattr(knobs, column)[knobs.station(name)] = value  # type: ignore[attr-defined]

    return Effect(turn)


def play(what: Platform, fault: Fault | None = None, seconds: float = 900.0, seed: int = 1) -> Recording:
    """A run without decoys from the morning on."""
    return run(what, fault, MORNING, seconds, seed, decoys=False)


@cache
def healthy(name: str, seed: int) -> Recording:
    """A large platform with decoys but without a fault; every seed at another time of day."""
    return run(platforms.build(name, 1), None, MORNING + seed * 3.3 * 3600.0, 1200.0 if seed == 0 else 600.0, seed)


@cache
def broken(name: str, fault: str, seed: int = 0) -> Recording:
    """A large platform with a fault from ``ONSET`` on."""
    what = platforms.build(name, 1)
    return run(what, faults.make(fault, Aim(what, MORNING + ONSET, seed)), MORNING, 900.0, seed)


def scaled(name: str, calls: tuple[Call, ...] = (), **more: object) -> Service:
    """A service whose CPU an autoscaler keeps at 70 % of its request."""
    return service(name, calls, scaler=Scaler("hpa", 0.7, 1, 6), **more)
