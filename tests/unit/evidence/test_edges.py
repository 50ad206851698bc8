"""What several sources say of one dependency becomes one edge; a large graph is no burden."""

from __future__ import annotations

import numpy as np
import pytest

from brain_common.clients.prometheus import Matrix
from brain_common.entity import Entity, EntityKind
from brain_engine.graph.dependency import DependencyGraph
from brain_engine.series import Edge, EdgeKind, Evidence, with_detail
from brain_rca.evidence.catalogue import load_catalogue
from brain_rca.evidence.edges import joined_edges
from brain_rca.evidence.prometheus import PrometheusEvidence
from brain_rca.evidence.protocol import Window
from brain_rca.evidence.raw import RawEdge
from brain_rca.scope.identity import Identity

pytestmark = pytest.mark.anyio


def named(name: str, kind: EntityKind = EntityKind.SERVICE) -> Entity:
    return Entity("lab", "" if kind is EntityKind.NODE else "shop", kind, name)


def pod(workload: str, number: int) -> Entity:
    return named(f"{workload}-{number}", EntityKind.POD)


CART, FRONT = named("cart"), named("front")
ONE, OTHER = named("n1", EntityKind.NODE), named("n2", EntityKind.NODE)


def joined(*edges: RawEdge) -> dict[tuple[str, str], Edge]:
    found = joined_edges(edges, Identity([CART, FRONT]))
    return {(edge.dependent, edge.dependency): edge for edge in found}


def test_sources_agree_on_one_edge_and_the_larger_rate_counts() -> None:
    mesh = [RawEdge(pod("front", number), CART, EdgeKind.CALLS, "mesh", 2.0) for number in (0, 1)]
    found = joined(*mesh, RawEdge(FRONT, CART, EdgeKind.CALLS, "traces", 3.0, new=True))
    assert found == {(str(FRONT), str(CART)): Edge(str(FRONT), str(CART), EdgeKind.CALLS, "mesh, traces", 4.0)}


def test_the_share_of_pods_on_a_node_is_the_weight_of_the_edge() -> None:
    where = [(pod("cart", 0), ONE), (pod("cart", 1), ONE), (pod("cart", 2), ONE), (pod("cart", 3), OTHER)]
    found = joined(*(RawEdge(one, node, EdgeKind.RUNS_ON, "placement") for one, node in where))
    assert {edge.dependency: edge.weight for edge in found.values()} == {str(ONE): 0.75, str(OTHER): 0.25}


def test_nothing_depends_on_itself() -> None:
    assert joined(RawEdge(pod("cart", 0), CART, EdgeKind.CALLS)) == {}


def test_the_order_of_the_sources_makes_no_difference() -> None:
    edges = [
        RawEdge(named(f"s{n}"), named(f"s{(n * 7) % 20}"), EdgeKind.CALLS, f"r{n % 3}", float(n)) for n in range(40)
    ]
    assert joined_edges(edges, Identity(())) == joined_edges(edges[::-1], Identity(()))


def test_a_closer_look_adds_edges_and_changes_none() -> None:
    known = Edge("a", "b", EdgeKind.CALLS, "mesh", 5.0)
    one = Evidence(np.arange(3.0), 1.0, (), edges=(known,))
    closely = Evidence(
        np.arange(3.0), 1.0, (), edges=(Edge("a", "b", EdgeKind.CALLS, "tempo"), Edge("b", "c", EdgeKind.CALLS))
    )
    assert with_detail(one, closely).edges == (known, closely.edges[1])


class Server:
    """Answers every edge rule with the calls front -> cart, all the time, and front -> rates, from some moment on."""

    def __init__(self, moment: float, since: float = 0.0) -> None:
        self._moment, self._since = moment, since

    async def query_range(self, query: str, start: float, end: float, step: float) -> Matrix:
        times = np.arange(start, end + 1, step)
        labels = [{"client": "front", "server": name} for name in ("cart", "gone", "rates")]
        values = np.full((3, len(times)), 2.0)
        values[1, times >= self._moment] = np.nan
        values[2, times < self._moment] = np.nan
        values[:, times < self._since] = np.nan
        there = np.isfinite(values).any(axis=1)  # a series without samples is not answered
        return Matrix([one for one, is_there in zip(labels, there, strict=True) if is_there], times, values[there])

    async def aclose(self) -> None: ...


@pytest.mark.parametrize(("moment", "new"), [(10_500.0, {"rates"}), (5_000.0, set()), (-1.0, set())])
async def test_who_is_called_only_since_the_window_began_is_new(moment: float, new: set[str]) -> None:
    source = PrometheusEvidence(Server(moment), load_catalogue(), "lab", 5.0)
    found = (await source.read(Window(3_000.0, 9_000.0, 12_000.0, 15.0))).edges
    assert {edge.dependency.name for edge in found if edge.new} == new
    calls = {edge.dependency.name: edge for edge in found if edge.source == "service_graph"}
    assert {"cart", "rates"} <= calls.keys()
    assert calls["cart"].rate == 2.0
    if moment > 3_000.0:
        assert not calls["gone"].new  # what vanished was needed, and still counts


async def test_where_nothing_is_known_of_before_nothing_is_new() -> None:
    """A Prometheus that has only just begun."""
    source = PrometheusEvidence(Server(5_000.0, since=9_500.0), load_catalogue(), "lab", 5.0)
    found = (await source.read(Window(3_000.0, 9_000.0, 12_000.0, 15.0))).edges
    assert {edge.dependency.name for edge in found} >= {"cart", "rates"}
    assert not any(edge.new for edge in found)


def test_five_thousand_services_with_circles() -> None:
    random = np.random.default_rng(3)
    services = [named(f"s{number}") for number in range(5_000)]
    ends = random.integers(0, 5_000, (20_000, 2)).tolist()
    edges = [RawEdge(services[one], services[other], EdgeKind.CALLS, "mesh", 1.0) for one, other in ends]
    graph = DependencyGraph(joined_edges(edges, Identity(services)))
    assert len(graph) > 4_900
    assert len(graph.distances(str(services[0]))) > 4_500  # random graphs of this density have one giant circle
    assert graph.dependencies("lab/shop/service/unknown") == ()
    assert graph.distances("lab/shop/service/unknown") == {"lab/shop/service/unknown": 0}
