"""Tables with one column per service and measure, as RCD, RCAEval and CausalRCA publish them; used by their loaders.

A column belongs to a service by what is left of its suffix. Columns with an unknown suffix are left out:
published tables carry indexes, second time columns and container metrics under names of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from brain_common.errors import InputError
from brain_lab.recorded.model import Array, Measure, RecordedCase, Recording, SeriesKey
from brain_lab.recorded.table import Table, in_time_order, native_step, read_table

STEP: Final = 1.0
"""Both sets were sampled once a second; assumed where a file has no time column."""

CORES_PER_PERCENT: Final = 0.01
"""Both sets give CPU in percent of one core: a container stressed by one busy loop reads 100."""

MEGABYTE: Final = 1e6
"""RCAEval's memory is in units of this (its values are multiples of 4096 / 1e6), RCD's in bytes."""

SMALLEST_CONTAINER_BYTES: Final = 1e5
"""No container works in less: where even the largest of a table reads as less, the unit is the megabyte."""


PERIODS: Final = ("normal.csv", "anomalous.csv")
"""The files of a case."""


@dataclass(frozen=True, slots=True)
class Column:
    """Where a series stands: which column, of which service and measure."""

    index: int
    key: SeriesKey


def load_periods(folder: Path, suffixes: Mapping[str, Measure]) -> RecordedCase:
    """The two ``PERIODS`` of a folder as a case without call graph and alert.

    Raises:
        InputError: One is missing or damaged, or has no column with a known suffix.
    """
    normal, incident = (read_recording(folder / name, suffixes) for name in PERIODS)
    return RecordedCase(normal, incident, edges=(), target=None, step=native_step(normal.times, STEP))


def read_recording(path: Path, suffixes: Mapping[str, Measure], step: float = STEP) -> Recording:
    """One table, in base units; rows are ``step`` seconds apart where it has no time column.

    Raises:
        InputError: It is missing or damaged, or has no column with a known suffix.
    """
    table = read_table(path)
    columns = _columns(table.headers[0], suffixes)
    if not columns:
        raise InputError(f"{path}: no column ends in one of {', '.join(suffixes)}")
    times, values = in_time_order(_times(table, step), table.values)
    series = {column.key: values[:, column.index] for column in columns}
    return Recording(times, _in_base_units(series))


def _columns(header: tuple[str, ...], suffixes: Mapping[str, Measure]) -> list[Column]:
    longest_first = sorted(suffixes, key=len, reverse=True)
    found = []
    for index, name in enumerate(header):
        suffix = next((end for end in longest_first if name.endswith(end) and name != end), None)
        if suffix is not None:
            found.append(Column(index, SeriesKey(name.removesuffix(suffix), suffixes[suffix])))
    return found


def _times(table: Table, step: float) -> Array:
    """The first column named `time`, `time.1`…; without one, the rows are a step apart."""
    for index, name in enumerate(table.headers[0]):
        if name == "time" or name.startswith("time."):
            return table.values[:, index]
    return np.arange(len(table.values), dtype=np.float64) * step


def _in_base_units(series: dict[SeriesKey, Array]) -> dict[SeriesKey, Array]:
    memory_unit = _memory_unit(series)
    return {key: _converted(key, values, series, memory_unit) for key, values in series.items()}


def _converted(key: SeriesKey, values: Array, series: dict[SeriesKey, Array], memory_unit: float) -> Array:
    if key.measure is Measure.CPU:
        return values * CORES_PER_PERCENT
    if key.measure is Measure.MEMORY:
        return values * memory_unit
    if key.measure is Measure.ERROR_RATIO:
        return _ratio(values, series.get(SeriesKey(key.entity, Measure.REQUEST_RATE)))
    return values


def _memory_unit(series: dict[SeriesKey, Array]) -> float:
    peaks = [np.nanmax(v) for k, v in series.items() if k.measure is Measure.MEMORY and np.isfinite(v).any()]
    return MEGABYTE if peaks and max(peaks) < SMALLEST_CONTAINER_BYTES else 1.0


def _ratio(errors: Array, requests: Array | None) -> Array:
    """Errors are published as a ratio or as errors/s; above 1 they can only be the second."""
    if not np.any(errors > 1.0):
        return errors
    if requests is None:
        return np.clip(errors, 0.0, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(requests > 0.0, errors / requests, np.where(errors > 0.0, 1.0, 0.0))
    return np.clip(share, 0.0, 1.0)
