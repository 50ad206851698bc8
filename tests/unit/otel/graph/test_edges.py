"""What the lake is told of edges."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_otel.graph.histogram import quantile
from tests.unit.otel.enrich.samples import T0
from tests.unit.otel.graph.calls import CLIENT, PRODUCER, SERVER, One, Watched


def test_an_edge_is_told_once_for_what_happened_since() -> None:
    seen = Watched(buckets=[0.1, 0.2])
    for n in range(0, 40, 2):
        failing = 2 if n < 10 else 0
        seen.see(
            One("web", CLIENT, n + 1),
            One("cart", SERVER, n + 2, n + 1, status=failing, seconds=0.15),
            **{"k8s.namespace.name": "shop"},
        )
    seen.later(60)
    (edge,) = seen.edges
    assert (edge.since, edge.until) == (T0, T0 + 60)
    assert (edge.cluster, edge.dependent, edge.dependency) == ("c1", "c1/shop/service/web", "c1/shop/service/cart")
    assert edge.calls_per_second == pytest.approx(20 / 60)
    assert edge.error_ratio == pytest.approx(5 / 20)
    assert edge.p50 == pytest.approx(0.15)
    assert len(seen.later(60).edges) == 1
    seen.see(One("web", CLIENT, 91), One("cart", SERVER, 92, 91)).later(60)
    assert seen.edges[1].calls_per_second == pytest.approx(1 / 60)
    assert seen.edges[1].error_ratio == 0


@pytest.mark.anyio
async def test_what_came_since_the_last_time_is_told_when_the_process_ends() -> None:
    seen = Watched().see(One("web", CLIENT, 1), One("cart", SERVER, 2, 1))
    ((_, upkeep),) = seen.context.background
    task = asyncio.ensure_future(upkeep())
    await asyncio.sleep(0)
    assert seen.edges == []
    task.cancel()
    await asyncio.wait([task])
    assert [edge.dependency for edge in seen.edges] == ["c1//service/cart"]


def test_databases_and_topics_have_their_kinds_and_users_are_nobody() -> None:
    seen = Watched().see(
        One("web", SERVER, 1),
        One("web", CLIENT, 2, attributes={"db.name": "orders"}),
        One("web", PRODUCER, 3, attributes={"messaging.destination.name": "bills"}),
        One("web", CLIENT, 4, attributes={"peer.service": "stripe"}),
    )
    told = {edge.dependency: edge.connection_type for edge in seen.later(60).edges}
    assert told == {
        "c1//database/orders": "database",
        "c1//topic/bills": "messaging_system",
        "c1//service/stripe": "virtual_node",
    }


@given(st.lists(st.integers(0, 50), min_size=4, max_size=4), st.floats(0, 1))
def test_a_quantile_lies_in_its_bucket(buckets: list[int], share: float) -> None:
    value = quantile(share, [0.1, 1.0, 10.0], buckets)
    if not sum(buckets):
        assert value is None
        return
    assert value is not None
    assert 0 <= value <= 10
    above = sum(count for bound, count in zip([0.1, 1.0, 10.0], buckets, strict=False) if bound <= value)
    assert above <= share * sum(buckets) + 1e-6 or value == 10.0 or above == sum(buckets)
