from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from brain_lab.emit.records import SpanBatch, SpanKind
from brain_lab.emit.traces.calls import Calls, spans_of, trace_ids
from brain_lab.emit.traces.growth import DEEPEST, CallGraph, grow
from brain_lab.emit.traces.shapes import Edge, Protocol, client_shape, server_shape
from tests.unit.lab_emit.samples import EDGES, GRAPH, ORIGINS, START, conditions, trees


def spans(calls: Calls, seed: int = 9) -> SpanBatch:
    return spans_of(calls, np.random.default_rng(seed))


def two_calls(**changed: list[int]) -> Calls:
    """web serves somebody outside and calls pay meanwhile."""
    columns = {
        "parent": [-1, 0],
        "edge": [0, 1],
        "caller": [-1, 0],
        "callee": [0, 2],
        "sent": [START, START + 10],
        "done": [START + 100, START + 50],
        "received": [START + 1, START + 12],
        "answered": [START + 99, START + 48],
        "code": [200, 200],
        "served_code": [200, 200],
        "error": [-1, -1],
        "served_error": [-1, -1],
        **changed,
    }
    arrays = {name: np.array(column) for name, column in columns.items()}
    return Calls(**arrays, edges=EDGES, origins=ORIGINS, errors=(("timeout", "too slow"),))


def kinds(batch: SpanBatch) -> list[SpanKind]:
    return [batch.shapes[shape].kind for shape in batch.shape.tolist()]


def test_both_sides_of_a_call_are_spans_and_the_server_is_the_child_of_the_client() -> None:
    batch = spans(two_calls())
    assert kinds(batch) == [SpanKind.CLIENT, SpanKind.SERVER, SpanKind.SERVER]
    client, root, server = range(3)
    assert batch.parent[root] == 0
    assert batch.parent[client] == batch.span[root]
    assert batch.parent[server] == batch.span[client]
    assert len({tuple(trace) for trace in batch.trace.tolist()}) == 1
    assert batch.start.tolist() == [START + 10, START + 1, START + 12]
    assert batch.end.tolist() == [START + 50, START + 99, START + 48]


def test_a_call_that_never_arrived_has_no_server_span() -> None:
    batch = spans(two_calls(received=[START + 1, -1], answered=[START + 99, -1], error=[-1, 0], code=[200, 0]))
    assert kinds(batch) == [SpanKind.CLIENT, SpanKind.SERVER]
    assert batch.error.tolist() == [0, -1]


def test_what_an_unseen_callee_calls_hangs_below_its_caller() -> None:
    batch = spans(two_calls(callee=[-1, 2], caller=[1, 0]))
    first, second, server = range(3)
    assert kinds(batch) == [SpanKind.CLIENT, SpanKind.CLIENT, SpanKind.SERVER]
    assert batch.parent[second] == batch.span[first]
    assert batch.parent[server] == batch.span[second]


def test_a_child_before_its_parent_is_refused() -> None:
    with pytest.raises(ValueError, match="parents come first"):
        spans(two_calls(parent=[1, -1]))


def test_no_calls_no_spans() -> None:
    empty = trees(0)
    assert len(empty) == 0
    assert len(spans(empty)) == 0


def test_ids_are_unique_and_never_zero_and_follow_from_the_seed() -> None:
    calls = trees()
    batch, same, other = spans(calls), spans(calls), spans(calls, 10)
    assert len(np.unique(batch.span)) == len(batch)
    assert batch.span.min() > 0
    assert np.array_equal(batch.span, same.span)
    assert np.array_equal(batch.trace, same.trace)
    assert not np.array_equal(batch.trace, other.trace)


def test_log_lines_can_be_given_the_trace_of_their_call() -> None:
    calls = trees()
    batch = spans(calls)
    ids = trace_ids(calls, batch)
    assert ids.all()
    assert np.array_equal(np.unique(ids, axis=0), np.unique(batch.trace, axis=0))


def test_trees_follow_the_graph_and_the_mean_numbers_of_calls() -> None:
    calls = trees(2000)
    counts = np.bincount(calls.edge, minlength=6)
    assert counts[0] == counts[1] == counts[5] == 2000
    assert counts[2] == pytest.approx(3000, rel=0.05)
    assert counts[3] == 2 * counts[2]
    inner = calls.parent >= 0
    assert np.array_equal(GRAPH.caller[calls.edge[inner]], GRAPH.callee[calls.edge[calls.parent[inner]]])


