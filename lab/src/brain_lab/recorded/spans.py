"""Spans and log lines as published: CSV files, gzipped or not, a file a minute, which overlap.

Columns of spans are `TraceID`, `SpanID`, `ParentID`, `PodName`, `OperationName`, `StartTimeUnixNano` and
`EndTimeUnixNano`; of lines `Timestamp`, `PodName`, `TraceID`, `SpanID` and `Log`. What two files both have is taken
once; a line outside of any span says nothing about the way of a request and is left out. `TimeUnixNano` of some lines
is that of a time that was never set, so the text is read.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np

from brain_common.errors import InputError
from brain_engine.flow.tables import NOWHERE, Spans
from brain_lab.recorded.flow import Flow, Written

MAX_ROWS: Final = 2_000_000
"""Of one file; a published minute has five thousand spans."""

_SPAN: Final = ("TraceID", "SpanID", "ParentID", "PodName", "OperationName", "StartTimeUnixNano", "EndTimeUnixNano")
_LINE: Final = ("TraceID", "SpanID", "PodName", "Timestamp", "Log")

ServiceOf = Callable[[str], str]
"""From a pod's name to its service."""

_Row = tuple[str, ...]


def call_edges(path: Path, service_of: ServiceOf) -> frozenset[tuple[str, str]]:
    """(caller, callee) of all spans whose parent is another service's.

    Raises:
        InputError: It cannot be read, lacks a column, or holds more than ``MAX_ROWS`` spans.
    """
    spans = _rows(path, ("SpanID", "ParentID", "PodName"))
    service = {span: service_of(pod) for span, _, pod in spans}
    calls = {(service[parent], service[span]) for span, parent, _ in spans if parent in service}
    return frozenset(call for call in calls if call[0] != call[1])


def read_flow(spans: Sequence[Path], lines: Sequence[Path], service_of: ServiceOf) -> Flow:
    """All spans and lines of some files, each once.

    Raises:
        InputError: A file cannot be read, lacks a column or a time, or holds more than ``MAX_ROWS`` rows.
    """
    rows = list({row[:2]: row for path in spans for row in _rows(path, _SPAN)}.values())
    written = list(dict.fromkeys(row for path in lines for row in _rows(path, _LINE)))
    place = {row[:2]: number for number, row in enumerate(rows)}
    written = [row for row in written if row[:2] in place]
    pods = sorted({*(row[3] for row in rows), *(row[2] for row in written)})
    entities = tuple(sorted({service_of(pod) for pod in pods}))
    entity_of = {pod: entities.index(service_of(pod)) for pod in pods}
    try:
        return Flow(
            _columns(rows, place, entity_of, entities),
            Written(
                at=np.array([_moment(row[3]) for row in written], dtype=np.float64),
                entity=_whole(entity_of[row[2]] for row in written),
                span=_whole(place[row[:2]] for row in written),
                texts=tuple(row[4] for row in written),
            ),
        )
    except ValueError as error:
        raise InputError(f"{spans[0]}, or a file beside it: a time cannot be read: {error}") from error


def _columns(rows: Sequence[_Row], place: dict[_Row, int], entity_of: dict[str, int], entities: _Row) -> Spans:
    traces = {name: number for number, name in enumerate(dict.fromkeys(row[0] for row in rows))}
    operations = {name: number for number, name in enumerate(sorted({row[4] for row in rows}))}
    return Spans(
        trace=_whole(traces[row[0]] for row in rows),
        parent=_whole(place.get((row[0], row[2]), NOWHERE) for row in rows),
        entity=_whole(entity_of[row[3]] for row in rows),
        operation=_whole(operations[row[4]] for row in rows),
        start=_seconds(row[5] for row in rows),
        end=_seconds(row[6] for row in rows),
        error=np.zeros(len(rows), dtype=np.bool_),
        kind=np.zeros(len(rows), dtype=np.int64),
        entities=entities,
        operations=tuple(operations),
    )


def _whole(numbers: Iterable[int]) -> np.ndarray:
    return np.fromiter(numbers, dtype=np.int64)


def _seconds(nanoseconds: Iterable[str]) -> np.ndarray:
    return np.fromiter((int(text) for text in nanoseconds), dtype=np.float64) / 1e9


def _moment(text: str) -> float:
    """Seconds since the epoch of a time in UTC, whether or not it says so."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def _rows(path: Path, columns: Sequence[str]) -> list[_Row]:
    found: list[_Row] = []
    try:
        with gzip.open(path, "rt", newline="") if path.suffix == ".gz" else path.open(newline="") as file:
            for row in csv.DictReader(file):
                found.append(tuple(row[name] or "" for name in columns))
                if len(found) > MAX_ROWS:
                    raise InputError(f"{path}: more than {MAX_ROWS} rows")
    except (OSError, EOFError, UnicodeDecodeError, csv.Error, KeyError) as error:
        raise InputError(f"{path}: cannot be read as spans or lines: {error}") from error
    return found
