"""A storm: thousands of notifications at once, each made durable before it is answered.

Five hundred groups have ten notifications each: five states of the group, with one alert more each time, from both
peers of an Alertmanager cluster. They come over a few dozen connections, each with its next notification as soon as the
last one is answered. A tenth of the groups is critical, so that analyses run while the storm goes on; their evidence is
a small lake.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import msgspec

from brain_lab.bench.figures import Bar, Progress, at_most, exactly, quantiles
from brain_lab.bench.load import Answer, burst, notification
from brain_lab.bench.service import Service
from brain_lab.bench.shop import ABOUT, write_shop
from brain_lab.bench.usage import cpu_seconds, peak_rss_bytes

ANSWER_BAR: Final = 0.25
STATES: Final = 5
PEERS: Final = 2
MOST_GROUPS: Final = 5000
MOST_CONNECTIONS: Final = 1000
_CRITICAL_EVERY: Final = 10  # groups


class IntakeFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured.

    Attributes:
        notifications: Sent, all at once.
        answered: With status 200.
        groups: That the notifications are of.
        incidents: The service then had.
        answer_seconds: From sending a notification to its answer: p50, p99 and max.
        notifications_per_second: Until the last answer.
        connections: At the same time.
        cpu_seconds: Of the service, until the last answer.
        rss_bytes: The most memory the service had until then.
        bars: What is good enough.
    """

    bench: str = "intake"
    notifications: int
    answered: int
    groups: int
    incidents: int
    answer_seconds: dict[str, float]
    notifications_per_second: float
    connections: int
    cpu_seconds: float
    rss_bytes: int
    bars: list[Bar]


def run(groups: int, connections: int, progress: Progress, seed: int = 7) -> IntakeFigures:
    """Send ten notifications of each of ``groups`` groups over ``connections`` connections.

    Raises:
        ValueError: Too many or too few of either.
    """
    if not 1 <= groups <= MOST_GROUPS or not 1 <= connections <= MOST_CONNECTIONS:
        raise ValueError(f"groups must be 1 to {MOST_GROUPS}, connections 1 to {MOST_CONNECTIONS}")
    with TemporaryDirectory(prefix="brain-bench-") as name:
        folder = Path(name)
        write_shop(folder / "lake")
        bodies = storm(groups, seed)
        with Service(data_dir=folder, config=_config(folder)) as service:
            progress(f"{len(bodies)} notifications over {connections} connections")
            idle, began = cpu_seconds(service.pid), time.perf_counter()
            answers = asyncio.run(burst(service.address, bodies, connections))
            seconds = time.perf_counter() - began
            cpu, rss = cpu_seconds(service.pid) - idle, peak_rss_bytes(service.pid)
            progress("counting incidents")
            return _figures(groups, connections, answers, seconds, len(service.incident_ids()), cpu, rss)


def storm(groups: int, seed: int) -> list[bytes]:
    """The bodies: states of a group in their order, groups shuffled within each state."""
    rng, now = random.Random(seed), time.time()  # noqa: S311 - an order, no secret
    bodies = []
    for state in range(1, STATES + 1):
        order = list(range(groups)) * PEERS
        rng.shuffle(order)
        bodies += [notification(f"{group}", state, ABOUT, severity(group), now // 1 - 60.0).body for group in order]
    return bodies


def severity(group: int) -> str:
    """Critical now and then."""
    return "warning" if group % _CRITICAL_EVERY else "critical"


def _config(folder: Path) -> dict[str, Any]:
    return {
        "store": {"sqlite": str(folder / "incidents.sqlite")},
        "evidence": {"lake": {"path": str(folder / "lake")}},
        "log_level": "WARNING",
    }


def _figures(
    groups: int, connections: int, answers: Sequence[Answer], seconds: float, incidents: int, cpu: float, rss: int
) -> IntakeFigures:
    taken = quantiles([answer.seconds for answer in answers], (50, 99, 100))
    answered = sum(answer.status == 200 for answer in answers)
    return IntakeFigures(
        notifications=len(answers),
        answered=answered,
        groups=groups,
        incidents=incidents,
        answer_seconds={"p50": taken["p50"], "p99": taken["p99"], "max": taken["p100"]},
        notifications_per_second=len(answers) / seconds,
        connections=connections,
        cpu_seconds=cpu,
        rss_bytes=rss,
        bars=[
            at_most("answer_seconds.p99", taken["p99"], ANSWER_BAR),
            exactly("answered", answered, len(answers)),
            exactly("incidents", incidents, groups),
        ],
    )
