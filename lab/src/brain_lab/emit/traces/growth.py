"""Grows sampled call trees from a call graph whose latencies and failures the simulation gives for each step of time.

For a simulator that computes rates and latencies rather than single requests. A callee works, then calls its callees
one after the other; a failed call fails its caller; a caller gives up after its timeout. What fails by itself calls
nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from brain_lab.emit.records import NANOS, Int, Origin
from brain_lab.emit.traces.calls import Calls, Trouble
from brain_lab.emit.traces.shapes import Edge, Protocol

Floats = NDArray[np.float64]

DEEPEST: Final = 24
"""Levels of a tree; a graph with a cycle ends here."""
SPREAD: Final = 0.35
"""Sigma of the logarithm of a single call's own time around the step's median."""
ERRORS: Final = (
    (Trouble.TIMEOUT.value, "context deadline exceeded"),
    ("500", "internal server error"),
    ("INTERNAL", "internal"),
    ("_OTHER", "the call failed"),
)
"""What a span may show: `error.type` as the semantic conventions have it, and a message."""
_FAILURES: Final = {Protocol.HTTP: 1, Protocol.GRPC: 2}
_OTHER: Final = 3
_PUBLISH_SECONDS: Final = 0.002  # until a broker has acknowledged a message


@dataclass(frozen=True, slots=True)
class CallGraph:
    """Who calls whom.

    Attributes:
        edges: Kinds of calls.
        caller: [E] service that calls, an index into `pods`; -1 for calls from outside.
        callee: [E] service that is called.
        often: [E], or [T, E] by the steps of the conditions: mean number of these calls for each call that the caller
            serves.
        timeout: [E] seconds after which the caller gives up.
        pods: For each service the origins of its pods, indexes into `origins`; empty for what reports no spans.
        origins: Processes.
    """

    edges: tuple[Edge, ...]
    caller: Int
    callee: Int
    often: Floats
    timeout: Floats
    pods: tuple[tuple[int, ...], ...]
    origins: tuple[Origin, ...]


@dataclass(frozen=True, slots=True)
class Conditions:
    """How the calls of each edge fare in each of T steps of time.

    Attributes:
        start: Nanoseconds since the epoch of the first step.
        step: Nanoseconds of a step.
        own: [T, E] median seconds that the callee works itself.
        wire: [T, E] seconds one way; for Kafka, until a message is consumed.
        failing: [T, E] share of calls that the callee fails by itself, in [0, 1].
        unreachable: [T, E] share of calls that do not reach it, in [0, 1].
    """

    start: int
    step: int
    own: Floats
    wire: Floats
    failing: Floats
    unreachable: Floats


def grow(graph: CallGraph, conditions: Conditions, entry: Int, sent: Int, rng: np.random.Generator) -> Calls:
    """All calls that follow from some requests from outside.

    Args:
        graph: Who calls whom.
        conditions: How that goes.
        entry: [R] edge of each request.
        sent: [R] nanoseconds since the epoch.
        rng: Decides the rest.
    """
    levels = _expand(graph, conditions, entry, sent, rng)
    return _timed(graph, levels, rng)


@dataclass(slots=True)
class _Level:
    """Calls of one depth; `parent` is a row of the level above, and the columns below `sent` are filled bottom up."""

    parent: Int
    edge: Int
    sent: Int  # of the request: the conditions of a tree are those of the moment it began in
    own: Int
    wire: Int
    reached: NDArray[np.bool_]
    failed: NDArray[np.bool_]
    lasted: Int  # callee's own time and that of its callees
    waited: Int  # as the caller sees it
    offset: Int  # since the callee above began


def _expand(graph: CallGraph, conditions: Conditions, entry: Int, sent: Int, rng: np.random.Generator) -> list[_Level]:
    below = [np.flatnonzero(graph.caller == service) for service in range(len(graph.pods))]
    often = np.broadcast_to(graph.often, (len(conditions.own), len(graph.edges)))
    level = _drawn(conditions, np.full(len(entry), -1), entry, sent, rng)
    levels = [level]
    while len(levels) < DEEPEST:
        parents, edges = [], []
        works = level.reached & ~level.failed
        step = _step(conditions, level.sent)
        for service in np.unique(graph.callee[level.edge]).tolist():
            rows = np.flatnonzero(works & (graph.callee[level.edge] == service))
            for edge in below[service].tolist():
                mean = often[step[rows], edge]
                parents.append(np.repeat(rows, (mean + rng.random(len(rows))).astype(np.int64)))
                edges.append(np.full(len(parents[-1]), edge))
        if not sum(map(len, parents)):
            return levels
        parent, edge_of = np.concatenate(parents), np.concatenate(edges)
        order = np.argsort(parent, kind="stable")
        parent, edge_of = parent[order], edge_of[order]
        level = _drawn(conditions, parent, edge_of, level.sent[parent], rng)
        levels.append(level)
    return levels


def _step(conditions: Conditions, moment: Int) -> Int:
    """[N] the step of time that each moment lies in, the nearest one outside."""
    return np.clip((moment - conditions.start) // conditions.step, 0, len(conditions.own) - 1)


def _drawn(conditions: Conditions, parent: Int, edge: Int, sent: Int, rng: np.random.Generator) -> _Level:
    count, step = len(edge), _step(conditions, sent)
    own = conditions.own[step, edge] * rng.lognormal(0.0, SPREAD, count)
    reached = rng.random(count) >= conditions.unreachable[step, edge]
    failed = rng.random(count) < conditions.failing[step, edge]
    zeros = np.zeros(count, np.int64)
    wire = _nanos(conditions.wire[step, edge])
    return _Level(parent, edge, sent, _nanos(own), wire, reached, failed, zeros, zeros.copy(), zeros.copy())


def _timed(graph: CallGraph, levels: list[_Level], rng: np.random.Generator) -> Calls:
    messages = np.array([edge.protocol is Protocol.KAFKA for edge in graph.edges])
    timeout = _nanos(graph.timeout)
    late: list[NDArray[np.bool_]] = [np.zeros(0, bool)] * len(levels)
    served_failed = [level.failed & level.reached for level in levels]
    for depth in range(len(levels) - 1, -1, -1):
        level = levels[depth]
        level.lasted = level.own.copy()
        if depth + 1 < len(levels):
            _take_up(level, levels[depth + 1], served_failed, late, depth, messages)
        whole = np.where(level.reached, 2 * level.wire + level.lasted, timeout[level.edge])
        message = messages[level.edge]
        late[depth] = ~message & ((whole > timeout[level.edge]) | ~level.reached)
        waited = np.minimum(whole, timeout[level.edge])
        level.waited = np.where(message, _nanos(np.array(_PUBLISH_SECONDS)), np.maximum(waited, 1))
    return _gathered(graph, levels, served_failed, late, messages, rng)


def _take_up(
    level: _Level,
    below: _Level,
    served_failed: list[NDArray[np.bool_]],
    late: list[NDArray[np.bool_]],
    depth: int,
    messages: NDArray[np.bool_],
) -> None:
    """Let callers wait for their callees, one after the other, and fail with them."""
    ends = np.cumsum(below.waited)
    first = np.searchsorted(below.parent, below.parent)  # rows of one parent stand together
    before = ends - below.waited
    below.offset = level.own[below.parent] // 2 + before - before[first]
    np.add.at(level.lasted, below.parent, below.waited)
    broken = (served_failed[depth + 1] | late[depth + 1]) & ~messages[below.edge]
    np.logical_or.at(served_failed[depth], below.parent, broken)


def _gathered(
    graph: CallGraph,
    levels: list[_Level],
    served_failed: list[NDArray[np.bool_]],
    late: list[NDArray[np.bool_]],
    messages: NDArray[np.bool_],
    rng: np.random.Generator,
) -> Calls:
    starts = np.cumsum([0, *(len(level.edge) for level in levels)])
    parent: list[Int] = []
    caller: list[Int] = []
    callee: list[Int] = []
    sent: list[Int] = []
    received: list[Int] = []
    for depth, level in enumerate(levels):
        above = depth - 1
        root = level.parent < 0
        parent.append(np.where(root, -1, level.parent + (starts[above] if depth else 0)))
        caller.append(np.full(len(root), -1) if not depth else callee[above][level.parent])
        callee.append(_pods(graph, level.edge, rng))
        sent.append(level.sent if not depth else received[above][level.parent] + level.offset)
        published = np.where(messages[level.edge], level.waited, 0)
        received.append(sent[-1] + published + level.wire)
    edge = np.concatenate([level.edge for level in levels])
    reached = np.concatenate([level.reached for level in levels])
    began, lasted = np.concatenate(received), np.concatenate([level.lasted for level in levels])
    begun, waited = np.concatenate(sent), np.concatenate([level.waited for level in levels])
    broken, gave_up = np.concatenate(served_failed), np.concatenate(late)
    codes = _codes(graph.edges)
    served_code = codes[edge, broken.astype(int)]
    failure = np.array([_FAILURES.get(one.protocol, _OTHER) for one in graph.edges], np.int64)[edge]
    return Calls(
        parent=np.concatenate(parent),
        edge=edge,
        caller=np.concatenate(caller),
        callee=np.concatenate(callee),
        sent=begun,
        done=begun + waited,
        received=np.where(reached, began, -1),
        answered=np.where(reached, began + lasted, -1),
        code=np.where(gave_up, 0, np.where(messages[edge], 0, served_code)),
        served_code=served_code,
        error=np.where(gave_up, 0, np.where(broken & ~messages[edge], failure, -1)),
        served_error=np.where(broken, failure, -1),
        edges=graph.edges,
        origins=graph.origins,
        errors=ERRORS,
    )


def _pods(graph: CallGraph, edge: Int, rng: np.random.Generator) -> Int:
    """[N] a pod of the callee for each call, or -1 where it reports no spans."""
    sizes = np.array([len(pods) for pods in graph.pods])
    table = np.full((len(graph.pods), max(1, int(sizes.max(initial=1)))), -1)
    for service, pods in enumerate(graph.pods):
        table[service, : len(pods)] = pods
    service_of = graph.callee[edge]
    place = (rng.random(len(edge)) * sizes[service_of]).astype(np.int64)
    chosen: Int = table[service_of, place]
    return chosen


def _codes(edges: tuple[Edge, ...]) -> Int:
    """[E, 2] status code of a good and of a failed call."""
    known = {Protocol.HTTP: (200, 500), Protocol.GRPC: (0, 13)}
    return np.array([known.get(edge.protocol, (0, 0)) for edge in edges], np.int64).reshape(-1, 2)


def _nanos(seconds: Floats) -> Int:
    return np.rint(seconds * NANOS).astype(np.int64)
