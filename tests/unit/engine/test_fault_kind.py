"""What is wrong with a cause."""

from __future__ import annotations

import pytest

from brain_engine.fault_kind import UNKNOWN, fault_kind
from brain_engine.findings import Finding
from brain_engine.rank.protocol import Candidate
from brain_engine.series import Direction, Family, Signal


def weighed(**nats: float) -> Candidate:
    return Candidate("db", 10.0, families={Family(name): value for name, value in nats.items()})


def load(factor: float) -> Finding:
    signal = Signal("service_request_rate", Family.LOAD, "requests/s", Direction.BOTH)
    return Finding("db", signal, 0, 5.0, 0.99, None, Direction.UP, 10.0, factor * 10.0)


@pytest.mark.parametrize(
    ("families", "kind"),
    [
        ({"latency": 9.0}, "latency"),
        ({"latency": 9.0, "disk": 5.0}, "disk"),  # a resource names the fault rather than its symptom
        ({"latency": 9.0, "disk": 4.0}, "latency"),  # unless it is weak
        ({"errors": 9.0, "latency": 4.0}, "latency"),  # slow answers end in time-outs
        ({"errors": 9.0, "latency": 3.0}, "errors"),
        ({"memory": 9.0, "restarts": 9.5}, "restarts"),
        ({"cost": 9.0, "load": 1.0}, "load"),  # what it did, not what it cost
        ({"cost": 4.0}, "cost"),
    ],
)
def test_the_kind_of_the_weighed_families(families: dict[str, float], kind: str) -> None:
    assert fault_kind(weighed(**families), ()) == kind


def test_under_a_rush_of_requests_resources_do_as_they_are_told() -> None:
    candidate = weighed(load=6.0, memory=9.0)
    assert fault_kind(candidate, ()) == "memory"
    assert fault_kind(candidate, (load(2.0),)) == "load"
    assert fault_kind(candidate, (load(1.2),)) == "memory"


def test_of_a_ranker_that_tells_no_families_the_findings_count() -> None:
    assert fault_kind(Candidate("db", 1.0), (load(2.0),)) == "load"
    assert fault_kind(Candidate("db", 1.0), ()) == UNKNOWN
