"""The signal catalogue and the files over it: what extends it, what replaces, and how a mistake is told."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from brain_common.entity import Entity, EntityKind
from brain_common.errors import ConfigError
from brain_engine.series import Direction, EdgeKind, Family, Signal
from brain_rca.evidence.catalogue import Combine, EntityRule, load_catalogue

QUEUE: dict[str, Any] = {
    "family": "saturation",
    "unit": "messages",
    "direction": "up",
    "query": "max by (cluster, namespace, service) (queue_depth)",
    "entity": {"kind": "service", "name": ["service"]},
}


def file(folder: Path, content: Any, name: str = "own.yaml") -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return path


def test_a_file_adds_a_signal_and_leaves_the_others(tmp_path: Path) -> None:
    built_in = load_catalogue()
    merged = load_catalogue([file(tmp_path, {"signals": {"queue_depth": QUEUE}})])
    assert merged.signals.keys() - built_in.signals.keys() == {"queue_depth"}
    assert {name: merged.signals[name] for name in built_in.signals} == built_in.signals
    assert (merged.edges, merged.owners) == (built_in.edges, built_in.owners)
    assert merged.signals["queue_depth"].signal("queue_depth") == Signal(
        "queue_depth", Family.SATURATION, "messages", Direction.UP, None
    )
    assert merged.signals["queue_depth"].combine is Combine.MAX


def test_a_signal_of_the_same_name_replaces_the_built_in_as_a_whole(tmp_path: Path) -> None:
    merged = load_catalogue([file(tmp_path, {"signals": {"container_memory_of_limit": QUEUE}})])
    assert len(merged.signals) == len(load_catalogue().signals)
    assert merged.signals["container_memory_of_limit"].query == QUEUE["query"]
    assert merged.signals["container_memory_of_limit"].saturation is None


def test_edges_and_owners_are_added_and_replaced_too(tmp_path: Path) -> None:
    service = {"kind": "service", "name": ["client"]}
    pod, workload = {"kind": "pod", "name": ["pod"]}, {"kind": "workload", "name": ["owner"]}
    more = {
        "edges": {"istio": {"kind": "calls", "query": "mine", "dependent": service, "dependency": service}},
        "owners": {"mine": {"query": "owners", "pod": pod, "workload": workload}},
    }
    merged = load_catalogue([file(tmp_path, more)])
    assert (merged.edges["istio"].query, merged.edges["istio"].kind) == ("mine", EdgeKind.CALLS)
    assert merged.edges.keys() == load_catalogue().edges.keys()
    assert merged.owners.keys() == {*load_catalogue().owners, "mine"}


def test_of_two_files_the_later_wins(tmp_path: Path) -> None:
    first = file(tmp_path, {"signals": {"queue_depth": QUEUE}}, "first.yaml")
    later = file(tmp_path, {"signals": {"queue_depth": {**QUEUE, "query": "later"}}}, "later.yaml")
    assert load_catalogue([first, later]).signals["queue_depth"].query == "later"
    assert load_catalogue([later, first]).signals["queue_depth"].query == QUEUE["query"]


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    assert load_catalogue([file(tmp_path, "# nothing yet\n")]) == load_catalogue()


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in QUEUE.items() if name != key}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"signals": {"q": without("query")}}, "signals.q.query: Field required"),
        ({"signals": {"q": {**QUEUE, "query": ""}}}, "signals.q.query: "),
        ({"signals": {"q": {**QUEUE, "family": "speed"}}}, "signals.q.family: Input should be 'latency', "),
        ({"signals": {"q": {**QUEUE, "direction": "sideways"}}}, "signals.q.direction: Input should be 'up', 'down'"),
        ({"signals": {"q": {**QUEUE, "combine": "median"}}}, "signals.q.combine: Input should be 'max', 'sum' or"),
        ({"signals": {"q": {**QUEUE, "saturation": "full"}}}, "signals.q.saturation: "),
        ({"signals": {"q": {**QUEUE, "querry": "up"}}}, "signals.q.querry: unknown key"),
        ({"signals": {"q": {**QUEUE, "entity": {"kind": "thing", "name": ["a"]}}}}, "signals.q.entity.kind: "),
        ({"signals": {"q": {**QUEUE, "entity": {"kind": "pod", "name": []}}}}, "signals.q.entity.name: "),
        ({"signals": {"q": None}}, "signals.q: "),
        ({"edges": {"e": {"kind": "likes"}}}, "edges.e.kind: Input should be 'calls', 'runs-on' or 'uses'"),
        ({"owners": {"o": {"query": "up"}}}, "owners.o.pod: Field required"),
        ({"signal": {}}, "signal: unknown key"),
        ([QUEUE], "expected keys and values at the top, found list"),
        ("signals: [", "is no YAML: "),
    ],
)
def test_a_mistake_is_told_with_file_and_key(tmp_path: Path, content: Any, message: str) -> None:
    path = file(tmp_path, content)
    with pytest.raises(ConfigError) as caught:
        load_catalogue([path])
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_a_share_of_what_nobody_asks_for_is_a_mistake(tmp_path: Path) -> None:
    path = file(tmp_path, {"signals": {"q": {**QUEUE, "out_of": "request_rate"}}})
    with pytest.raises(ConfigError, match=r"signals\.q\.out_of: 'request_rate' is no signal of the catalogue"):
        load_catalogue([path])


def test_a_share_names_what_it_is_a_share_of() -> None:
    assert load_catalogue().signals["service_error_ratio"].signal("errors").out_of == "service_request_rate"


def test_every_mistake_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    path = file(tmp_path, {"signals": {"a": without("unit"), "b": without("entity")}})
    with pytest.raises(ConfigError, match=r"signals\.a\.unit: .*; signals\.b\.entity: "):
        load_catalogue([path])


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: cannot be read: No such file"):
        load_catalogue([tmp_path / "nowhere.yaml"])


def test_the_environment_is_no_part_of_a_query(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "x")
    path = file(tmp_path, {"signals": {"q": {**QUEUE, "query": "up{a='${env:SECRET}'}"}}})
    with pytest.raises(ConfigError, match="SECRET is not set"):
        load_catalogue([path])


def rule(kind: EntityKind = EntityKind.SERVICE, **more: Any) -> EntityRule:
    return EntityRule(kind=kind, name=("service", "service_name"), **more)


@pytest.mark.parametrize(
    ("labels", "entity"),
    [
        ({"service": "cart", "namespace": "shop"}, "lab/shop/service/cart"),
        ({"service_name": "cart", "k8s_namespace_name": "shop"}, "lab/shop/service/cart"),
        ({"service": "", "service_name": "cart", "exported_namespace": "shop"}, "lab/shop/service/cart"),
        ({"service": "cart", "service_name": "other"}, "lab//service/cart"),
        ({"service": "cart", "cluster": "east"}, "east//service/cart"),
        ({"service": "a/b"}, "lab//service/a%2Fb"),
    ],
)
def test_the_first_label_of_a_list_that_a_series_has_names_it(labels: Mapping[str, str], entity: str) -> None:
    assert str(rule().entity(labels, "lab")) == entity


@pytest.mark.parametrize("labels", [{}, {"service": ""}, {"namespace": "shop"}])
def test_a_series_that_no_label_names_is_nobodys(labels: Mapping[str, str]) -> None:
    assert rule().entity(labels, "lab") is None


def test_a_node_has_neither_port_nor_namespace() -> None:
    labels = {"service": "10.0.0.7:9100", "namespace": "monitoring"}
    assert rule(EntityKind.NODE).entity(labels, "lab") == Entity("lab", "", EntityKind.NODE, "10.0.0.7")


def test_own_labels_for_the_namespace_replace_the_usual_ones() -> None:
    labels = {"service": "cart", "namespace": "scraper", "tenant": "shop"}
    assert str(rule(namespace=("tenant",)).entity(labels, "")) == "/shop/service/cart"
