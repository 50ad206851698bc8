"""What the judgement says, and nothing else, on the resources it is about."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from brain_api.rca.v1 import rca_pb2 as pb
from brain_common.entity import Entity
from brain_common.errors import ConfigError
from brain_common.settings import check_settings
from brain_otel.enrich.incidents import Incidents, IncidentSettings, Part, parts_of
from brain_otel.enrich.index import EntityIndex
from tests.unit.otel.enrich.samples import T0, added, context

CART = {"service.name": "cart", "k8s.namespace.name": "shop"}


def incident(name: str, *alerting: str, opened: float = 0, **causes: tuple[str, float]) -> pb.Incident:
    """Causes are given as ``any_name=(entity, probability)``, each with a finding of 0.9 about itself."""
    listed = [
        pb.Cause(entity=entity, probability=probability, findings=[pb.Finding(entity=entity, score=0.9)])
        for entity, probability in causes.values()
    ]
    at = Timestamp(seconds=int(T0 + opened))
    return pb.Incident(id=name, opened_at=at, analysis=pb.Analysis(alerting=alerting, causes=listed))


def step(*incidents: pb.Incident, least: float = 0.1) -> Incidents:
    one = Incidents(IncidentSettings(), context())
    one._parts.learn(EntityIndex(parts_of(incidents, least)))
    return one


def test_a_cause_carries_incident_state_score_and_probability() -> None:
    one = step(incident("1a", "/shop/service/front", a=("/shop/service/cart", 0.8)))
    assert added(one, CART) == {
        "brain.incident.id": "1a",
        "brain.anomaly.state": "cause",
        "brain.anomaly.score": 0.9,
        "brain.incident.cause_probability": 0.8,
    }


def test_what_only_alerts_has_no_probability_and_no_score_that_nobody_told() -> None:
    one = step(incident("1a", "/shop/service/cart", a=("/shop/service/db", 0.8)))
    assert added(one, CART) == {"brain.incident.id": "1a", "brain.anomaly.state": "alerting"}


def test_a_cause_that_is_hardly_one_is_passed_over() -> None:
    causes: dict[str, Any] = {"a": ("/shop/service/cart", 0.05)}
    assert added(step(incident("1a", **causes)), CART) == {}
    told = added(step(incident("1a", "/shop/service/cart", **causes)), CART)
    assert told == {"brain.incident.id": "1a", "brain.anomaly.state": "alerting", "brain.anomaly.score": 0.9}


def test_the_newest_incident_counts() -> None:
    older = incident("1a", a=("/shop/service/cart", 0.9), opened=-60)
    newer = incident("2b", "/shop/service/cart", opened=0)
    for order in ([older, newer], [newer, older]):
        assert added(step(*order), CART)["brain.incident.id"] == "2b"


def test_of_several_entities_of_one_resource_that_of_the_newest_incident_counts() -> None:
    one = step(
        incident("1a", a=("/shop/service/cart", 0.9), opened=-60), incident("2b", b=("//node/n1", 0.5), opened=0)
    )
    assert added(one, {**CART, "k8s.node.name": "n1"})["brain.incident.id"] == "2b"


def test_an_incident_that_is_not_judged_yet_says_nothing() -> None:
    assert added(step(pb.Incident(id="1a")), CART) == {}


def test_a_resource_that_has_an_incident_keeps_all_of_it() -> None:
    one = step(incident("1a", a=("/shop/service/cart", 0.8)))
    assert added(one, {**CART, "brain.incident.id": "other"}) == {}


def test_entities_that_are_none_are_left_out() -> None:
    parts = list(parts_of([incident("1a", "cart", "/shop/teapot/cart", "/shop/service/cart")], 0.1))
    assert parts == [(Entity.parse("/shop/service/cart"), Part(T0, "1a", "alerting"))]


def test_what_is_kept_is_bounded_and_the_newest_stays() -> None:
    crowd = [f"/shop/service/s{n}" for n in range(15_000)]
    parts = dict(parts_of([incident("1a", *crowd, opened=-60), incident("2b", *crowd[:9000], opened=0)], 0.1))
    assert {part.incident for part in parts.values()} == {"2b"}


def test_it_knows_nothing_once_it_is_stale() -> None:
    one = step(incident("1a", "/shop/service/cart"))
    one._parts._clock.advance(121)  # type: ignore[attr-defined]
    assert added(one, CART) == {}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"tls": {"ca_file": "/nowhere/ca.pem"}}, "tls is for an endpoint that begins with https://"),
        ({"endpoint": "https://rca:50051", "tls": {"cert_file": "a.pem"}}, "cert_file and key_file are given together"),
        ({"endpoint": "rca:50051"}, "endpoint"),
        ({"endpoint": "http://rca:50051/prefix"}, "gRPC has no path"),
        ({"endpoint": "http://brain:secret@rca:50051"}, "a token comes from token_file"),
    ],
)
def test_settings_that_cannot_be(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        check_settings(wrong, IncidentSettings, "enrich.0.incidents")


def test_a_ca_that_cannot_be_read_stops_the_start() -> None:
    settings = {"endpoint": "https://rca:50051", "tls": {"ca_file": "/nowhere/ca.pem"}}
    with pytest.raises(ConfigError, match=r"incidents\.tls\.ca_file: /nowhere/ca\.pem .*No such file"):
        Incidents(check_settings(settings, IncidentSettings, "x"), context())
