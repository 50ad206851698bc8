"""Calls between processes as columns, and the spans that both sides of each would have reported.

This is where the simulator hands over what it computed: it decides every time and outcome, and nothing is made up
here but ids.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from brain_lab.emit.records import Id, Int, Origin, SpanBatch, SpanShape
from brain_lab.emit.traces.shapes import Edge, client_shape, server_shape


class Trouble(StrEnum):
    """Usual values of `error.type` besides HTTP and gRPC codes."""

    TIMEOUT = "timeout"
    REFUSED = "connection_refused"
    UNKNOWN_HOST = "unknown_host"
    CERTIFICATE = "certificate_expired"
    RESET = "connection_reset"


@dataclass(frozen=True, slots=True)
class Calls:
    """N calls. A call that a callee makes while it serves another one names that one as its parent.

    Attributes:
        parent: [N] row of the call that is being served; -1 for what comes from outside. Parents come first.
        edge: [N] index into `edges`.
        caller: [N] index into `origins`; -1 for a caller that reports no spans, such as a browser.
        callee: [N] index into `origins`; -1 for a callee that reports none, such as a database.
        sent: [N] nanoseconds since the epoch when the caller began to wait.
        done: [N] when it ceased to.
        received: [N] when the callee began; -1 if the call never reached it.
        answered: [N] when the callee ended; may be after `done` if the caller gave up, or if it is a message.
        code: [N] HTTP or gRPC status as the caller saw it; 0 for none.
        served_code: [N] as the callee sent it.
        error: [N] index into `errors` of what the caller saw; -1 for none.
        served_error: [N] likewise, the callee.
        edges: Kinds of calls.
        origins: Processes.
        errors: `error.type` and message.
    """

    parent: Int
    edge: Int
    caller: Int
    callee: Int
    sent: Int
    done: Int
    received: Int
    answered: Int
    code: Int
    served_code: Int
    error: Int
    served_error: Int
    edges: tuple[Edge, ...]
    origins: tuple[Origin, ...]
    errors: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        return len(self.parent)


def spans_of(calls: Calls, rng: np.random.Generator) -> SpanBatch:
    """Spans of both sides of all calls, the callers' first; ids come from `rng`.

    Raises:
        ValueError: A parent does not stand before its child.
    """
    count = len(calls)
    if np.any(calls.parent >= np.arange(count)):
        raise ValueError("a call stands before the call that it serves; parents come first")
    client = np.flatnonzero(calls.caller >= 0)
    server = np.flatnonzero((calls.callee >= 0) & (calls.received >= 0))
    client_id, server_id = np.zeros(count, np.uint64), np.zeros(count, np.uint64)
    client_id[client] = _ids(rng, len(client))
    server_id[server] = _ids(rng, len(server))
    traces = _ids(rng, 2 * count).reshape(count, 2)[_roots(calls.parent)]
    inside = np.where(server_id > 0, server_id, client_id)  # what a callee does is a child of its server span
    above = np.where(calls.parent >= 0, inside[calls.parent], np.uint64(0)) if count else client_id
    below = np.where(client_id > 0, client_id, above)
    rows = np.concatenate((client, server))
    shapes, shape_of = _shapes(calls.edges)
    side = np.repeat(np.array([0, 1]), (len(client), len(server)))
    return SpanBatch(
        trace=traces[rows],
        span=np.concatenate((client_id[client], server_id[server])),
        parent=np.concatenate((above[client], below[server])),
        start=np.concatenate((calls.sent[client], calls.received[server])),
        end=np.concatenate((calls.done[client], calls.answered[server])),
        shape=shape_of[calls.edge[rows], side],
        origin=np.concatenate((calls.caller[client], calls.callee[server])),
        code=np.concatenate((calls.code[client], calls.served_code[server])),
        error=np.concatenate((calls.error[client], calls.served_error[server])),
        shapes=shapes,
        origins=calls.origins,
        errors=calls.errors,
    )


def trace_ids(calls: Calls, batch: SpanBatch) -> Id:
    """[N, 2] the trace id of each call, for its log lines; zeros for a call that made no span."""
    ids = np.zeros((len(calls), 2), np.uint64)
    client = np.flatnonzero(calls.caller >= 0)
    server = np.flatnonzero((calls.callee >= 0) & (calls.received >= 0))
    ids[np.concatenate((client, server))] = batch.trace
    return ids


def _ids(rng: np.random.Generator, count: int) -> Id:
    return rng.integers(1, 2**64 - 1, count, np.uint64, endpoint=True)


def _roots(parent: Int) -> Int:
    """[N] the first call of each call's tree; each round doubles how far up is seen."""
    root = np.where(parent >= 0, parent, np.arange(len(parent)))
    while True:
        higher = root[root]
        if np.array_equal(higher, root):
            return root
        root = higher


def _shapes(edges: tuple[Edge, ...]) -> tuple[tuple[SpanShape, ...], Int]:
    shapes = [shape for edge in edges for shape in (client_shape(edge), server_shape(edge))]
    return tuple(shapes), np.arange(len(shapes)).reshape(len(edges), 2)
