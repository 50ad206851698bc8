"""Faults that do one thing or another, by their seed or target: each of these breaks something."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from brain_lab.emit import alerts
from brain_lab.emit.records import NANOS, ChangeKind
from brain_lab.faults import registry as faults
from brain_lab.faults.aim import Aim
from brain_lab.faults.protocol import Fault
from brain_lab.simulate import Recording, run
from tests.unit.lab_faults.worlds import LASTS, ONSET, START, built


def aimed(fault: str, platform: str, seed: int = 0, target: str = "") -> Fault:
    return faults.make(fault, Aim(built(platform), ONSET, seed, target=target))


def with_words(fault: str, platform: str, fits: Callable[[Fault], bool]) -> tuple[Fault, int]:
    """That of the first seed that fits."""
    return next((one, seed) for seed in range(40) if fits(one := aimed(fault, platform, seed)))


def played(fault: Fault, platform: str, seed: int = 0) -> Recording:
    return run(built(platform), fault, START, ONSET - START + LASTS, seed, decoys=False)


def services(recording: Recording) -> set[str]:
    return {one.firing.labels["service"] for one in alerts.episodes(recording)}


def key_edited(fault: Fault) -> str:
    (change,) = fault.changes
    diff = change.details["diff"]
    assert isinstance(diff, dict)
    return str(next(iter(diff)))


@pytest.mark.parametrize("what", ["host", "timeout", "pool.maximum"])
def test_an_old_value_breaks_something_long_after_its_edit(what: str) -> None:
    fault, seed = with_words("stale-configmap", "automotive", lambda one: key_edited(one).endswith(what))
    (change,) = fault.changes
    assert change.kind is ChangeKind.CONFIGMAP_EDIT
    assert change.start < (ONSET - 200.0) * NANOS
    assert services(played(fault, "automotive", seed))


def test_a_provider_refuses_calls_and_its_callers_fail() -> None:
    fault = aimed("api-throttling", "healthcare", target="insurance-clearing")
    recording = played(fault, "healthcare")
    assert recording.station("insurance-clearing", "limited")[-1] > 0.0
    assert services(recording) == {"patient-portal"}
    assert fault.aws_calls == ()


def test_aws_throttles_a_service_and_cloudtrail_says_so() -> None:
    fault = aimed("api-throttling", "healthcare", target="consent-service")
    recording = played(fault, "healthcare")
    assert {"chart-service", "fhir-server"} <= services(recording)
    assert {call.error_code for call in recording.aws_calls} == {"ThrottlingException"}
    assert all(call.time >= ONSET * NANOS for call in recording.aws_calls)


def test_a_full_node_evicts_its_pods_and_takes_no_others() -> None:
    name = next(node.name for node in built("healthcare").nodes if not node.spare)
    recording = played(aimed("disk-full", "healthcare", target=name), "healthcare")
    column = [node.name for node in recording.platform.nodes].index(name)
    assert recording.nodes["disk_pressure"][-1, column] == 1.0
    here = (recording.pods["node"] == column).sum(axis=1)
    assert here[-1] < here[0]
    assert "Evicted" in {event.reason for event in recording.events}
    assert services(recording)


def test_a_full_database_fails_what_it_is_asked() -> None:
    recording = played(aimed("disk-full", "healthcare", target="billing-db"), "healthcare")
    assert recording.station("billing-db", "storage")[-1] == pytest.approx(500e9, rel=0.01)
    assert services(recording) == {"patient-portal"}


@cache
def autoscaler(starved: bool) -> Recording:
    fault, seed = with_words("node-autoscaler-misbehaviour", "healthcare", lambda one: bool(one.changes) != starved)
    return played(fault, "healthcare", seed)


def test_karpenter_that_starts_no_nodes_leaves_pods_waiting() -> None:
    recording = autoscaler(starved=True)
    assert recording.cluster["unscheduled"][-1, 0] > 0.0
    assert recording.cluster["launched"][-1, 0] == 0.0
    assert {"SpotInterrupted", "InsufficientCapacityError"} <= {event.reason for event in recording.events}
    assert {call.action for call in recording.aws_calls} == {"BidEvictedEvent", "CreateFleet"}
    assert services(recording)


def test_karpenter_that_consolidates_too_eagerly_moves_pods_about() -> None:
    recording = autoscaler(starved=False)
    moved = [event for event in recording.events if event.reason == "Evicted"]
    assert len(moved) > 10
    assert {call.action for call in recording.aws_calls} == {"TerminateInstances"}
    assert services(recording)


def test_pods_whose_image_is_missing_say_so_until_it_is_there() -> None:
    fault = aimed("image-pull", "automotive")
    recording = played(fault, "automotive")
    assert fault.truth is not None
    name = fault.truth.entity.name
    assert recording.station(name, "ready")[-1] == 0.0
    reasons = [event.reason for event in recording.events if event.subject.name.startswith(name)]
    assert {"Failed", "BackOff", "ScalingReplicaSet"} <= set(reasons)
    assert reasons.count("BackOff") >= 4


def test_devices_that_come_back_all_at_once_ask_who_they_are() -> None:
    fault = aimed("device-heartbeat-timeouts", "automotive", target="mqtt-gateway")
    recording = played(fault, "automotive")
    asked = recording.station("device-auth", "offered")
    assert asked.max() > 3.0 * asked[0]
    assert recording.fleets["silent"][-1].max() > 0.3
    assert "mqtt-gateway" in services(recording)
