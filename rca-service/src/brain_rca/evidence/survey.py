"""Which queries of the catalogue are worth asking: most exporters that it knows are absent in a given system.

One query counts the series of metrics that are not known to be there. What is there stays known for an hour; what is
not is asked for again each time, which costs a server next to nothing, so that a new exporter is seen at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from brain_common.clients.prometheus import Matrix
from brain_rca.evidence.promql import metrics_of, needs_a_metric
from brain_rca.evidence.protocol import Window

_KNOWN_SECONDS = 3600.0
LOOKBACK_SECONDS = 300.0
"""Prometheus' default: a sample is seen for this long, so that no series is missed in between."""


class RangeQueries(Protocol):
    """What is needed of a server; see ``brain_common.clients.prometheus.PrometheusClient``."""

    async def query_range(self, query: str, start: float, end: float, step: float) -> Matrix: ...

    async def aclose(self) -> None: ...


class Survey:
    """Remembers which metrics a server has.

    Args:
        client: The server.
        queries: By name.
    """

    def __init__(self, client: RangeQueries, queries: Mapping[str, str]) -> None:
        self._client = client
        self._metrics = {name: metrics_of(query) for name, query in queries.items() if needs_a_metric(query)}
        self._all = tuple(sorted({metric for metrics in self._metrics.values() for metric in metrics}))
        self._series: dict[str, tuple[int, float]] = {}  # series of a metric, and the end of the window they were in

    async def absent(self, window: Window) -> frozenset[str]:
        """The queries that have no series in this window; none where the server cannot tell for sure.

        Raises:
            BrainError: The server did not answer, or refused.
        """
        if not await self._looked(window):
            return frozenset()
        return frozenset(
            name for name, metrics in self._metrics.items() if not any(metric in self._series for metric in metrics)
        )

    def series(self, name: str) -> int:
        """At most so many series were read by a query when they were last counted; 0 where that is unknown."""
        return max((self._series.get(metric, (0, 0.0))[0] for metric in self._metrics.get(name, ())), default=0)

    def has(self, metric: str) -> bool:
        """Whether it was there when it was last looked for; so is everything to who was never told."""
        return metric in self._series or not self._series

    async def _looked(self, window: Window) -> bool:
        wanted = [metric for metric in self._all if not self._is_known(metric, window)]
        if not wanted:
            return True
        step = max(window.step, LOOKBACK_SECONDS)
        steps = np.ceil((window.end - window.baseline_start) / step)
        query = f'count by (__name__) ({{__name__=~"{"|".join(wanted)}"}})'
        matrix = await self._client.query_range(query, window.end - steps * step, window.end, step)
        self._note(matrix, wanted, window)
        # A store that is away may have what seems absent, and not every server counts by name.
        return not matrix.warnings and all("__name__" in labels for labels in matrix.labels)

    def _is_known(self, metric: str, window: Window) -> bool:
        return metric in self._series and window.end - self._series[metric][1] < _KNOWN_SECONDS

    def _note(self, matrix: Matrix, wanted: list[str], window: Window) -> None:
        for metric in wanted:  # what a later window has seen in the meantime stays
            if metric in self._series and self._series[metric][1] <= window.end:
                del self._series[metric]
        for labels, values in zip(matrix.labels, matrix.values, strict=True):
            if "__name__" in labels:
                self._series[labels["__name__"]] = (int(np.nanmax(values, initial=0.0)), window.end)
