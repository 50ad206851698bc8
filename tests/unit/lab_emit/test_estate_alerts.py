"""What breaks no promise raises an alert, too, and is silent as long as nothing is broken."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from brain_lab.emit import alerts
from brain_lab.emit.estate_alerts import GPU, NAT, PIPELINE
from brain_lab.faults import registry as faults
from brain_lab.faults.aim import Aim
from brain_lab.platforms import registry as platforms
from brain_lab.simulate import Recording, run

START = 1_790_000_000.0
ONSET = START + 600.0
RULES = {"BrainPipelineFailed", "KubeHpaMaxedOut", "BrainGpuIdle", "BrainNatGatewayBytesHigh"}


def played(platform: str, *broken: str) -> Recording:
    what = platforms.build(platform, 1)
    return run(what, [faults.make(name, Aim(what, ONSET)) for name in broken], START, 1500.0, 3)


def told(recording: Recording) -> dict[str, alerts.Episode]:
    found = [one for one in alerts.episodes(recording) if one.firing.labels["alertname"] in RULES]
    return {one.firing.labels["alertname"]: one for one in reversed(found)}


@pytest.mark.parametrize(
    ("platform", "fault", "alert", "label"),
    [
        ("automotive", "idle-gpu", "BrainGpuIdle", "node"),
        ("healthcare", "nat-traffic", "BrainNatGatewayBytesHigh", "dimension_NatGatewayId"),
        ("healthcare", "pipeline-broken", "BrainPipelineFailed", "project"),
        ("healthcare", "runaway-autoscaling", "KubeHpaMaxedOut", "horizontalpodautoscaler"),
        ("healthcare", "terraform-state-lock", "BrainPipelineFailed", "project"),
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


def test_the_rules_are_those_that_are_shipped() -> None:
    [group] = yaml.safe_load((Path(__file__).parents[3] / "alert-rules/rules/estate.yaml").read_text())["groups"]
    shipped = {rule["alert"]: (rule["expr"], rule["for"], rule["labels"]["severity"]) for rule in group["rules"]}
    assert shipped == {
        "BrainPipelineFailed": (PIPELINE, "1m", "warning"),
        "BrainGpuIdle": (GPU, "1m", "info"),
        "BrainNatGatewayBytesHigh": (NAT, "1m", "info"),
    }
    assert alerts.HOLD == 60.0
    here = {rule.alert: rule.labels["severity"] for rule in alerts.rules(platforms.build("automotive", 1))}
    assert {name: here[name] for name in shipped} == {name: severity for name, (_, _, severity) in shipped.items()}
