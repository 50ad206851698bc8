"""From what was read to the engine's evidence: names joined, series of one thing combined, gaps kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_common.entity import Entity
from brain_engine.series import Direction, Edge, EdgeKind, Event, Evidence, Family, Signal
from brain_rca.evidence.assemble import assemble, grid, identity_of
from brain_rca.evidence.catalogue import Combine
from brain_rca.evidence.protocol import Window
from brain_rca.evidence.raw import RawEdge, RawEvent, RawEvidence, RawPanel

WINDOW = Window(baseline_start=1000.0, start=1030.0, end=1045.0, step=15.0)
SIGNAL = Signal("container_cpu_usage", Family.CPU, "cores", Direction.UP)
CART, NODE = "lab/shop/service/cart", "lab//node/n1"
POD_A, POD_B = "lab/shop/pod/cart-6d5f8c7b9d-x2x9k", "lab/shop/pod/cart-6d5f8c7b9d-qq7wz"
NAN = np.nan


def panel(rows: Mapping[str, Sequence[float]], combine: Combine = Combine.SUM) -> RawPanel:
    return RawPanel(SIGNAL, combine, [Entity.parse(name) for name in rows], np.array(list(rows.values()), dtype=float))


def assembled(*panels: RawPanel, edges: Sequence[RawEdge] = (), **more: Any) -> Evidence:
    aliases = more.pop("aliases", {})
    raw = RawEvidence(panels=panels, edges=edges, **more)
    return assemble(WINDOW, raw, identity_of(raw, aliases))


def edge(dependent: str, dependency: str, kind: EdgeKind = EdgeKind.CALLS) -> RawEdge:
    return RawEdge(Entity.parse(dependent), Entity.parse(dependency), kind)


def test_pods_become_the_service_of_their_workload() -> None:
    services = RawPanel(SIGNAL, Combine.MAX, [Entity.parse(CART)], np.ones((1, 4)))
    pods, _ = assembled(panel({POD_A: [1, 2, 3, 4], POD_B: [10, 20, 30, 40]}), services).panels
    assert pods.entities == (CART,)
    np.testing.assert_array_equal(pods.values, [[11, 22, 33, 44]])


@pytest.mark.parametrize(
    ("combine", "expected"),
    [
        (Combine.SUM, [4.0, 2.0, 5.0, NAN]),
        (Combine.MAX, [3.0, 2.0, 5.0, NAN]),
        (Combine.MEAN, [2.0, 2.0, 5.0, NAN]),
    ],
)
def test_a_moment_counts_those_that_have_a_sample(combine: Combine, expected: list[float]) -> None:
    [found] = assembled(panel({POD_A: [1, 2, NAN, NAN], POD_B: [3, NAN, 5, NAN]}, combine)).panels
    np.testing.assert_array_equal(found.values, [expected])


def test_entities_are_sorted_whatever_the_order_of_the_series() -> None:
    rows = {f"lab/shop/service/{name}": [float(ord(name))] * 4 for name in "cab"}
    [found] = assembled(panel(rows)).panels
    assert found.entities == tuple(f"lab/shop/service/{name}" for name in "abc")
    assert found.values[:, 0].tolist() == [ord(name) for name in "abc"]


def test_a_signal_without_series_is_left_out() -> None:
    empty = RawPanel(SIGNAL, Combine.MAX, [], np.empty((0, 4)))
    assert assembled(empty, panel({CART: [1] * 4})).panels[0].entities == (CART,)
    assert assembled(empty).panels == ()


def test_an_edge_is_told_once_and_none_leads_to_itself() -> None:
    edges = [
        edge(POD_A, NODE, EdgeKind.RUNS_ON),
        edge(POD_B, NODE, EdgeKind.RUNS_ON),
        edge(CART, POD_A),
        edge("lab/shop/service/front", CART),
        edge(CART, "lab/shop/service/front"),
    ]
    assert assembled(edges=edges).edges == (
        Edge(CART, NODE, EdgeKind.RUNS_ON),
        Edge(CART, "lab/shop/service/front", EdgeKind.CALLS),
        Edge("lab/shop/service/front", CART, EdgeKind.CALLS),
    )


def test_who_is_only_known_from_an_edge_joins_names_too() -> None:
    evidence = assembled(panel({POD_A: [1] * 4}), edges=[edge("lab//service/front", CART)])
    assert evidence.panels[0].entities == (CART,)


def test_owners_and_aliases_name_panels_edges_and_events_alike() -> None:
    pod, workload = Entity.parse(POD_A), Entity.parse("lab/shop/workload/basket")
    evidence = assembled(
        panel({POD_A: [1] * 4}),
        edges=[edge(POD_A, NODE, EdgeKind.RUNS_ON)],
        owners={pod: workload},
        aliases={str(workload): CART},
        events=[RawEvent(1010.0, pod, "Killed", "out of memory", "kubelet")],
    )
    assert evidence.panels[0].entities == (CART,)
    assert evidence.edges == (Edge(CART, NODE, EdgeKind.RUNS_ON),)
    assert evidence.events == (Event(1010.0, CART, "Killed", "out of memory", "kubelet"),)


def test_what_is_missing_and_the_window_are_handed_on() -> None:
    evidence = assembled(missing=["x: away"])
    assert evidence.missing == ("x: away",)
    assert evidence.window_start == WINDOW.start
    np.testing.assert_array_equal(evidence.times, [1000, 1015, 1030, 1045])


@pytest.mark.parametrize(("end", "count"), [(1044.0, 3), (1045.0, 4), (1059.9, 4), (1060.0, 5), (1000.0, 1)])
def test_the_grid_holds_every_step_up_to_the_end(end: float, count: int) -> None:
    times = grid(Window(1000.0, 1000.0, end, 15.0))
    np.testing.assert_array_equal(times, 1000.0 + 15.0 * np.arange(count))


@given(start=st.floats(1e9, 2e9), step=st.floats(0.5, 3600), steps=st.integers(0, 2000))
def test_rounding_never_costs_the_last_step(start: float, step: float, steps: int) -> None:
    assert len(grid(Window(start, start, start + step * steps, step))) == steps + 1
