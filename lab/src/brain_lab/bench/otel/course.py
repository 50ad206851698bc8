"""One run of a load through a chain: what arrived, how fast, how late, and what it cost."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from brain_lab.bench.otel.chains import Chain
from brain_lab.bench.otel.generator import Order, Request, Sent
from brain_lab.bench.otel.programs import Load
from brain_lab.bench.otel.requests import PER_REQUEST, Kind
from brain_lab.bench.otel.sink import Arrivals
from brain_lab.bench.usage import cpu_seconds, family, peak_rss_bytes, rss_bytes

WARM_UP: Final = 40
"""Requests before those that count: a program's first second is not its usual one."""

_GRACE: Final = 20.0  # seconds without any arrival until what has not come counts as lost
_PATIENCE: Final = 180.0  # seconds for a whole load


@dataclass(frozen=True, kw_only=True)
class Balance:
    """What became of records.

    Attributes:
        accepted: Records that the sender was told are accepted.
        lost: Of these, how many never arrived.
        repeated: Records that arrived more than once.
    """

    accepted: int
    lost: int
    repeated: int


@dataclass(frozen=True, kw_only=True)
class Course:
    """What was measured.

    Attributes:
        balance: What became of the records, the warm-up's too.
        rate: Records a second from the first that was due until the last one's arrival.
        p99_seconds: From when a record was due at the sender until it was at the sink.
        collector_cpu: CPU seconds that the first Collector took for a million records.
        processor_cpu: The same of each processor, with its children.
        rss_bytes: Of the greatest process of a processor at the end of the load.
        peak_rss_bytes: The most that one ever had.
    """

    balance: Balance
    rate: float
    p99_seconds: float
    collector_cpu: float
    processor_cpu: tuple[float, ...]
    rss_bytes: int
    peak_rss_bytes: int


def run_course(chain: Chain, kind: Kind, requests: int, rate: float | None, folder: Path) -> Course:
    """Warm it up, then send so many requests at a rate (records a second), or as fast as they are taken."""
    warm = _send(chain, Order(address=chain.intake, kind=kind, requests=WARM_UP, in_flight=8), folder / "warm-up")
    before = _used(chain)
    order = Order(address=chain.intake, kind=kind, requests=requests, rate=rate, first=WARM_UP * PER_REQUEST)
    sent = _send(chain, order, folder / "load")
    used = [after - earlier for after, earlier in zip(_used(chain), before, strict=True)]
    first, lateness = chain.sink.arrivals.first, _lateness(chain.sink.arrivals, sent.requests)
    processes = [pid for each in chain.processors for pid in family(each.pid)]
    million = requests * PER_REQUEST / 1e6
    return Course(
        balance=balance([*warm.requests, *sent.requests], chain.sink.arrivals),
        rate=requests * PER_REQUEST / (float(first.max()) - min(each.due for each in sent.requests)),
        p99_seconds=float(np.quantile(lateness, 0.99)),
        collector_cpu=used[0] / million,
        processor_cpu=tuple(each / million for each in used[1:]),
        rss_bytes=max((rss_bytes(pid) for pid in processes), default=0),
        peak_rss_bytes=max((peak_rss_bytes(pid) for pid in processes), default=0),
    )


def balance(requests: Sequence[Request], arrivals: Arrivals) -> Balance:
    """Held against what the sink has."""
    accepted = np.array([each.first for each in requests if each.accepted is not None], np.int64)
    numbers = (accepted[:, None] + np.arange(PER_REQUEST)).ravel()
    return Balance(
        accepted=len(numbers),
        lost=arrivals.missing(numbers),
        repeated=arrivals.repeated(),
    )


def total(balances: Iterable[Balance]) -> Balance:
    """Of several loads."""
    each = list(balances)
    return Balance(
        accepted=sum(one.accepted for one in each),
        lost=sum(one.lost for one in each),
        repeated=sum(one.repeated for one in each),
    )


def settle(requests: Sequence[Request], arrivals: Arrivals) -> Balance:
    """The balance once all that was accepted has arrived, or nothing more does."""
    seen, moved = arrivals.seen(), time.monotonic()
    while (now := balance(requests, arrivals)).lost and time.monotonic() - moved < _GRACE:
        time.sleep(0.2)
        if (later := arrivals.seen()) > seen:
            seen, moved = later, time.monotonic()
    return now


def _send(chain: Chain, order: Order, folder: Path) -> Sent:
    sent = Load(order, folder).wait(_PATIENCE)
    settle(sent.requests, chain.sink.arrivals)
    return sent


def _used(chain: Chain) -> list[float]:
    """CPU seconds of the first Collector and of each processor."""
    processors = [sum(cpu_seconds(pid) for pid in family(each.pid)) for each in chain.processors]
    return [cpu_seconds(chain.collector.pid), *processors]


def _lateness(arrivals: Arrivals, requests: Sequence[Request]) -> NDArray[np.float64]:
    """Seconds from due to arrived, of each record that has arrived."""
    firsts = np.array([each.first for each in requests], np.int64)
    arrived = arrivals.first[firsts[:, None] + np.arange(PER_REQUEST)]
    late = arrived - np.array([each.due for each in requests])[:, None]
    return np.extract(arrived > 0, late)
