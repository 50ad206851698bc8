"""What the wire says of itself. Everything is counted once per request, nothing per record."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from brain_otel.signals import Signal
from brain_otel.wire.refusal import Outcome

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class WireMetrics:
    """Of both listeners, admission and the next hop."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        labels = ["signal", "transport", "outcome"]
        self._requests = Counter("brain_otel_requests", "Requests answered.", labels, registry=registry)
        self._bytes = Counter(
            "brain_otel_received_bytes", "Bytes of requests, inflated.", ["signal", "transport"], registry=registry
        )
        records = Counter(
            "brain_otel_received_records", "Spans, metrics and log records received.", ["signal"], registry=registry
        )
        self._records = {signal: records.labels(signal) for signal in Signal}
        seconds = Histogram(
            "brain_otel_next_hop_seconds", "Waiting for the next hop.", ["signal"], buckets=_SECONDS, registry=registry
        )
        self._seconds = {signal: seconds.labels(signal) for signal in Signal}
        self._failures = Counter(
            "brain_otel_next_hop_failures",
            "Requests that the next hop did not accept, by its status; UNAUTHENTICATED and PERMISSION_DENIED are about "
            "the credential of this processor.",
            ["code"],
            registry=registry,
        )

    def answered(self, signal: Signal, transport: str, outcome: Outcome) -> None:
        """One request has its answer."""
        self._requests.labels(signal, transport, outcome).inc()

    def received(self, signal: Signal, transport: str, size: int) -> None:
        """A body was read."""
        self._bytes.labels(signal, transport).inc(size)

    def decoded(self, signal: Signal, records: int) -> None:
        """A body was understood."""
        self._records[signal].inc(records)

    @contextmanager
    def asking(self, signal: Signal) -> Iterator[None]:
        """The next hop is asked inside the block."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[signal].observe(time.perf_counter() - began)

    def not_accepted(self, code: str) -> None:
        """The next hop said no, or nothing."""
        self._failures.labels(code).inc()

    def budget(self, in_flight: Callable[[], float], budget: Callable[[], float]) -> None:
        """Show how much of the memory is taken."""
        for name, text, value in (
            ("brain_otel_in_flight_bytes", "Memory set aside for requests under way.", in_flight),
            ("brain_otel_budget_bytes", "Memory that requests may take together.", budget),
        ):
            Gauge(name, text, registry=self._registry).set_function(value)
