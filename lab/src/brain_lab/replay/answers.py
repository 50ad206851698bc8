"""What a Prometheus that holds a replayed case answers to the product's questions, computed without one.

For benches that ask hundreds of times, where a server per case would take an hour. It stands where the client of
Prometheus stands, so everything behind it is the product's own. It knows the shapes of question to which the
series of a replay are an answer (recording rules, sums over pods, the service graph, which metrics there are); to every
other one it answers
as a Prometheus does that has none of the series: with nothing. A test compares it with a real Prometheus.

Sources: Prometheus 3, `promql/engine.go` (a sample is seen for less than five minutes, ranges are open on the left) and
`promql/functions.go` (`extrapolatedRate`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from brain_common.clients.prometheus import Matrix
from brain_lab.recorded.model import Array
from brain_lab.replay.series import EDGE_METRIC, PromSeries, series_of
from brain_lab.replay.timeline import Timeline

LOOKBACK_SECONDS: Final = 300.0

_EXTRAPOLATED: Final = 1.1
"""Gaps at the ends of a range are filled as long as they are below so many usual distances of samples."""

_RECORDING_RULE: Final = re.compile(r"service:[a-z_]+:[a-z0-9]+")
_SUM_OVER_PODS: Final = re.compile(
    r"sum by \(cluster, namespace, pod\) \((?P<rate>rate\()?(?P<metric>\w+)\{[^}]*\}(\[(?P<seconds>\d+)s\]\))?\)"
)
_SERVER_SECONDS: Final = "traces_service_graph_request_server_seconds"
_MEAN_OF_GRAPH: Final = re.compile(
    rf"sum by \(cluster, server\) \(rate\({_SERVER_SECONDS}_sum\[(?P<seconds>\d+)s\]\)\) / \(sum by [^/]*> 0\)$"
)
_RATE_OF_GRAPH: Final = re.compile(rf"sum by \(cluster, server\) \(rate\({EDGE_METRIC}\[(?P<seconds>\d+)s\]\)\)$")
_GRAPH: Final = re.compile(rf"sum by \([\w, ]+\)\s*\(rate\({EDGE_METRIC}\[10m\]\)\) > 0")
_COUNT: Final = re.compile(r'count by \(__name__\) \(\{__name__=~"(?P<names>[^"]*)"\}\)')
_GRAPH_SECONDS: Final = 600.0
_DURATION: Final = re.compile(
    r"sum by \([\w, ]+\) "
    r"\(rate\((?P<sum>traces_service_graph_request_(?:client|server)_seconds)_sum\[(?P<seconds>\d+)s\]\)\)"
    r"\s*/ \(sum by .*_count\[\d+s\]\)\) > 0\)"
)

Row = tuple[dict[str, str], Array]


class ReplayedPrometheus:
    """Answers like ``brain_common.clients.prometheus.PrometheusClient``."""

    def __init__(self, timeline: Timeline) -> None:
        self._times = timeline.times
        self._by_metric: dict[str, list[PromSeries]] = {}
        for one in series_of(timeline):
            self._by_metric.setdefault(one.metric, []).append(one)

    async def query_range(self, query: str, start: float, end: float, step: float) -> Matrix:
        """The answer at ``start``, ``start + step``, … up to ``end`` (seconds since the epoch)."""
        count = int(np.floor((end - start) / step + 1e-6)) + 1
        at = start + step * np.arange(count, dtype=np.float64)
        rows = [row for row in self._rows(query.strip(), at) if not np.isnan(row[1]).all()]
        values = np.stack([values for _, values in rows]) if rows else np.empty((0, count))
        return Matrix(labels=[labels for labels, _ in rows], times=at, values=values)

    async def aclose(self) -> None:
        """Nothing is held open."""

    def _rows(self, query: str, at: Array) -> Iterator[Row]:
        if rule := _RECORDING_RULE.match(query):
            yield from ((dict(one.labels), levels(one, self._times, at)) for one in self._of(rule[0]))
            if graph := _RATE_OF_GRAPH.search(query):
                yield from self._rates_of_graph(EDGE_METRIC, at, float(graph["seconds"]))
            if graph := _MEAN_OF_GRAPH.search(query):
                yield from self._means_of_graph(at, float(graph["seconds"]))
        elif pods := _SUM_OVER_PODS.fullmatch(query):
            for one in self._of(pods["metric"]):
                labels = {name: one.labels[name] for name in ("namespace", "pod")}
                yield labels, self._of_pod(one, at, float(pods["seconds"]) if pods["rate"] else 0.0)
        elif duration := _DURATION.fullmatch(query):
            yield from self._durations(duration["sum"], at, float(duration["seconds"]))
        elif _GRAPH.fullmatch(query):
            for one in self._of(EDGE_METRIC):
                rate = increases(one, self._times, at, _GRAPH_SECONDS) / _GRAPH_SECONDS
                yield dict(one.labels), np.where(rate > 0.0, rate, np.nan)
        elif counted := _COUNT.fullmatch(query):
            for metric in counted["names"].split("|"):
                yield from self._number(metric, at)

    def _durations(self, metric: str, at: Array, seconds: float) -> Iterator[Row]:
        """Mean seconds of a call: how much the sum grew by how much the count did."""
        for total, count in zip(self._of(f"{metric}_sum"), self._of(f"{metric}_count"), strict=True):
            grown, calls = (increases(one, self._times, at, seconds) for one in (total, count))
            with np.errstate(divide="ignore", invalid="ignore"):
                yield dict(total.labels), np.where(calls > 0.0, grown / calls, np.nan)

    def _of(self, metric: str) -> Sequence[PromSeries]:
        return self._by_metric.get(metric, ())

    def _number(self, metric: str, at: Array) -> Iterator[Row]:
        """How many series of a metric have a sample."""
        seen = [~np.isnan(levels(one, self._times, at)) for one in self._of(metric)]
        if seen:
            number = np.sum(seen, axis=0).astype(np.float64)
            yield {"__name__": metric}, np.where(number > 0.0, number, np.nan)

    def _of_pod(self, series: PromSeries, at: Array, seconds: float) -> Array:
        if not seconds:
            return levels(series, self._times, at)
        return increases(series, self._times, at, seconds) / seconds

    def _rates_of_graph(self, metric: str, at: Array, seconds: float) -> Iterator[Row]:
        """The rate of each callee, over all its callers: the last part of the unions that read the service graph."""
        of_server: dict[str, list[Array]] = {}
        for one in self._of(metric):
            of_server.setdefault(one.labels["server"], []).append(increases(one, self._times, at, seconds) / seconds)
        for server, rates in of_server.items():
            stacked = np.stack(rates)
            known = ~np.isnan(stacked).all(axis=0)
            yield {"server": server}, np.where(known, np.nansum(stacked, axis=0), np.nan)

    def _means_of_graph(self, at: Array, seconds: float) -> Iterator[Row]:
        """How long each callee takes in the mean."""
        counts = {row["server"]: rate for row, rate in self._rates_of_graph(f"{_SERVER_SECONDS}_count", at, seconds)}
        for labels, total in self._rates_of_graph(f"{_SERVER_SECONDS}_sum", at, seconds):
            calls = counts.get(labels["server"], np.zeros(len(at)))
            with np.errstate(divide="ignore", invalid="ignore"):
                yield labels, np.where(calls > 0.0, total / calls, np.nan)


def levels(series: PromSeries, times: Array, at: Array) -> Array:
    """[T] the last sample before each moment; NaN where it is too old or there is none."""
    sampled, values = _present(series, times)
    if not len(sampled):
        return np.full(len(at), np.nan)
    last = np.searchsorted(sampled, at, side="right") - 1
    latest = np.maximum(last, 0)
    fresh = (last >= 0) & (at - sampled[latest] < LOOKBACK_SECONDS)
    return np.where(fresh, values[latest], np.nan)


def increases(series: PromSeries, times: Array, at: Array, window: float) -> Array:
    """[T] how much a counter grew in ``window`` seconds, extrapolated to its ends; NaN with less than two samples."""
    sampled, values = _present(series, times)
    grown = np.full(len(at), np.nan)
    first = np.searchsorted(sampled, at - window, side="right")
    last = np.searchsorted(sampled, at, side="right") - 1
    known = last > first
    if known.any():
        grown[known] = _extrapolated(sampled, values, first[known], last[known], at[known], window)
    return grown


def _extrapolated(
    sampled: Array, values: Array, first: NDArray[np.int64], last: NDArray[np.int64], at: Array, window: float
) -> Array:
    growth, span = values[last] - values[first], sampled[last] - sampled[first]
    usual = span / (last - first)
    before = sampled[first] - (at - window)
    after = at - sampled[last]
    before = np.where(before >= _EXTRAPOLATED * usual, usual / 2.0, before)
    after = np.where(after >= _EXTRAPOLATED * usual, usual / 2.0, after)
    with np.errstate(divide="ignore", invalid="ignore"):
        since_zero = np.where(growth > 0.0, span * values[first] / growth, np.inf)  # no counter was below zero
    return np.asarray(growth * (span + np.minimum(before, since_zero) + after) / span, dtype=np.float64)


def _present(series: PromSeries, times: Array) -> tuple[Array, Array]:
    present = ~np.isnan(series.values)
    return times[present], series.values[present]
