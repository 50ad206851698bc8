"""Rate, errors and duration of each service's operations, as the Collector's spanmetrics connector counts them."""

from __future__ import annotations

from collections.abc import Sequence

from brain_otel.graph.histogram import Histogram, Moment
from brain_otel.graph.spans import LONGEST, Node
from brain_otel.graph.table import SeriesTable

Operation = tuple[Node, str, int, int]
"""Labels of a series: who, the span's name, kind and status; a plain tuple, since one is made for each span."""


class Durations:
    """One series.

    Attributes:
        spans: By duration.
        touched: When it last changed.
    """

    __slots__ = ("spans", "touched")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.spans = Histogram(bounds)
        self.touched = 0.0


class RedTable:
    """All operations.

    Args:
        bounds: Of histograms, in seconds.
        limit: Of series.
        moment: Time and scrape.
    """

    def __init__(self, bounds: Sequence[float], limit: int, moment: Moment) -> None:
        own = tuple(bounds)
        self.series: SeriesTable[Operation, Durations] = SeriesTable(lambda: Durations(own), limit)
        self._moment = moment

    def add(self, operation: Operation, seconds: float, trace_id: bytes, span_id: bytes) -> None:
        """Count a span."""
        if len(operation[1]) > LONGEST:
            operation = (operation[0], operation[1][:LONGEST], *operation[2:])
        series = self.series.get(operation)
        series.touched = self._moment.now
        series.spans.add(seconds, trace_id, span_id, self._moment)
