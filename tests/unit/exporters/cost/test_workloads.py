"""Shares of a node: they add up to its price, and to no more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_exporters.cost.config import WorkloadSettings
from brain_exporters.cost.workloads import Utilization, shares

_SETTINGS = WorkloadSettings.model_validate({"prometheus": {"url": "http://p"}, "node_prices": {"m5.large": 1.0}})
_SIZE = st.floats(min_value=0, max_value=8)


def _cluster(requests: list[float], usage: list[float]) -> Utilization:
    found = Utilization(allocatable={("n", "cpu"): 4.0, ("n", "memory"): 4.0}, instance_type={"n": "m5.large"})
    for place, (request, used) in enumerate(zip(requests, usage, strict=True)):
        pod = ("shop", f"p{place}")
        found.pod_node[pod] = "n"
        found.pod_owner[pod] = ("shop", "Deployment", f"d{place}")
        for kind in ("cpu", "memory"):
            found.requests[pod, kind] = request
            found.usage[pod, kind] = used
    return found


def test_a_workload_pays_for_the_larger_of_request_and_usage_and_wastes_the_rest() -> None:
    found = shares(_cluster([2, 0.5], [1, 1]), _SETTINGS, {})
    assert found.workloads == pytest.approx({("shop", "Deployment", "d0"): 0.5, ("shop", "Deployment", "d1"): 0.25})
    assert found.waste == pytest.approx({("shop", "Deployment", "d0"): 0.25, ("shop", "Deployment", "d1"): 0})
    assert found.idle == pytest.approx({"n": 0.25})


@given(st.lists(st.tuples(_SIZE, _SIZE), max_size=6))
def test_workloads_and_idle_are_the_price_of_the_node(pods: list[tuple[float, float]]) -> None:
    found = shares(_cluster([each[0] for each in pods], [each[1] for each in pods]), _SETTINGS, {})
    assert sum(found.workloads.values()) + found.idle["n"] == pytest.approx(1.0)
    assert sum(found.waste.values()) <= sum(found.workloads.values()) + 1e-9


def test_a_bill_for_the_instance_is_better_than_the_price_list() -> None:
    cluster = _cluster([4], [4])
    cluster.instance["n"] = "i-0a"
    assert shares(cluster, _SETTINGS, {"i-0a": 0.3}).nodes == {"n": 0.3}


def test_cost_per_request_is_by_the_second() -> None:
    cluster = _cluster([4], [4])
    cluster.request_rate["shop", "d0"] = 10.0
    assert shares(cluster, _SETTINGS, {}).per_request == pytest.approx({("shop", "Deployment", "d0"): 1 / 36_000})


def test_a_node_without_a_price_is_said() -> None:
    cluster = _cluster([4], [4])
    cluster.instance_type["n"] = "unheard.of"
    found = shares(cluster, _SETTINGS, {})
    assert (found.unpriced, dict(found.workloads)) == (1, {})
