"""Which spans are a call, between whom, and what becomes of the others."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_otel.graph.red import Durations
from brain_otel.graph.table import SeriesTable
from tests.unit.otel.graph.calls import (
    CLIENT,
    CONSUMER,
    EDGE,
    INTERNAL,
    PRODUCER,
    SERVER,
    UNSPECIFIED,
    One,
    Watched,
    request,
)

ROOT = One("web", SERVER, 1)
CALL = One("web", CLIENT, 2, parent=1, attributes={"server.address": "cart.shop.svc"})
SERVED = One("cart", SERVER, 3, parent=2)


def test_a_client_and_its_server_are_one_call_whichever_comes_first() -> None:
    for order in permutations((ROOT, CALL, SERVED)):
        seen = Watched().see(*order)
        assert seen.calls() == {("user", "web", "virtual_node"): 1, ("web", "cart", ""): 1}
        assert seen.outcomes() == {"paired": 2, "virtual_node": 1}


def test_dimensions_of_both_ends_and_the_cluster_are_labels() -> None:
    seen = Watched()
    seen.see(CALL, **{"k8s.namespace.name": "front"}).see(SERVED, **{"k8s.namespace.name": "shop"})
    ((labels, _),) = seen.samples(f"{EDGE}_total")
    assert labels == {
        "client": "web",
        "server": "cart",
        "cluster": "c1",
        "client_k8s_namespace_name": "front",
        "server_k8s_namespace_name": "shop",
    }


def test_the_cluster_of_a_resource_wins() -> None:
    seen = Watched().see(CALL, SERVED, **{"k8s.cluster.name": "own"})
    assert seen.samples(f"{EDGE}_total")[0][0]["cluster"] == "own"


@pytest.mark.parametrize("failing", [CLIENT, SERVER])
def test_a_call_failed_when_either_end_says_so(failing: int) -> None:
    seen = Watched().see(
        One("web", CLIENT, 2, status=2 * (failing == CLIENT)), One("cart", SERVER, 3, 2, status=2 * (failing == SERVER))
    )
    assert seen.calls(f"{EDGE}_failed_total") == {("web", "cart", ""): 1}


@pytest.mark.parametrize(
    ("attributes", "bad"),
    [
        ({"http.response.status_code": 500}, 1),
        ({"http.status_code": 503}, 1),
        ({"http.response.status_code": 404}, 0),
        ({"rpc.grpc.status_code": 14}, 1),
        ({"rpc.grpc.status_code": 5}, 0),
    ],
)
def test_where_the_status_is_unset_the_code_decides_if_asked_for(attributes: dict[str, str | int], bad: int) -> None:
    served = One("cart", SERVER, 3, 2, attributes=attributes)
    for infer in (True, False):
        seen = Watched(infer_failures=infer).see(CALL, served)
        assert seen.calls(f"{EDGE}_failed_total") == {("web", "cart", ""): bad if infer else 0}


@pytest.mark.parametrize(
    ("attributes", "name"),
    [
        ({"db.name": "orders", "db.system": "postgresql"}, "orders"),
        ({"db.namespace": "orders", "db.system.name": "postgresql", "server.address": "pg"}, "orders"),
        ({"peer.service": "orders-db", "db.system": "postgresql"}, "orders-db"),
        ({"db.system": "redis", "net.peer.name": "10.0.0.9"}, "redis"),
    ],
)
def test_a_database_is_called_at_once_by_the_steadiest_name(attributes: dict[str, str | int], name: str) -> None:
    seen = Watched().see(One("cart", CLIENT, 4, attributes=attributes))
    assert seen.calls() == {("cart", name, "database"): 1}
    assert seen.calls(f"{EDGE}_client_seconds_count") == seen.calls(f"{EDGE}_server_seconds_count") == seen.calls()
    assert seen.outcomes() == {"database": 1}


def test_who_sends_no_spans_becomes_a_virtual_node_when_its_span_did_not_come() -> None:
    seen = Watched().see(One("cart", CLIENT, 4, attributes={"net.peer.name": "api.stripe.com"}))
    assert seen.calls() == {}
    assert seen.later().calls() == {("cart", "api.stripe.com", "virtual_node"): 1}
    assert seen.samples(f"{EDGE}_total")[0][0]["virtual_node"] == "server"


def test_ends_that_name_nobody_are_counted_and_forgotten() -> None:
    seen = Watched().see(One("cart", CLIENT, 4), One("cart", SERVER, 5, parent=9), One("cart", CONSUMER, 6))
    assert seen.later().calls() == {}
    assert seen.outcomes() == {"unpaired": 3}
    assert seen.samples("brain_otel_graph_pending_ends") == [({}, 0)]


def test_all_consumers_of_a_message_are_calls_by_parent_or_by_link_in_any_order() -> None:
    sent = One("shop", PRODUCER, 1, attributes={"messaging.destination.name": "orders"}, seconds=0.5)
    by_parent = [One(f"by-parent-{n}", CONSUMER, 10 + n, parent=1, start=sent.start + 2.5) for n in range(2)]
    by_link = One("by-link", CONSUMER, 20, trace=7, links=((1, 1),), start=sent.start + 2.5)
    expected = {("shop", name, "messaging_system"): 1.0 for name in ("by-parent-0", "by-parent-1", "by-link")}
    for order in permutations((sent, *by_parent, by_link)):
        seen = Watched().see(*order)
        assert seen.calls() == expected
        assert seen.calls(f"{EDGE}_messaging_system_seconds_sum") == pytest.approx(dict.fromkeys(expected, 2.0))
        assert seen.later().outcomes() == {"paired": 4}


def test_a_message_that_nobody_was_seen_to_take_went_to_its_topic() -> None:
    sent = One("shop", PRODUCER, 1, attributes={"messaging.destination.name": "orders"})
    assert Watched().see(sent).later().calls() == {("shop", "orders", "messaging_system"): 1}


def test_a_clock_that_is_behind_gives_no_time_in_the_queue() -> None:
    taken = One("mail", CONSUMER, 2, parent=1, start=ROOT.start - 60)
    seen = Watched().see(One("shop", PRODUCER, 1), taken)
    assert seen.calls()
    assert not seen.calls(f"{EDGE}_messaging_system_seconds_count")


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ((CALL, One("cart", UNSPECIFIED, 3, 2)), {("web", "cart", ""): 1}),
        ((CALL, One("cart", UNSPECIFIED, 3, 2, {"http.route": "/"})), {("web", "cart", ""): 1}),
        ((One("web", UNSPECIFIED, 2, attributes={"peer.service": "cart"}), SERVED), {("web", "cart", ""): 1}),
        ((CALL, One("web", UNSPECIFIED, 3, 2)), {}),
    ],
)
def test_the_kind_of_a_span_that_does_not_say_is_inferred(
    spans: tuple[One, ...], expected: dict[tuple[str, str, str], float]
) -> None:
    assert Watched().see(*spans).calls() == expected


def test_internal_spans_unknown_kinds_and_nameless_services_are_no_calls() -> None:
    seen = Watched().see(One("a", INTERNAL, 1), One("a", 77, 2), One("", CLIENT, 3), One("", SERVER, 4))
    assert seen.calls() == {}
    assert seen.outcomes() == {"no_service": 2}


def test_the_oldest_ends_go_first_and_are_counted() -> None:
    seen = Watched(max_pending=100)
    seen.see(*(One("a", CLIENT, span + 1, trace=2) for span in range(150)))
    assert seen.samples("brain_otel_graph_pending_ends") == [({}, 100)]
    assert seen.outcomes() == {"dropped": 50}
    seen.see(One("b", SERVER, 900, parent=1, trace=2), One("b", SERVER, 901, parent=150, trace=2))
    assert seen.calls() == {("a", "b", ""): 1}


def test_a_parent_whose_children_keep_coming_holds_nobody_up() -> None:
    watched = Watched()
    watched.see(One("a", SERVER, 10, parent=99), One("b", SERVER, 11, parent=98))
    for number in range(4):
        watched.see(One("a", SERVER, 20 + number, parent=99))
        watched.later(5)
    # After 20 s all have waited their ten seconds but the child of the fifteenth.
    assert watched.outcomes()["unpaired"] == 5
    watched.see(One("c", CLIENT, 99))
    assert watched.calls() == {("c", "a", ""): 1}


def test_ids_of_a_wrong_length_are_counted_and_not_kept() -> None:
    batch = request(One("a", SERVER, 1, parent=2), One("b", CONSUMER, 3, links=((1, 2),)), One("c", CLIENT, 4))
    spans = [span for group in batch.groups for span in group.records()]
    spans[0].parent_span_id = b"x" * 100_000
    spans[1].links[0].trace_id = b"x" * 100_000
    spans[2].trace_id = b"x" * 100_000
    watched = Watched()
    watched.observer.observe(batch)
    assert watched.outcomes() == {"malformed": 3}
    assert watched.later().outcomes() == {"malformed": 3}


def test_calls_may_come_while_a_scrape_goes_through_them() -> None:
    table = SeriesTable[str, Durations](lambda: Durations((1.0,)), 10)
    table.get("one")
    table.get("two")
    for key, _ in table.items():
        table.get(f"{key} again")
    assert len(table) == 4


def test_edges_beyond_the_limit_are_one_series_and_old_ones_are_forgotten() -> None:
    seen = Watched(max_series=10, series_expiry_seconds=60)
    seen.see(*(One(f"s{n}", SERVER, n + 1) for n in range(25)))
    rows = seen.samples(f"{EDGE}_total")
    assert len(rows) == 11
    assert ({"otel_metric_overflow": "true"}, 15) in rows
    assert ({"of": "edges"}, 15) in seen.samples("brain_otel_graph_overflow_total")
    assert len(seen.later(120).samples(f"{EDGE}_total")) == 1
    assert ({"of": "edges"}, 10) in seen.samples("brain_otel_graph_expired_series_total")


ENDS = st.builds(
    One,
    service=st.sampled_from(["a", "b"]),
    kind=st.sampled_from([SERVER, CLIENT, PRODUCER, CONSUMER]),
    span=st.integers(1, 5),
    parent=st.integers(0, 5),
    attributes=st.sampled_from([{}, {"peer.service": "p"}, {"db.name": "d"}]),
    trace=st.integers(1, 2),
)


@given(st.lists(ENDS, max_size=30), st.booleans())
def test_every_end_has_one_outcome(spans: list[One], small: bool) -> None:
    seen = Watched(**({"max_pending": 100} if small else {}))
    seen.see(*spans)
    assert seen.samples("brain_otel_graph_pending_ends")[0][1] <= len(spans)
    assert sum(seen.later().outcomes().values()) == len(spans)
    assert seen.samples("brain_otel_graph_pending_ends") == [({}, 0)]


@given(st.data())
def test_the_order_of_arrival_makes_no_difference(data: st.DataObject) -> None:
    calls = data.draw(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc"), st.booleans()), max_size=8))
    spans = []
    for n, (client, server, message) in enumerate(calls):
        sends, takes = (PRODUCER, CONSUMER) if message else (CLIENT, SERVER)
        spans += [One(client, sends, 2 * n + 1), One(server, takes, 2 * n + 2, parent=2 * n + 1)]
    first = Watched().see(*spans)
    other = Watched().see(*data.draw(st.permutations(spans)))
    assert first.calls() == other.calls()
    assert first.outcomes() == other.outcomes()
