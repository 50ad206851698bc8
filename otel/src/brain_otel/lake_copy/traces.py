"""Spans of traces that failed or were slow, and of a few others for comparison, for the lake's table ``spans``.

Whether a span is worth keeping may only be known from another one that comes later. So what came is kept for some
seconds as it was sent on, one block for each request: that costs nothing but its bytes, where a tuple for each span
would take several times the time and memory, and a block without any trace that is wanted is never decoded. All spans
of a trace have to come to the same worker.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from brain_common.clock import Clock
from brain_otel.batch import Batch
from brain_otel.lake_copy.config import TraceCopySettings
from brain_otel.lake_copy.spans import span_rows
from brain_otel.side.channel import Row
from brain_otel.signals import Signal

TABLE: Final = "spans"
_BLOCK: Final = 300  # bytes of a block without its content, and of a trace id in a set
_ID: Final = 100
_ERROR_STATUS: Final = 2
_SERVER: Final = 2
_TRACE_ID: Final = 16  # bytes
_RANDOM: Final = 7  # the last bytes of a trace id, which are random: https://www.w3.org/TR/trace-context-2/
ERROR: Final = "error"
SLOW: Final = "slow"
SAMPLE: Final = "sample"


@dataclass(frozen=True, slots=True)
class _Block:
    """Spans of one request that wait."""

    came: float
    data: bytes
    traces: set[bytes]

    @property
    def size(self) -> int:
        return len(self.data) + _BLOCK + _ID * len(self.traces)


class TraceCopy:
    """Observes batches of spans.

    Args:
        settings: What is kept.
        cluster: For resources that name none.
        clock: Time.
        put: Takes rows.
        missed: Called for a trace that was wanted when too many were.
    """

    def __init__(
        self,
        settings: TraceCopySettings,
        cluster: str,
        clock: Clock,
        put: Callable[[str, Sequence[Row]], None],
        missed: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._cluster = cluster
        self._clock = clock
        self._put = put
        self._missed = missed
        self._slow = int(settings.slow_seconds * 1e9)
        self._sampled = _threshold(settings.keep_ratio)
        self._blocks: deque[_Block] = deque()
        self._size = 0
        self._wanted: dict[bytes, tuple[float, str]] = {}  # by trace: since when, and why

    @property
    def size(self) -> int:
        """Bytes that wait."""
        return self._size

    def observe(self, batch: Batch) -> None:
        """Keep spans for a while, and hand on those whose while is over."""
        if batch.signal is Signal.TRACES and batch.groups:
            self._forget(self._clock.now())
            self._add(batch)
            self.expire()

    def expire(self) -> None:
        """Decide about what has waited long enough, or has no room."""
        now, waits = self._clock.now(), self._settings.wait_seconds
        while self._blocks and (self._blocks[0].came + waits <= now or self._size > self._settings.buffer_bytes):
            self._decide(self._blocks.popleft())
        self._forget(now)

    def close(self) -> None:
        """Decide about everything that waits."""
        while self._blocks:
            self._decide(self._blocks.popleft())

    def _add(self, batch: Batch) -> None:
        now = self._clock.now()
        traces = self._look(batch, now)
        for trace in [each for each in traces if each[-_RANDOM:] >= self._sampled]:
            self._want(trace, SAMPLE, now)
        block = _Block(now, batch.encoded, traces)
        self._blocks.append(block)
        self._size += block.size

    def _look(self, batch: Batch, now: float) -> set[bytes]:
        """The traces of a batch; those with an error or a slow span are wanted from now on."""
        traces: set[bytes] = set()
        slow = self._slow
        for group in batch.groups:
            for span in group.records():
                traces.add(span.trace_id)
                if span.status.code == _ERROR_STATUS:
                    self._want(span.trace_id, ERROR, now)
                elif span.end_time_unix_nano - span.start_time_unix_nano > slow and (
                    span.kind == _SERVER or not span.parent_span_id
                ):
                    self._want(span.trace_id, SLOW, now)
        return traces

    def _forget(self, now: float) -> None:
        """Traces that no waiting span can be of any more; they are in the order they came."""
        while self._wanted:
            trace, (since, _) = next(iter(self._wanted.items()))
            if since + 2 * self._settings.wait_seconds > now:
                return
            del self._wanted[trace]

    def _want(self, trace: bytes, reason: str, now: float) -> None:
        known = self._wanted.get(trace)
        if known is None:
            if len(trace) != _TRACE_ID:
                return None  # no trace id, and nobody knows how long
            if len(self._wanted) >= self._settings.most_traces:
                return self._missed()
        else:
            since, before = known
            reason = ERROR if ERROR in (reason, before) else before
            if reason == before and now - since < self._settings.wait_seconds / 2:
                return None
            del self._wanted[trace]  # to the end: it is wanted anew
        self._wanted[trace] = (now, reason)
        return None

    def _decide(self, block: _Block) -> None:
        self._size -= block.size
        if not self._wanted or self._wanted.keys().isdisjoint(block.traces):
            return
        wanted = {trace: why for trace in block.traces if (why := self._wanted.get(trace))}
        reasons = {trace: reason for trace, (_, reason) in wanted.items()}
        groups = Batch.decode(Signal.TRACES, block.data).groups
        self._put(TABLE, [row for group in groups for row in span_rows(group, reasons, self._cluster)])


def _threshold(ratio: float) -> bytes:
    """Trace ids whose last bytes are at or above are drawn: the same ones by every worker, and by SDKs that draw so.

    https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/
    """
    least = int((1 - ratio) * (1 << 8 * _RANDOM))
    return b"\xff" * (_RANDOM + 1) if ratio == 0 else least.to_bytes(_RANDOM, "big")
