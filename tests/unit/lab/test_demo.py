"""The demo's incident: the same for a seed, and hard enough that the loudest part is not the cause."""

from __future__ import annotations

import json

import numpy as np
import pytest

from brain_common.entity import Entity
from brain_lab.demo import DemoIncident, generate
from brain_lab.demo.incident import entity_of

END = 1_790_000_007.0


@pytest.fixture(scope="module")
def incident() -> DemoIncident:
    return generate(7, END)


def deviation(incident: DemoIncident, key: tuple[Entity, str]) -> float:
    """How many robust standard deviations the end lies above the time before the fault."""
    values = incident.samples[key]
    before = values[incident.times < incident.onset]
    spread = 1.4826 * np.median(np.abs(before - np.median(before)))
    after = values[incident.times > incident.onset + 300]
    return float((np.median(after) - np.median(before)) / spread)


def test_the_same_seed_gives_the_same_incident(incident: DemoIncident) -> None:
    again = generate(7, END)
    assert all(np.array_equal(values, again.samples[key]) for key, values in incident.samples.items())
    assert again.payload == incident.payload
    assert not np.array_equal(
        generate(8, END).samples[incident.cause, "service_error_ratio"],
        incident.samples[incident.cause, "service_error_ratio"],
    )


def test_it_ends_now_after_three_hours_at_fifteen_seconds(incident: DemoIncident) -> None:
    assert incident.times[-1] == 1_790_000_000 // 15 * 15
    assert np.unique(np.diff(incident.times)).tolist() == [15.0]
    assert len(incident.times) == 720
    assert len({entity for entity, _ in incident.samples}) == 12


def test_every_value_is_possible(incident: DemoIncident) -> None:
    for (_, signal), values in incident.samples.items():
        assert np.isfinite(values).all()
        assert (values >= 0).all()
        assert signal != "service_error_ratio" or (values <= 1).all()


def loudest(incident: DemoIncident) -> dict[str, float]:
    """The largest deviation of each part."""
    worst: dict[str, float] = {}
    for entity, signal in incident.samples:
        worst[entity.name] = max(worst.get(entity.name, 0.0), deviation(incident, (entity, signal)))
    return worst


@pytest.mark.parametrize("seed", range(5))
def test_the_cause_and_those_who_need_it_deviate_and_nobody_else(seed: int) -> None:
    worst = loudest(generate(seed, END))
    deviating = {name for name, score in worst.items() if score > 10}
    assert deviating == {"ledger-db", "payments", "checkout", "web"}
    assert max(score for name, score in worst.items() if name not in deviating) < 5


def test_a_victim_deviates_more_than_the_cause() -> None:
    worst = loudest(generate(7, END))
    assert worst["payments"] > worst["ledger-db"]


def test_the_cause_is_reached_from_the_alert_along_the_calls(incident: DemoIncident) -> None:
    reached = {entity_of(incident.payload["alerts"][0]["labels"]["service"])}
    for _ in incident.edges:
        reached |= {callee for caller, callee in incident.edges if caller in reached}
    assert incident.cause in reached


def test_a_change_of_the_cause_comes_shortly_before_the_onset(incident: DemoIncident) -> None:
    ages = {event.entity.name: incident.onset - event.at for event in incident.events}
    assert 0 < ages[incident.cause.name] < 300
    assert [event.at for event in incident.events] == sorted(event.at for event in incident.events)


def test_the_payload_is_of_an_alert_that_has_begun_since_the_onset(incident: DemoIncident) -> None:
    payload = json.loads(json.dumps(incident.payload))
    assert payload["version"] == "4"
    assert payload["groupLabels"] == {"cluster": "demo", "namespace": "shop"}
    starts = {
        np.datetime64(alert["startsAt"].rstrip("Z")).astype("datetime64[s]").astype(float)
        for alert in payload["alerts"]
    }
    assert all(incident.onset < start < incident.times[-1] for start in starts)
    assert incident.cause.name not in json.dumps(payload)
