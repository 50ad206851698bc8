"""Processes, moments, calls and cost that the tests of emitters share, and a scanner for card numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

from brain_lab.emit.logs.lines import Moments, merged, usual_lines
from brain_lab.emit.logs.programs.registry import PROGRAMS
from brain_lab.emit.records import NANOS, CostRow, LogRecord, Origin
from brain_lab.emit.traces.calls import Calls
from brain_lab.emit.traces.growth import CallGraph, Conditions, grow
from brain_lab.emit.traces.shapes import Edge, Protocol

START = 1_764_036_242 * NANOS  # 2025-11-25T02:04:02Z
HOSTILE = 'a "quoted" \\ back\nslash\r\t{service} %s é\udcff\x00|^~\\&<script>'

EDGES = (
    Edge("web", Protocol.HTTP, "GET /"),
    Edge("pay", Protocol.HTTP, "POST /pay"),
    Edge("ledger", Protocol.GRPC, "ledger.v1.Ledger/Post"),
    Edge("ledger-db", Protocol.SQL, "INSERT entries", 5432, "ledger"),
    Edge("recon", Protocol.KAFKA, "entries"),
    Edge("cache", Protocol.REDIS, "GET", 6379),
)
SERVICES = ("web", "pay", "ledger", "ledger-db", "recon", "cache")
PODS = ((0, 1), (2, 3), (4, 5), (), (6, 7), ())
ORIGINS = tuple(
    Origin(service, "shop", f"{service}-{pod}", f"node-{pod}", "test")
    for service, pods in zip(SERVICES, PODS, strict=True)
    for pod in pods
)
GRAPH = CallGraph(
    EDGES,
    np.array([-1, 0, 1, 2, 2, 1]),
    np.arange(6),
    np.array([1.0, 1.0, 1.5, 2.0, 1.0, 1.0]),
    np.array([5.0, 2.0, 1.0, 0.5, 1.0, 0.2]),
    PODS,
    ORIGINS,
)


def origin(number: int = 0) -> Origin:
    return Origin(f"svc-{number}", "shop", f"svc-{number}-abc", f"node-{number % 3}", "test", language="java")


def moments(count: int, seed: int = 1, *, failed: float = 0.05) -> Moments:
    rng = np.random.default_rng(seed)
    return Moments(
        np.sort(rng.integers(START, START + 3600 * NANOS, count)),
        rng.lognormal(-4.0, 0.5, count),
        np.where(rng.random(count) < failed, 503, 200),
        rng.integers(1, 2**63, (count, 2), dtype=np.uint64),
        rng.integers(1, 2**63, count, dtype=np.uint64),
    )


def log(lines_each: int = 40, seed: int = 1) -> list[LogRecord]:
    """Some lines of every program, in order of time."""
    rng = np.random.default_rng(seed)
    parts = [
        usual_lines(program, origin(number), moments(lines_each, seed + number), rng)
        for number, program in enumerate(PROGRAMS.values())
    ]
    return merged(parts)


def conditions(steps: int = 4, **changed: float) -> Conditions:
    """The same for all edges; by default nothing fails."""
    values = {"own": 0.01, "wire": 0.0005, "failing": 0.0, "unreachable": 0.0, **changed}
    return Conditions(START, 60 * NANOS, **{name: np.full((steps, 6), value) for name, value in values.items()})


def trees(requests: int = 50, seed: int = 3, **changed: float) -> Calls:
    rng = np.random.default_rng(seed)
    sent = np.sort(rng.integers(START, START + 240 * NANOS, requests))
    return grow(GRAPH, conditions(**changed), np.zeros(requests, np.int64), sent, rng)


def cost_rows(hours: int = 48, *, start: int = 1_764_028_800 * NANOS) -> list[CostRow]:
    """Two services of two teams from 2025-11-25T00:00:00Z on."""
    rows = []
    for hour in range(hours):
        at = start + hour * 3600 * NANOS
        rows.append(
            CostRow(
                at,
                "111122223333",
                "eu-central-1",
                "Amazon Elastic Compute Cloud - Compute",
                "EUC1-BoxUsage:g5.xlarge",
                "arn:aws:ec2:eu-central-1:111122223333:instance/i-0a1",
                1.0,
                "Hrs",
                1.258,
                0.1,
                {"team": "ml", "Name": "gpu-1"},
                "eu-central-1a",
                "RunInstances",
            )
        )
        rows.append(
            CostRow(
                at,
                "111122223333",
                "eu-central-1",
                "EC2 - Other",
                "EUC1-NatGateway-Bytes",
                "",
                12.5,
                "GB",
                0.052,
                tags={"team": HOSTILE},
            )
        )
    return rows


_CARD = re.compile(
    r"(?<![0-9A-Za-z])(?:\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}|\d{4}([ -])\d{6}\2\d{5})(?![0-9A-Za-z])"
)
_BRANDS = re.compile(r"4|5[1-5]|2[2-7]|3[47]|6(?:011|4|5)|35|3(?:0|6|8)")


def card_numbers(texts: Iterable[str], *, any_brand: bool = False) -> list[str]:
    """What a scanner for payment cards would find: 13 to 19 digits, grouped or not, of a known network and with a
    right check digit. With `any_brand` also of networks that there are not."""
    found = (match.group() for text in texts for match in _CARD.finditer(text))
    digits = ("".join(filter(str.isdigit, one)) for one in found)
    return [one for one in digits if luhn(one) and (any_brand or _BRANDS.match(one))]


def luhn(digits: str) -> bool:
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits))]
    return sum(one - 9 if one > 9 else one for one in doubled) % 10 == 0
