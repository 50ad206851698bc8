"""The query that shows one entity and no other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from brain_common.entity import Entity, EntityKind
from brain_engine.series import Direction, Family, Signal
from brain_rca.evidence.alone import Queries, alone
from brain_rca.evidence.catalogue import Combine, EntityRule, load_catalogue
from brain_rca.evidence.promql import metrics_of
from brain_rca.evidence.raw import RawPanel, no_query
from brain_rca.scope.identity import Identity

POD = EntityRule(kind=EntityKind.POD, name=["pod", "pod_name"])
CPU = """sum by (namespace, pod) (rate(cpu_total{container!=""}[2m]))
  or sum by (namespace, pod) (rate(old_cpu_total[2m]))
  or sum by (namespace, pod_name) (rate(older_cpu_total[2m]))"""
ONE = {"namespace": "shop", "pod": "cart-0"}


def has_cpu(metric: str) -> bool:
    return metric == "cpu_total"


def test_a_part_that_the_server_can_answer_is_left_with_the_labels_of_the_series() -> None:
    assert alone(CPU, POD, [ONE], has_cpu) == (
        'sum by (namespace, pod) (rate(cpu_total{pod="cart-0",namespace="shop",container!=""}[2m]))'
    )


def test_all_series_of_an_entity_are_shown_by_whatever_label_they_were_found() -> None:
    series = [ONE, {"namespace": "shop", "pod": "cart-1"}, {"namespace": "shop", "pod_name": "cart-2"}]
    assert alone(CPU, POD, series, lambda metric: metric != "old_cpu_total") == (
        'sum by (namespace, pod) (rate(cpu_total{pod=~"cart-0|cart-1",namespace="shop",container!=""}[2m])) or '
        'sum by (namespace, pod_name) (rate(older_cpu_total{pod_name="cart-2",namespace="shop"}[2m]))'
    )


def test_a_query_of_hundreds_of_pods_is_still_a_query_to_read() -> None:
    series = [{"namespace": "shop", "pod": f"cart-{number}"} for number in range(500)]
    assert len(alone(CPU, POD, series, has_cpu)) < 500


def test_hostile_labels_stay_values() -> None:
    evil = '"} or on() vector(1) or x{a="\\'
    query = alone("sum by (pod) (cpu_total)", POD, [{"pod": evil}], has_cpu)
    assert metrics_of(query) == ("cpu_total",)


def test_what_cannot_be_narrowed_is_shown_as_it_is() -> None:
    query = 'label_replace(max(brokers), "pod", "kafka", "", "")'
    assert alone(query, POD, [{"pod": "kafka"}], lambda _: True) == query


@pytest.mark.parametrize("name", load_catalogue().signals)
def test_every_signal_of_the_catalogue_can_be_asked_of_one_entity(name: str) -> None:
    rule = load_catalogue().signals[name]
    if "label_replace" in rule.query:
        pytest.skip("names its one entity itself")
    label = rule.entity.name[0]
    query = alone(rule.query.replace("$window", "2m"), rule.entity, [{label: "a-b"}], lambda _: True)
    assert f'{label}="a-b"' in query
    assert query.count(f'{label}="a-b"') >= len(metrics_of(query))


def test_series_are_found_by_the_name_that_the_evidence_gives_to_their_entity() -> None:
    asked: list[Sequence[int]] = []

    def query_of(rows: Sequence[int]) -> str:
        asked.append(rows)
        return "q"

    pods = [Entity("c", "shop", EntityKind.POD, f"{name}-7d9f8b6c5-x2x4z") for name in ("cart", "front", "cart")]
    signal = Signal("cpu", Family.CPU, "cores", Direction.UP)
    panel = RawPanel(signal, Combine.SUM, pods, np.zeros((3, 4)), query_of)
    queries = Queries([panel], Identity(pods))
    assert (queries("cpu", "c/shop/workload/cart"), asked) == ("q", [[0, 2]])
    assert queries("cpu", "c/shop/workload/nobody") == queries("memory", "c/shop/workload/cart") == ""
    assert len(asked) == 1


def test_a_source_without_a_language_has_no_query() -> None:
    labels: Mapping[str, str] = {}
    assert no_query([len(labels)]) == ""
