"""Log records of one process: what its program says at given moments, in good times and under a fault.

The simulator calls this once for each process and stretch of time, and merges the results.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from brain_lab.emit.logs.columns import Column, Columns
from brain_lab.emit.logs.fault import LogFault
from brain_lab.emit.logs.program import Program
from brain_lab.emit.logs.template import Template, attributes, render
from brain_lab.emit.records import Id, Int, LogRecord, Origin


@dataclass(frozen=True, slots=True)
class Moments:
    """When a process writes a line, and what is known of the requests that its lines tell of.

    Attributes:
        time: [N] nanoseconds since the epoch.
        seconds: [N] how long the requests took; None: made up.
        status: [N] HTTP status codes; None: made up, and none of them failed. 500 and above count as failed.
        trace: [N, 2] halves of trace ids, high one first; None: none.
        span: [N] span ids; None: none.
    """

    time: Int
    seconds: NDArray[np.float64] | None = None
    status: Int | None = None
    trace: Id | None = None
    span: Id | None = None

    def __len__(self) -> int:
        return len(self.time)

    def of(self, rows: Int) -> Moments:
        """Those of some rows, in their order."""
        return Moments(
            self.time[rows],
            None if self.seconds is None else self.seconds[rows],
            None if self.status is None else self.status[rows],
            None if self.trace is None else self.trace[rows],
            None if self.span is None else self.span[rows],
        )


def usual_lines(
    program: Program,
    origin: Origin,
    moments: Moments,
    rng: np.random.Generator,
    names: Mapping[str, str] | None = None,
) -> list[LogRecord]:
    """[N] what the program says at these moments, in their order; failed requests in its words for those.

    Args:
        program: Whose voice.
        origin: Which process.
        moments: When, and about what.
        rng: Decides which lines, and everything that is made up.
        names: Blank → what to put there, such as `topic` or `path`.
    """
    failed = np.zeros(len(moments), bool)
    if moments.status is not None and program.failed:
        failed = moments.status >= 500
    lines: list[LogRecord | None] = [None] * len(moments)
    for templates, rows in ((program.usual, np.flatnonzero(~failed)), (program.failed, np.flatnonzero(failed))):
        _write(lines, templates, program, origin, moments, rows, rng, names or {})
    return [line for line in lines if line is not None]


def fault_lines(
    program: Program,
    fault: LogFault,
    origin: Origin,
    moments: Moments,
    rng: np.random.Generator,
    names: Mapping[str, str] | None = None,
) -> list[LogRecord]:
    """[N] how the program complains about the fault; nothing if it has no words for it.

    Args:
        program: Whose voice.
        fault: What is wrong.
        origin: Which process.
        moments: When.
        rng: Decides which lines, and everything that is made up.
        names: What is known of the fault: `peer`, `host`, `image` and the rest of `fault.NAMES`.
    """
    templates = program.faults.get(fault, ())
    if not templates:
        return []
    lines: list[LogRecord | None] = [None] * len(moments)
    _write(lines, templates, program, origin, moments, np.arange(len(moments)), rng, names or {})
    return [line for line in lines if line is not None]


def merged(parts: Iterable[Sequence[LogRecord]]) -> list[LogRecord]:
    """The lines of many processes, each part in order of time, as one log in order of time."""
    return sorted(chain.from_iterable(parts), key=attrgetter("time"))


def _write(
    lines: list[LogRecord | None],
    templates: Sequence[Template],
    program: Program,
    origin: Origin,
    moments: Moments,
    rows: Int,
    rng: np.random.Generator,
    names: Mapping[str, str],
) -> None:
    """Put the lines of `rows` into `lines`."""
    if not len(rows):
        return
    weights = np.array([template.weight for template in templates])
    chosen = rng.choice(len(templates), len(rows), p=weights / weights.sum())
    for number in np.unique(chosen).tolist():
        template, which = templates[number], rows[chosen == number]
        part = moments.of(which)
        columns = Columns(origin, part.time, rng, _known(part), names, program.escape)
        bodies, tags = render(template, columns), attributes(template, columns)
        spans = _hex(part.span, 16) if part.span is not None else [""] * len(which)
        traces = columns.spread("trace") if part.trace is not None else [""] * len(which)
        stamps = part.time.tolist()
        for row, time, body, tag, trace, span in zip(which.tolist(), stamps, bodies, tags, traces, spans, strict=True):
            lines[row] = LogRecord(time, origin, template.severity, body, tag, str(trace), span)


def _known(moments: Moments) -> Mapping[str, Column]:
    known: dict[str, Column] = {}
    if moments.seconds is not None:
        known["ms"] = np.round(moments.seconds * 1000.0, 3).tolist()
        known["seconds"] = np.round(moments.seconds, 3).tolist()
    if moments.status is not None:
        known["status"] = known["failed_status"] = moments.status.tolist()
    if moments.trace is not None:
        known["trace"] = trace_texts(moments.trace)
    return known


def trace_texts(trace: Id) -> list[str]:
    """[N] ids of [N, 2] halves, as 32 hex digits."""
    text = trace.astype(">u8").tobytes().hex()
    return [text[at : at + 32] for at in range(0, len(text), 32)]


def _hex(ids: Id, width: int) -> list[str]:
    text = ids.astype(">u8").tobytes().hex()
    return [text[at : at + width] for at in range(0, len(text), width)]
