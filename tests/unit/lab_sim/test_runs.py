"""Runs of the three platforms: the same for a seed, silent without a fault, loud with one, mostly elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from brain_common.errors import ConfigError, PermanentError
from brain_lab.emit import alerts
from brain_lab.faults import registry as faults
from brain_lab.faults.aim import Aim
from brain_lab.platforms import registry as platforms
from brain_lab.platforms.model import Call
from brain_lab.simulate import TICK, run
from tests.unit.lab_sim.worlds import FAULTS, MORNING, ONSET, broken, healthy, platform, service

PLATFORMS = platforms.names()


def test_the_platforms_are_as_large_as_they_are_said_to_be() -> None:
    sizes = {name: len(platforms.build(name, 1).services) for name in PLATFORMS}
    assert sizes["finance"] == 200
    assert 35 <= sizes["healthcare"] <= 45
    assert 35 <= sizes["automotive"] <= 45


@pytest.mark.parametrize("name", PLATFORMS)
@pytest.mark.parametrize("seed", range(5))
def test_nothing_fires_where_nothing_is_broken(name: str, seed: int) -> None:
    assert alerts.episodes(healthy(name, seed)) == []


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", PLATFORMS)
def test_a_fault_raises_an_alert_after_its_onset(name: str, fault: str) -> None:
    recording = broken(name, fault)
    (truth,) = recording.truth
    episodes = alerts.episodes(recording)
    assert episodes, f"{fault} of {truth.entity} raised no alert"
    assert all(one.firing.since > truth.onset for one in episodes)


def test_most_alerts_are_about_others_than_the_cause() -> None:
    elsewhere = []
    for name in PLATFORMS:
        for fault in FAULTS:
            recording = broken(name, fault)
            services = {one.firing.labels["service"] for one in alerts.episodes(recording)}
            (truth,) = recording.truth
            elsewhere.append(truth.entity.name not in services)
            if truth.victims:
                assert services <= {truth.entity.name, *truth.victims}
    assert np.mean(elsewhere) >= 0.5


def test_the_same_seed_gives_the_same_run() -> None:
    first, again = (run(platforms.build("healthcare", 3), None, MORNING, 300.0, 4) for _ in range(2))
    for group in ("stations", "edges", "pods", "nodes", "topics"):
        one, other = getattr(first, group), getattr(again, group)
        assert all(np.array_equal(one[name], other[name]) for name in one)
    assert (first.events, first.changes, first.pod_list) == (again.events, again.changes, again.pod_list)
    different = run(platforms.build("healthcare", 3), None, MORNING, 300.0, 5)
    assert not np.array_equal(first.stations["rate"], different.stations["rate"])


def test_until_its_onset_a_fault_changes_nothing() -> None:
    what = platforms.build("automotive", 1)
    fault = faults.make("latency-spike", Aim(what, MORNING + 200.0, 0))
    with_fault, without = (run(what, one, MORNING, 300.0, 2, decoys=False) for one in (fault, None))
    before = int(200.0 / TICK) - 1
    assert np.array_equal(with_fault.stations["latency"][:before], without.stations["latency"][:before])
    assert not np.array_equal(with_fault.stations["latency"], without.stations["latency"])


def test_rows_lie_a_tick_apart_from_the_start_on() -> None:
    times = healthy("healthcare", 0).times
    assert times[0] == MORNING + TICK
    assert np.all(np.diff(times) == TICK)


def test_every_run_has_harmless_changes_and_none_is_about_the_cause() -> None:
    recording = broken("finance", "latency-spike")
    assert {change.kind.value for change in recording.changes} == {"argocd_sync", "configmap_edit", "rollout"}
    assert recording.truth[0].entity.name not in {change.target for change in recording.changes}


def test_a_change_that_broke_something_comes_with_it() -> None:
    recording = broken("finance", "bad-rollout")
    (truth,) = recording.truth
    about = [change for change in recording.changes if change.target == truth.entity.name]
    assert any(abs(change.start / 1e9 - truth.onset) < 10.0 for change in about)


def test_a_fault_hits_the_target_it_is_given() -> None:
    what = platforms.build("finance", 1)
    fault = faults.make("database-lock", Aim(what, MORNING, target="ledger-db"))
    assert fault.truth is not None
    assert fault.truth.entity == what.entity("ledger-db")
    assert {"ledger-posting", "payments-api"} <= set(fault.truth.victims)


def test_two_faults_at_once_are_both_true_and_both_felt() -> None:
    what = platforms.build("healthcare", 1)
    both = [
        faults.make("latency-spike", Aim(what, MORNING + 200.0, target="hl7-validator")),
        faults.make("rate-limit-too-low", Aim(what, MORNING + 300.0, target="consent-service")),
    ]
    recording = run(what, both, MORNING, 600.0, 1)
    assert [truth.entity.name for truth in recording.truth] == ["hl7-validator", "consent-service"]
    services = {one.firing.labels["service"] for one in alerts.episodes(recording)}
    assert {"mllp-gateway", "emr-gateway"} <= services


def test_a_fault_that_ends_is_over() -> None:
    what = platforms.build("healthcare", 1)
    fault = faults.make("rate-limit-too-low", Aim(what, MORNING + 200.0, duration=300.0, target="consent-service"))
    recording = run(what, fault, MORNING, 900.0, 1)
    assert alerts.firing(recording, MORNING + 450.0)
    assert alerts.firing(recording) == []


def test_a_fault_or_target_that_is_not_there_is_named() -> None:
    what = platforms.build("finance", 1)
    with pytest.raises(ConfigError, match="'flood': none of latency-spike"):
        faults.make("flood", Aim(what, MORNING))
    with pytest.raises(ConfigError, match="target 'nobody'"):
        faults.make("oom-kill", Aim(what, MORNING, target="nobody"))
    with pytest.raises(ConfigError, match="platform 'bank'"):
        platforms.build("bank", 1)


def test_calls_that_go_round_or_nowhere_are_refused() -> None:
    circle = platform(service("front", (Call("back"),)), service("back", (Call("front"),)))
    with pytest.raises(PermanentError, match="circle"):
        run(circle, None, MORNING, 60.0, 1)
    with pytest.raises(PermanentError, match="front of small calls nobody"):
        run(platform(service("front", (Call("nobody"),))), None, MORNING, 60.0, 1)


def test_rules_are_for_the_labels_that_the_metrics_have() -> None:
    what = platforms.build("finance", 1)
    document = alerts.rules_document(what)
    (group,) = document["groups"]
    assert len(group["rules"]) == len(alerts.rules(what))
    latency = next(rule for rule in alerts.rules(what) if rule.alert == "ServiceLatencyObjective")
    promised = next(slo for slo in what.slos if slo.latency and slo.service == latency.labels["service"])
    assert f'le="{promised.latency}"' in latency.expression


def test_what_fires_at_a_moment_is_a_payload_of_alertmanager() -> None:
    recording = broken("finance", "database-lock")
    first = alerts.episodes(recording)[0].firing
    assert alerts.firing(recording, first.since - 1.0) == []
    payload = alerts.payload(recording.platform, alerts.firing(recording, first.since))
    assert payload["version"] == "4"
    assert payload["alerts"][0]["labels"]["service"] == first.labels["service"]
    assert first.since > MORNING + ONSET
