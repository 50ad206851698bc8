"""What a workload costs, in the currency it is known in."""

from __future__ import annotations

import numpy as np
import pytest

from brain_common.clients.prometheus import Matrix, PrometheusSettings
from brain_common.errors import ConfigError
from brain_common.settings import check_settings
from brain_otel.enrich.cost import Cost, CostSettings, prices
from brain_otel.enrich.index import EntityIndex
from tests.unit.otel.enrich.samples import added, context

CART = {"k8s.namespace.name": "shop", "k8s.deployment.name": "cart"}
PROMETHEUS = PrometheusSettings.model_validate({"url": "http://127.0.0.1:1"})


def series(amount: float, name: str = "cart", **labels: str) -> tuple[dict[str, str], float]:
    return {"namespace": "shop", "kind": "Deployment", "name": name, "currency": "USD", **labels}, amount


def step(*known: tuple[dict[str, str], float], cluster: str = "") -> Cost:
    one = Cost(CostSettings(prometheus=PROMETHEUS), context(cluster))
    values = np.array([[amount] for _, amount in known])
    answer = Matrix([labels for labels, _ in known], np.zeros(1), values)
    one._prices.learn(EntityIndex(prices(answer, cluster)))
    return one


def test_a_workload_carries_its_cost() -> None:
    assert added(step(series(0.25)), CART) == {"brain.cost.usd_per_hour": 0.25}


def test_another_currency_has_another_name() -> None:
    assert added(step(series(0.25, currency="EUR")), CART) == {"brain.cost.eur_per_hour": 0.25}


@pytest.mark.parametrize("currency", ["", "usd", "U.S", "DOLLARS"])
def test_what_is_no_currency_names_no_attribute(currency: str) -> None:
    assert added(step(series(0.25, currency=currency)), CART) == {}


def test_a_service_is_its_workload_unless_another_is_named() -> None:
    one = step(series(0.25), series(0.5, "web"))
    assert added(one, {"service.name": "cart"}) == {"brain.cost.usd_per_hour": 0.25}
    assert added(one, {**CART, "k8s.deployment.name": "web", "service.name": "cart"}) == {
        "brain.cost.usd_per_hour": 0.5
    }


def test_a_value_that_is_none_and_what_is_summed_up_are_left_out() -> None:
    rest = series(9.0, "other", namespace="other", kind="other")
    assert added(step(series(float("nan")), rest), CART) == {}
    assert added(step(rest), {"service.name": "other"}) == {}


def test_costs_are_of_the_own_cluster_unless_they_say_so() -> None:
    one = step(series(0.25), series(0.5, cluster="us-1"), cluster="eu-1")
    assert added(one, CART) == {"brain.cost.usd_per_hour": 0.25}
    assert added(one, {**CART, "k8s.cluster.name": "us-1"}) == {"brain.cost.usd_per_hour": 0.5}
    assert added(one, {**CART, "k8s.cluster.name": "ap-1"}) == {}


def test_the_query_is_bounded_and_chosen() -> None:
    settings = CostSettings(prometheus=PROMETHEUS, selector='cluster="eu-1"', most_workloads=10)
    assert Cost(settings, context())._query == (
        'topk(10, max by (cluster, namespace, kind, name, currency) (cost_workload_amount_per_hour{cluster="eu-1"}))'
    )


def test_a_selector_ends_where_it_should() -> None:
    with pytest.raises(ConfigError, match=r"^x: selector: "):
        check_settings({"prometheus": {"url": "http://p:9090"}, "selector": "} or up{"}, CostSettings, "x")


def test_a_ca_that_cannot_be_read_stops_the_start() -> None:
    server = {"url": "https://prometheus:9090", "tls": {"ca_file": "/nowhere/ca.pem"}}
    with pytest.raises(ConfigError, match=r"tls of https://prometheus:9090: .*No such file"):
        Cost(check_settings({"prometheus": server}, CostSettings, "x"), context())
