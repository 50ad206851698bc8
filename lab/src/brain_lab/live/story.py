"""What a live run tells besides metrics, cut at the clock: nothing of the future is written or sent.

Logs and traces go where an address was given. Events, changes and CloudTrail files are in the folder, as far as they
have come: their files only grow.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from brain_common.errors import ConfigError
from brain_common.retry import Retry, RetryPolicy
from brain_lab.emit.cloud.cloudtrail import DELIVERY_SECONDS
from brain_lab.emit.folder import Emission, write_emission
from brain_lab.emit.logs.forward import PORT, ForwardSender
from brain_lab.emit.logs.otlp import requests as log_requests
from brain_lab.emit.otlp.client import GrpcOtlpClient, HttpOtlpClient, OtlpClient
from brain_lab.emit.records import NANOS, Int, LogRecord, SpanBatch
from brain_lab.emit.traces.otlp import requests as trace_requests

_HOUR: Final = 3600 * NANOS
_PATIENCE: Final = RetryPolicy(deadline_seconds=30.0)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where logs and traces go.

    Attributes:
        forward: `host:port` of a Forward input, for logs; empty for none.
        otlp: `http://host:port`, or `host:port` for gRPC, for logs and traces; empty for none.
    """

    forward: str = ""
    otlp: str = ""

    @property
    def any(self) -> bool:
        """Whether there is one."""
        return bool(self.forward or self.otlp)


class Story:
    """Tells an emission bit by bit.

    Args:
        emission: All that the run has to tell.
        since: Seconds since the epoch; logs and traces until then are not sent.
        folder: For events, changes and CloudTrail.
        addresses: For logs and traces.
    """

    def __init__(self, emission: Emission, since: float, folder: Path, addresses: Addresses) -> None:
        self._emission, self._folder = emission, folder
        self._log_times = np.array([record.time for record in emission.logs], np.int64)
        self._told, self._lines, self._amount = int(since * NANOS), self._lines_until(since), -1
        self._forward = forward_sender(addresses.forward) if addresses.forward else None
        self._otlp = otlp_client(addresses.otlp) if addresses.otlp else None
        self._retry = Retry(_PATIENCE)

    @property
    def heard(self) -> bool:
        """Whether logs go anywhere."""
        return self._forward is not None or self._otlp is not None

    async def tell(self, now: float) -> int:
        """Send and write what has come since the last time; returns how many log lines.

        Raises:
            TemporaryError: A receiver was away for too long.
            PermanentError: A receiver refuses.
        """
        lines = self._emission.logs[self._lines : self._lines_until(now)]
        spans = self._spans_until(now)
        self._lines, self._told = self._lines + len(lines), max(self._told, int(now * NANOS))
        if self._forward is not None:
            await self._send_forward(lines)
        if self._otlp is not None:
            await self._send_otlp(self._otlp, lines, spans)
        self._write(now)
        return len(lines)

    async def close(self) -> None:
        """Give up the connections."""
        if self._forward is not None:
            self._forward.close()
        if self._otlp is not None:
            await self._otlp.close()

    def _lines_until(self, moment: float) -> int:
        return int(np.searchsorted(self._log_times, int(moment * NANOS), side="right"))

    def _spans_until(self, moment: float) -> SpanBatch | None:
        spans = self._emission.spans
        if spans is None:
            return None
        return rows_of(spans, np.flatnonzero((spans.end > self._told) & (spans.end <= int(moment * NANOS))))

    async def _send_forward(self, lines: Sequence[LogRecord]) -> None:
        """Its answer comes for each line, so a retry goes on with what is left."""
        left = list(lines)
        sender = self._forward
        assert sender is not None

        def send() -> None:
            while left:
                sender.send(left[:1])
                del left[0]

        await self._retry.run("Forward", lambda: asyncio.to_thread(send))

    async def _send_otlp(self, client: OtlpClient, lines: Sequence[LogRecord], spans: SpanBatch | None) -> None:
        for logs in log_requests(lines):
            await self._retry.run("OTLP logs", lambda logs=logs: client.send_logs(logs))  # type: ignore[misc]
        if spans is not None and len(spans):
            for traces in trace_requests(spans):
                await self._retry.run("OTLP traces", lambda traces=traces: client.send_traces(traces))  # type: ignore[misc]

    def _write(self, now: float) -> None:
        """All files again, if something has come: they are small, and readers see whole lines."""
        known = so_far(self._emission, now)
        amount = len(known.events) + len(known.changes) + len(known.calls)
        if amount != self._amount:
            first = self._amount < 0
            self._amount = amount
            write_emission(known if first else replace(known, costs=()), self._folder)


def so_far(emission: Emission, now: float) -> Emission:
    """What is on record at a moment: events that were seen, changes that are done, files that CloudTrail delivered."""
    at = int(now * NANOS)
    delivered = int(now) // DELIVERY_SECONDS * DELIVERY_SECONDS * NANOS
    return Emission(
        events=[one for one in emission.events if one.last <= at],
        changes=[one for one in emission.changes if one.end <= at],
        calls=[one for one in emission.calls if one.time < delivered],
        costs=[one for one in emission.costs if one.hour + _HOUR <= at],
        budgets=emission.budgets,
    )


def rows_of(spans: SpanBatch, rows: Int) -> SpanBatch:
    """Some of the spans."""
    columns = ("trace", "span", "parent", "start", "end", "shape", "origin", "code", "error")
    return replace(spans, **{name: getattr(spans, name)[rows] for name in columns})


def forward_sender(address: str) -> ForwardSender:
    """For `host:port` or `host`.

    Raises:
        ConfigError: It is neither.
    """
    host, _, port = address.partition(":")
    if not host or not (port.isdecimal() or not port):
        raise ConfigError(f"--forward {address!r}: expected host:port, such as localhost:{PORT}")
    return ForwardSender(host, int(port or PORT))


def otlp_client(address: str) -> OtlpClient:
    """Of HTTP for a URL, of gRPC for `host:port`.

    Raises:
        ConfigError: It is neither.
    """
    if address.startswith(("http://", "https://")):
        return HttpOtlpClient(address)
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise ConfigError(f"--otlp {address!r}: expected http://host:4318, or host:4317 for gRPC")
    return GrpcOtlpClient(address)
