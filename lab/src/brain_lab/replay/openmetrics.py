"""OpenMetrics text with explicit timestamps, as `promtool tsdb create-blocks-from openmetrics` reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TextIO

import numpy as np

from brain_lab.recorded.model import Array
from brain_lab.replay.series import PromSeries


def write_openmetrics(out: TextIO, series: Sequence[PromSeries], times: Array, first: int, last: int) -> int:
    """Write the samples ``[first, last)`` of all series; returns how many.

    Args:
        out: Where to.
        series: Those of one metric next to each other.
        times: [T] whole seconds since the epoch.
        first: First sample to write.
        last: The one after the last.
    """
    stamps = [f"{int(time)}\n" for time in times[first:last]]
    written, metric = 0, ""
    for one in series:
        if one.metric != metric:
            metric = one.metric
            kind = "counter" if one.counter else "gauge"
            out.write(f"# TYPE {metric.removesuffix('_total') if one.counter else metric} {kind}\n")
        written += _write_samples(out, one, stamps, one.values[first:last])
    out.write("# EOF\n")
    return written


def label_text(labels: Mapping[str, str]) -> str:
    """Labels as `{a="b",c="d"}`; the same in PromQL."""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _write_samples(out: TextIO, series: PromSeries, stamps: Sequence[str], values: Array) -> int:
    prefix = series.metric + label_text(series.labels)
    present = np.flatnonzero(~np.isnan(values)).tolist()
    numbers = values.tolist()
    out.writelines(f"{prefix} {numbers[i]!r} {stamps[i]}" for i in present)
    return len(present)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
