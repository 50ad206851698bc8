"""Faults that cost: the bill rises by what the simulation used, at the prices of the cloud, and nobody suffers."""

from __future__ import annotations

from collections import defaultdict
from functools import cache

import numpy as np
import pytest

from brain_lab.emit.cloud.prices import USAGES
from brain_lab.emit.records import CostRow
from brain_lab.tell.cost import cost_of
from tests.unit.lab_faults.worlds import ONSET, START, Case, fitting

RISES = {
    "idle-gpu": "BoxUsage:g5.12xlarge",
    "nat-traffic": "NatGateway-Bytes",
    "runaway-autoscaling": ".xlarge",
}
"""Usage on the bill, without the region's prefix, that rises by each fault."""

HOUR = 3600 * 10**9

costly = pytest.mark.parametrize(
    "case", [Case(fault, platform, 0) for fault in RISES for platform in fitting(fault)], ids=str
)


@cache
def bill(case: Case, sound: bool = False) -> tuple[CostRow, ...]:
    return tuple(cost_of(case.sound if sound else case.recording, 1, np.random.default_rng(1)))


def spent(rows: tuple[CostRow, ...], since: float = START) -> dict[str, float]:
    """USD a second by usage type, from a moment on."""
    found: dict[str, float] = defaultdict(float)
    for row in rows:
        if row.hour >= since // 3600 * HOUR:
            found[row.usage_type] += row.cost
    return found


def hourly(case: Case, usage: str, *, sound: bool = False) -> float:
    """USD an hour of a usage, in the hours of the run."""
    recording = case.sound if sound else case.recording
    hours = len(recording.times) * 5.0 / 3600.0
    return sum(cost for name, cost in spent(bill(case, sound)).items() if name.endswith(usage)) / hours


@costly
def test_the_bill_of_the_run_is_higher_by_what_it_used(case: Case) -> None:
    usage = RISES[case.fault]
    assert hourly(case, usage) > 1.05 * hourly(case, usage, sound=True)
    assert hourly(case, "") > hourly(case, "", sound=True)


@costly
def test_the_days_before_it_cost_what_they_cost_without_it(case: Case) -> None:
    def past(rows: tuple[CostRow, ...]) -> float:
        return sum(row.cost for row in rows if row.hour < START // 3600 * HOUR)

    assert past(bill(case)) == pytest.approx(past(bill(case, True)), rel=0.06)


@costly
def test_nobody_suffers(case: Case) -> None:
    promises = [
        one.firing.labels["alertname"] for one in case.episodes if one.firing.labels["alertname"].endswith("Objective")
    ]
    assert promises == []
    assert case.truth.silent
    assert "cost" in case.truth.evidence


def test_gigabytes_through_the_gateway_are_charged_for_twice() -> None:
    case = Case("nat-traffic", "healthcare", 0)
    moved = case.recording.cluster["nat_bytes"][:, 0] - case.sound.cluster["nat_bytes"][: len(case.recording.times), 0]
    gigabytes = float(moved.sum()) * 5.0 / 1e9
    assert gigabytes > 50.0
    assert np.all(moved[: int((ONSET - START) / 5.0) - 1] == 0.0)
    rise = {
        usage: sum(v for k, v in spent(bill(case)).items() if k.endswith(usage))
        - hourly(case, usage, sound=True) * len(moved) * 5.0 / 3600.0
        for usage in ("NatGateway-Bytes", "DataTransfer-Regional-Bytes")
    }
    assert rise["NatGateway-Bytes"] == pytest.approx(gigabytes * USAGES["nat-bytes"].price, rel=0.05)
    assert rise["DataTransfer-Regional-Bytes"] == pytest.approx(gigabytes * 2 / 3 * 0.01, rel=0.05)


def test_an_idle_gpu_node_costs_from_when_it_is_there() -> None:
    case = Case("idle-gpu", "automotive", 0)
    names = [node.name for node in case.recording.platform.nodes]
    there = case.recording.nodes["active"][:, names.index(case.truth.entity.name)]
    assert not there[: int((ONSET - START) / 5.0)].any()
    (instance,) = [row for row in bill(case) if row.resource.endswith(case.truth.entity.name)]
    assert instance.cost == pytest.approx(float(there.sum()) * 5.0 / 3600.0 * 7.094, rel=0.01)
    assert instance.tags["karpenter.sh/nodepool"] == "gpu"


def test_replicas_that_ask_for_half_a_node_bring_nodes() -> None:
    for platform in fitting("runaway-autoscaling"):
        case = Case("runaway-autoscaling", platform, 0)
        nodes = case.recording.nodes["active"].sum(axis=1)
        assert nodes[-1] > nodes[0]
        assert {"FailedScheduling", "Launched"} <= {event.reason for event in case.recording.events}
        wanted = case.recording.station(case.truth.entity.name, "wanted")
        scaler = case.recording.platform.service(case.truth.entity.name).scaler
        assert scaler is not None
        assert wanted.max() == scaler.maximum


@pytest.mark.parametrize("platform", fitting("logging-storm"))
def test_a_storm_of_lines_is_on_the_bill_too(platform: str) -> None:
    case = Case("logging-storm", platform, 0)
    assert hourly(case, "DataProcessing-Bytes") > 2.0 * hourly(case, "DataProcessing-Bytes", sound=True)


@pytest.mark.parametrize("platform", fitting("retry-storm"))
def test_a_storm_of_retries_multiplies_what_its_callee_is_asked(platform: str) -> None:
    case = Case("retry-storm", platform, 0)
    (callee,) = case.truth.accepted
    during = (case.recording.times > ONSET + 60.0) & (case.recording.times < ONSET + 300.0)
    asked = case.recording.station(callee.name, "offered")[during].mean()
    usual = case.sound.station(callee.name, "offered")[: len(during)][during].mean()
    assert asked > 1.7 * usual
