"""PetShop: AWS microservices, five-minute CloudWatch and X-Ray metrics, with a call graph.

Layout: `<scenario>/graph.csv`, `<scenario>/noissue/metrics.csv` (two days without a fault) and
`<scenario>/<train|test>/issue_<n>/{metrics.csv,target.json}`, under the given folder or its `dataset/`.

Units in the files, mended here: latencies are seconds already; `requests` is a sum over the step;
`availability` is a percentage. A row of the graph is the caller, a column the callee: the row of the web
front end PetSite has its ones at the search, listing and payment services, and only the rows of the
Lambda functions have one at the database table they read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from brain_common.errors import InputError
from brain_lab.recorded.document import read_object
from brain_lab.recorded.loader import checked_id, folders_with_any
from brain_lab.recorded.model import AlertTarget, Array, Measure, RecordedCase, Recording, SeriesKey
from brain_lab.recorded.table import in_time_order, native_step, read_lines, read_table

STEP: Final = 300.0

_MEASURES: Final = {
    ("requests", "Sum"): Measure.REQUEST_RATE,
    ("availability", "Average"): Measure.ERROR_RATIO,
    ("latency", "Average"): Measure.LATENCY_MEAN,
    ("latency", "p50"): Measure.LATENCY_P50,
    ("latency", "p90"): Measure.LATENCY_P90,
    ("latency", "p95"): Measure.LATENCY_P95,
    ("latency", "p99"): Measure.LATENCY_P99,
}


class PetShop:
    """The loader."""

    def cases(self, root: Path) -> tuple[str, ...]:
        return folders_with_any(base_folder(root), "*/*/issue_*", ("metrics.csv", "target.json"))

    def load(self, root: Path, case_id: str) -> RecordedCase:
        folder = base_folder(root) / checked_id(case_id, self.cases(root), root)
        scenario = folder.parent.parent
        normal = _recording(scenario / "noissue" / "metrics.csv")
        return RecordedCase(
            normal=normal,
            incident=_recording(folder / "metrics.csv"),
            edges=_edges(scenario / "graph.csv"),
            target=_target(folder / "target.json"),
            step=native_step(normal.times, STEP),
        )


def base_folder(root: Path) -> Path:
    """The folder of the scenarios: the given one, or `dataset/` in it."""
    return root / "dataset" if (root / "dataset").is_dir() else root


def _recording(path: Path) -> Recording:
    table = read_table(path, header_rows=3)
    times, values = in_time_order(table.values[:, 0], table.values[:, 1:])
    step = native_step(times, STEP)
    columns = zip(*(header[1:] for header in table.headers), values.T, strict=True)
    series: dict[SeriesKey, Array] = {}
    for service, metric, statistic, column in columns:
        measure = _MEASURES.get((metric, statistic))
        if measure is not None:
            series[SeriesKey(service, measure)] = _in_base_unit(column, measure, step)
    return Recording(times, series)


def _in_base_unit(column: Array, measure: Measure, step: float) -> Array:
    if measure is Measure.REQUEST_RATE:
        return column / step
    if measure is Measure.ERROR_RATIO:
        return 1.0 - column / 100.0
    return column


def _edges(path: Path) -> tuple[tuple[str, str], ...]:
    header, *rows = read_lines(path)
    found = {
        (row[0], callee)
        for row in rows
        for callee, cell in zip(header[1:], row[1:], strict=False)
        if cell not in ("", "0", "0.0") and callee != row[0]
    }
    return tuple(sorted(found))


def _target(path: Path) -> AlertTarget:
    spec = read_object(path).get("target")
    fields = spec if isinstance(spec, dict) else {}
    measure = _MEASURES.get((str(fields.get("metric")), str(fields.get("agg"))))
    if measure is None or not isinstance(fields.get("node"), str):
        raise InputError(f"{path}: target needs a node, and a metric and agg that this data set has")
    return AlertTarget(fields["node"], measure)
