"""What breaks while a load goes on, and what it costs: nothing that was accepted.

Behind a Collector with its queue on disk: the next hop away, and the processor killed. Straight at the processor: more
than it has room for, which it must say so that a Collector comes again.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from brain_common.errors import PermanentError
from brain_lab.bench.otel.chains import INTAKE, KEPT_QUEUE, collector
from brain_lab.bench.otel.course import Balance, settle
from brain_lab.bench.otel.generator import Order
from brain_lab.bench.otel.programs import Load, Processor, Sink
from brain_lab.bench.otel.requests import PER_REQUEST, Kind
from brain_lab.bench.usage import family, peak_rss_bytes

RETRYABLE: Final = frozenset({"OK", "UNAVAILABLE+RetryInfo"})
"""All that a processor that runs may answer to good requests."""

MEMORY_LIMIT: Final = 192 * 2**20
"""Bytes that the overloaded processor may take."""

_SMALL: Final = {"memory_limit_bytes": MEMORY_LIMIT, "otlp": {"max_request_bytes": 4 * 2**20}}
_SLOW: Final = 0.5  # seconds that the next hop takes, so that few requests at the same time are too many
_RATE: Final = 5_000.0  # records a second; what is away has to be caught up with
_CAPACITY: Final = 2_000  # requests, more than any run sends
_PATIENCE: Final = 120.0  # seconds until all is answered
_BEFORE: Final = 2.0  # seconds of load before something breaks, and after
_LONGEST_LIFE: Final = 2.0  # seconds from ready until killed


@dataclass(frozen=True, kw_only=True)
class Overload:
    """What came of too much at once.

    Attributes:
        balance: What became of the records.
        answers: How often each came.
        peak_rss_bytes: The most memory that a process of the processor had.
    """

    balance: Balance
    answers: Mapping[str, int]
    peak_rss_bytes: int

    @property
    def refused(self) -> int:
        """Answers other than acceptance."""
        return sum(self.answers.values()) - self.answers.get("OK", 0)

    @property
    def dropped(self) -> int:
        """Answers after which a Collector gives up the data."""
        return sum(count for answer, count in self.answers.items() if answer not in RETRYABLE)


def next_hop_away(folder: Path, kind: Kind, seconds: float, config: Mapping[str, Any]) -> Balance:
    """Kill the next hop, and bring it back after some time."""
    with _kept(folder, config) as (sink, _, intake):

        def breaking() -> None:
            time.sleep(_BEFORE)
            sink.process.kill()
            time.sleep(seconds)
            sink.start()
            time.sleep(_BEFORE)

        return _under_load(folder, kind, intake, sink, breaking)


def killed(folder: Path, kind: Kind, kills: int, config: Mapping[str, Any], seed: int = 7) -> Balance:
    """Kill the processor (SIGKILL) at random moments, again and again."""
    moments = random.Random(seed)  # noqa: S311 - moments, not secrets
    with _kept(folder, config) as (sink, processor, intake):

        def breaking() -> None:
            for _ in range(kills):
                time.sleep(moments.uniform(0.0, _LONGEST_LIFE))
                processor.process.kill()
                processor.start()
            time.sleep(_BEFORE)

        return _under_load(folder, kind, intake, sink, breaking)


def overload(folder: Path, kind: Kind, requests: int, in_flight: int, config: Mapping[str, Any]) -> Overload:
    """Send requests straight to a processor with little memory and a slow next hop, many at the same time.

    Args:
        folder: For all files.
        kind: What is sent.
        requests: How many in all.
        in_flight: How many at the same time; of one connection, gRPC itself lets no more than 256 in.
        config: Of the processor, but for its memory.
    """
    with (
        Sink(data_dir=folder / "sink", capacity=requests * PER_REQUEST, seconds=_SLOW) as sink,
        Processor(data_dir=folder / "processor", next_hop=sink.address, config={**config, **_SMALL}) as processor,
    ):
        order = Order(address=processor.address, kind=kind, requests=requests, in_flight=in_flight)
        sent = Load(order, folder / "load").wait(_PATIENCE)
        left = settle(sent.requests, sink.arrivals)
        peak = max(peak_rss_bytes(pid) for pid in family(processor.pid))
    return Overload(balance=left, answers=sent.answers, peak_rss_bytes=peak)


@contextmanager
def _kept(folder: Path, config: Mapping[str, Any]) -> Iterator[tuple[Sink, Processor, str]]:
    """Collector with a queue on disk, processor, sink, and where to send; the last two come back where they were."""
    with Sink(data_dir=folder / "sink", capacity=_CAPACITY * PER_REQUEST) as sink:
        sink.keep_port()
        with Processor(data_dir=folder / "processor", next_hop=sink.address, config=config) as processor:
            processor.keep_port()
            with collector(folder / "collector", processor.address, KEPT_QUEUE) as first:
                yield sink, processor, first.at(INTAKE)


def _under_load(folder: Path, kind: Kind, intake: str, sink: Sink, breaking: Callable[[], None]) -> Balance:
    load = Load(Order(address=intake, kind=kind, requests=_CAPACITY, rate=_RATE), folder / "load")
    try:
        breaking()
        if not load.runs:
            raise PermanentError("the load ended before what it was to outlive")
    finally:
        load.stop()
    return settle(load.wait(_PATIENCE).requests, sink.arrivals)
