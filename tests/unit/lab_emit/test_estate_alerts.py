"""What breaks no promise raises an alert, too, and is silent as long as nothing is broken."""

from __future__ import annotations

import pytest

from brain_lab.emit import alerts
from brain_lab.faults import registry as faults
from brain_lab.faults.aim import Aim
from brain_lab.platforms import registry as platforms
from brain_lab.simulate import Recording, run

START = 1_790_000_000.0
ONSET = START + 600.0
RULES = {"GitlabPipelineFailed", "KubeHpaMaxedOut", "GpuIdle", "NatGatewayBytes"}


def played(platform: str, *broken: str) -> Recording:
    what = platforms.build(platform, 1)
    return run(what, [faults.make(name, Aim(what, ONSET)) for name in broken], START, 1500.0, 3)


def told(recording: Recording) -> dict[str, alerts.Episode]:
    found = [one for one in alerts.episodes(recording) if one.firing.labels["alertname"] in RULES]
    return {one.firing.labels["alertname"]: one for one in reversed(found)}


@pytest.mark.parametrize(
    ("platform", "fault", "alert", "label"),
    [
        ("automotive", "idle-gpu", "GpuIdle", "node"),
        ("healthcare", "nat-traffic", "NatGatewayBytes", "dimension_NatGatewayId"),
        ("healthcare", "pipeline-broken", "GitlabPipelineFailed", "project"),
        ("healthcare", "runaway-autoscaling", "KubeHpaMaxedOut", "horizontalpodautoscaler"),
        ("healthcare", "terraform-state-lock", "GitlabPipelineFailed", "project"),
    ],
)
def test_it_tells_of_its_fault_after_the_onset(platform: str, fault: str, alert: str, label: str) -> None:
    one = told(played(platform, fault))[alert]
    assert one.firing.since > ONSET
    assert one.firing.labels[label]
    assert one.firing.labels["cluster"] == platforms.build(platform, 1).cluster


@pytest.mark.parametrize("platform", platforms.names())
def test_nothing_is_told_where_nothing_is_broken(platform: str) -> None:
    assert told(played(platform)) == {}