def test_children_lie_within_their_parents() -> None:
    calls = trees(300)
    rows = np.flatnonzero(calls.parent >= 0)
    above = calls.parent[rows]
    assert np.all(calls.sent[rows] >= calls.received[above])
    assert np.all(calls.done[rows] <= calls.answered[above])
    waiting = calls.edge != 4
    assert np.all(calls.answered[waiting] <= calls.done[waiting])
    assert np.all(calls.received >= calls.sent)


def test_a_message_is_consumed_after_it_was_sent_and_nobody_waits_for_it() -> None:
    calls = trees(50, wire=0.3)
    messages = calls.edge == 4
    assert np.all(calls.received[messages] > calls.done[messages])
    assert np.all(calls.done[messages] - calls.sent[messages] < 5_000_000)


def test_a_slow_callee_makes_its_callers_slow() -> None:
    usual, slow = conditions(), conditions()
    slow.own[:, 3] = 0.1
    took = []
    for condition in (usual, slow):
        rng = np.random.default_rng(4)
        calls = grow(GRAPH, condition, np.zeros(200, np.int64), np.full(200, START), rng)
        took.append(float(np.mean((calls.done - calls.sent)[calls.edge == 0])) / 1e9)
    # 1.5 × 2 calls of the database for each request, each 90 ms slower at the median
    assert took[1] - took[0] == pytest.approx(1.5 * 2 * 0.09 * np.exp(0.35**2 / 2), rel=0.1)


def test_failures_climb_to_the_root_and_lose_their_children() -> None:
    failing = conditions()
    failing.failing[:, 2] = 1.0
    calls = grow(GRAPH, failing, np.zeros(100, np.int64), np.full(100, START), np.random.default_rng(4))
    assert not np.any((calls.edge == 3) | (calls.edge == 4))
    assert np.all(calls.served_code[calls.edge == 0] == 500)
    assert np.all(calls.served_code[calls.edge == 2] == 13)
    assert np.all(calls.error[calls.edge == 5] == -1)


def test_what_cannot_be_reached_costs_the_callers_their_timeout() -> None:
    lost = conditions()
    lost.unreachable[:, 3] = 1.0
    calls = grow(GRAPH, lost, np.zeros(20, np.int64), np.full(20, START), np.random.default_rng(4))
    database = calls.edge == 3
    assert np.all(calls.done[database] - calls.sent[database] == 500_000_000)
    assert np.all(calls.received[database] == -1)
    assert {calls.errors[error][0] for error in calls.error[database].tolist()} == {"timeout"}


def test_conditions_are_those_of_the_moment() -> None:
    worse = conditions(steps=2)
    worse.own[1] = 0.1
    sent = np.array([START, START + 90 * 10**9])
    calls = grow(GRAPH, worse, np.zeros(2, np.int64), sent, np.random.default_rng(4))
    first, second = (calls.done - calls.sent)[:2].tolist()
    assert second > 5 * first


def test_a_cycle_ends() -> None:
    graph = CallGraph(
        (Edge("a", Protocol.HTTP, "GET /"), Edge("a", Protocol.HTTP, "GET /again")),
        np.array([-1, 0]),
        np.array([0, 0]),
        np.array([1.0, 1.0]),
        np.array([1.0, 1.0]),
        ((0,),),
        ORIGINS[:1],
    )
    short = conditions()
    two = replace(
        short,
        own=short.own[:, :2],
        wire=short.wire[:, :2],
        failing=short.failing[:, :2],
        unreachable=short.unreachable[:, :2],
    )
    calls = grow(graph, two, np.zeros(1, np.int64), np.array([START]), np.random.default_rng(1))
    assert len(calls) == DEEPEST


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.protocol.value)
def test_shapes_name_the_callee_by_the_conventions(edge: Edge) -> None:
    client, server = client_shape(edge), server_shape(edge)
    wanted = {
        Protocol.HTTP: ("http.request.method", "http.route"),
        Protocol.GRPC: ("rpc.method", "rpc.service"),
        Protocol.SQL: ("db.system.name", "db.query.text"),
        Protocol.REDIS: ("db.system.name", "db.operation.name"),
        Protocol.KAFKA: ("messaging.destination.name", "messaging.consumer.group.name"),
    }[edge.protocol]
    assert wanted[0] in client.attributes
    assert wanted[1] in server.attributes
    assert ("peer.service" in client.attributes) is (edge.protocol is not Protocol.KAFKA)
