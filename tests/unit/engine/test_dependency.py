"""Lookups over dependencies."""

from __future__ import annotations

from itertools import permutations

from brain_engine.graph.dependency import DependencyGraph
from brain_engine.series import Edge, EdgeKind


def graph(*pairs: str) -> DependencyGraph:
    return DependencyGraph(Edge(pair[0], pair[1], EdgeKind.CALLS) for pair in pairs)


def test_who_needs_whom() -> None:
    one = graph("ac", "ab", "bd")
    assert one.dependencies("a") == ("b", "c")
    assert one.dependents("d") == ("b",)
    assert one.dependencies("d") == one.dependents("a") == ()
    assert "a" in one
    assert len(one) == 4


def test_strangers() -> None:
    one = graph("ab")
    assert one.dependencies("x") == one.dependents("x") == ()
    assert "x" not in one
    assert one.distances("x") == {"x": 0}
    assert one.path("x", "a") == one.path("a", "x") == ()
    assert one.rate("x", "a") is one.rate("a", "x") is None


def test_nothing() -> None:
    assert len(graph()) == 0
    assert graph().distances("a") == {"a": 0}
    assert graph().path("a", "a") == ("a",)


def test_distances() -> None:
    assert graph("ab", "bc", "cd", "ac").distances("a") == {"a": 0, "b": 1, "c": 1, "d": 2}


def test_distances_in_a_circle() -> None:
    assert graph("ab", "bc", "ca").distances("b") == {"b": 0, "c": 1, "a": 2}


def test_a_path_goes_from_the_cause_up_to_the_alarm() -> None:
    one = graph("ab", "bc", "cd", "ac")
    assert one.path("d", "a") == ("d", "c", "a")
    assert one.path("a", "d") == ()
    assert one.path("d", "d") == ("d",)


def test_of_two_ways_the_same_is_taken_however_the_edges_came() -> None:
    ways = {graph(*order).path("z", "a") for order in permutations(["ab", "ac", "ad", "bz", "cz", "dz"])}
    assert len(ways) == 1


def test_the_same_edge_twice_is_one() -> None:
    assert graph("ab", "ab").dependencies("a") == ("b",)


def test_how_often_one_calls_another() -> None:
    counted = DependencyGraph([Edge("a", "b", EdgeKind.CALLS, rate=2.5), Edge("b", "c", EdgeKind.CALLS)])
    assert counted.rate("a", "b") == 2.5
    declared_too = [Edge("a", "b", EdgeKind.USES), Edge("a", "b", EdgeKind.CALLS, rate=2.5)]
    assert DependencyGraph(declared_too).rate("a", "b") == 2.5
    assert counted.rate("b", "c") is None  # not counted
    assert counted.rate("b", "a") is counted.rate("a", "c") is None  # not called


def test_a_long_chain_needs_no_recursion() -> None:
    edges = [Edge(f"e{place}", f"e{place + 1}", EdgeKind.CALLS) for place in range(20_000)]
    assert DependencyGraph(edges).distances("e0")["e20000"] == 20_000
