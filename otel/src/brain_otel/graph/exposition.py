"""The series as Prometheus scrapes them: families made afresh from what was counted.

Names and labels are those of the Collector's servicegraph and spanmetrics connectors. Empty labels are left out, which
is the same to Prometheus.
https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/v0.145.0/connector/servicegraphconnector
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, Final, TypeVar

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar
from prometheus_client.utils import floatToGoString

from brain_otel.graph.calls import Calls, CallTable, Edge
from brain_otel.graph.histogram import Histogram, Moment
from brain_otel.graph.pairing import Pairing
from brain_otel.graph.red import Operation, RedTable
from brain_otel.graph.spans import KINDS, STATUSES
from brain_otel.graph.table import Aging, SeriesTable

_EDGE: Final = "traces_service_graph_request"
_SPAN: Final = "traces_span_metrics"
_OVERFLOW: Final = {"otel_metric_overflow": "true"}
Labels = dict[str, str]
K = TypeVar("K", bound=Hashable)
S = TypeVar("S", bound=Aging)


class GraphCollector(Collector):
    """Shows them.

    Args:
        calls: Edges.
        red: Operations.
        pairing: What became of ends.
        dimensions: Attributes that are labels.
        moment: Is told of each scrape, so that the next spans are examples.
    """

    def __init__(
        self, calls: CallTable, red: RedTable, pairing: Pairing, dimensions: Sequence[str], moment: Moment
    ) -> None:
        self._calls, self._red, self._pairing, self._moment = calls, red, pairing, moment
        self._dimensions = tuple(re.sub(r"\W", "_", name, flags=re.ASCII) for name in dimensions)

    def describe(self) -> Iterable[Metric]:
        """Nothing: names are asked of us by a scrape alone."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Every family."""
        yield from self._edges()
        yield from self._operations()
        yield from self._own()
        self._moment.scrape += 1

    def _edges(self) -> Iterator[Metric]:
        series = list(_all(self._calls.series, self._edge))
        total = Metric(_EDGE, "Calls between two services.", "counter")
        failed = Metric(f"{_EDGE}_failed", "Calls that failed at either end.", "counter")
        for labels, calls in series:
            total.add_sample(f"{_EDGE}_total", labels, calls.server.count)
            failed.add_sample(f"{_EDGE}_failed_total", labels, calls.failed)
        yield total
        yield failed
        sides: Sequence[tuple[str, str, Callable[[Calls], Histogram | None]]] = (
            ("server_seconds", "Seconds that a call took, as the server saw it.", lambda calls: calls.server),
            ("client_seconds", "Seconds that a call took, as the client saw it.", lambda calls: calls.client),
            ("messaging_system_seconds", "Seconds between sending and receiving.", lambda calls: calls.queue),
        )
        for name, about, side in sides:
            yield _histograms(f"{_EDGE}_{name}", about, ((labels, side(calls)) for labels, calls in series))

    def _operations(self) -> Iterator[Metric]:
        series = list(_all(self._red.series, self._operation))
        calls = Metric(f"{_SPAN}_calls", "Spans of an operation.", "counter")
        for labels, durations in series:
            calls.add_sample(f"{_SPAN}_calls_total", labels, durations.spans.count)
        yield calls
        spans = ((labels, durations.spans) for labels, durations in series)
        yield _histograms(f"{_SPAN}_duration_seconds", "Seconds that spans of an operation took.", spans)

    def _own(self) -> Iterator[Metric]:
        ends = CounterMetricFamily(
            "brain_otel_graph_ends", "Ends of calls, by what became of them.", labels=["outcome"]
        )
        for outcome, count in sorted(self._pairing.outcomes.items()):
            ends.add_metric([outcome], count)
        yield ends
        yield GaugeMetricFamily("brain_otel_graph_pending_ends", "Ends that wait for the other.", len(self._pairing))
        shown = GaugeMetricFamily("brain_otel_graph_series", "Label sets that are kept.", labels=["of"])
        over = CounterMetricFamily("brain_otel_graph_overflow", "Calls and spans beyond max_series.", labels=["of"])
        gone = CounterMetricFamily("brain_otel_graph_expired_series", "Label sets no longer seen.", labels=["of"])
        tables: Mapping[str, SeriesTable[Any, Any]] = {"edges": self._calls.series, "operations": self._red.series}
        for of, table in tables.items():
            shown.add_metric([of], len(table))
            over.add_metric([of], table.overflowed)
            gone.add_metric([of], table.expired)
        yield from (shown, over, gone)

    def _edge(self, edge: Edge) -> Labels:
        labels = {
            "client": edge.client.service,
            "server": edge.server.service,
            "connection_type": edge.connection,
            "virtual_node": edge.virtual,
            "cluster": edge.server.cluster or edge.client.cluster,
        }
        for name, client, server in zip(self._dimensions, edge.client.dimensions, edge.server.dimensions, strict=True):
            labels[f"client_{name}"], labels[f"server_{name}"] = client, server
        return _shown(labels)

    def _operation(self, operation: Operation) -> Labels:
        node, name, kind, status = operation
        labels = {
            "cluster": node.cluster,
            "service_name": node.service,
            "span_name": name,
            "span_kind": KINDS[kind],
            "status_code": STATUSES[status],
        }
        return _shown({**labels, **dict(zip(self._dimensions, node.dimensions, strict=True))})


def _shown(labels: Labels) -> Labels:
    return {name: value for name, value in labels.items() if value}


def _all(table: SeriesTable[K, S], labels: Callable[[K], Labels]) -> Iterator[tuple[Labels, S]]:
    for key, series in table.items():
        yield labels(key), series
    if table.overflow is not None:
        yield _OVERFLOW, table.overflow


def _histograms(name: str, about: str, series: Iterable[tuple[Labels, Histogram | None]]) -> Metric:
    family = Metric(name, about, "histogram")
    for labels, histogram in series:
        if histogram is None:
            continue
        uppers = [*map(floatToGoString, histogram.bounds), "+Inf"]
        cumulated = list(accumulate(histogram.buckets))
        for place, (upper, count) in enumerate(zip(uppers, cumulated, strict=True)):
            example = _exemplar(histogram, place)
            family.add_sample(f"{name}_bucket", {**labels, "le": upper}, count, exemplar=example)
        family.add_sample(f"{name}_count", labels, cumulated[-1])
        family.add_sample(f"{name}_sum", labels, histogram.seconds)
    return family


def _exemplar(histogram: Histogram, place: int) -> Exemplar | None:
    if (example := histogram.examples.get(place)) is None:
        return None
    ids = {"trace_id": example.trace_id.hex(), "span_id": example.span_id.hex()}
    return Exemplar(ids, example.seconds, example.at)
