"""What holds for every fault in the registry, on every platform that it fits."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest

from brain_common.errors import ConfigError
from brain_lab.emit import alerts
from brain_lab.emit.records import NANOS
from brain_lab.faults import registry as faults
from brain_lab.faults.aim import Aim
from brain_lab.platforms import registry as platforms
from brain_lab.simulate import TICK, Recording
from brain_lab.simulate.knobs import Knobs
from tests.unit.lab_faults.worlds import (
    LASTS,
    ONSET,
    SMALL_FIRST,
    START,
    Case,
    built,
    cases,
    deviation,
    deviations,
    fitting,
    network,
    played,
)

CHANGED_BEFORE = 3600.0
"""Seconds before the onset at which a change may have been made that breaks something later."""

NOTICED = 1.3
"""Times by which a series of the cause has to differ from the run without the fault."""

PROPOSALS = {"kubernetes", "config", "terraform", "argocd"}
OTHERS = ("events", "changes", "aws_calls", "cost", "logs")
"""What a truth may name as evidence besides metrics."""

each = pytest.mark.parametrize("case", cases(), ids=str)
each_played = pytest.mark.parametrize("case", played(), ids=str)
each_ending = pytest.mark.parametrize("case", [case for case in played() if case.ends], ids=str)


def turned(case: Case, at: float) -> dict[str, list[float]]:
    """All knobs that are not neutral at a moment."""
    knobs = Knobs(network(case.platform))
    arrays = {name: value for name, value in vars(knobs).items() if isinstance(value, np.ndarray)}
    neutral = {name: value.copy() for name, value in arrays.items()}
    case.first.apply(at, knobs)
    return {name: value.tolist() for name, value in arrays.items() if not np.array_equal(value, neutral[name])}


def about(case: Case, at: Callable[[float], bool]) -> int:
    """How many events, changes and calls the fault itself adds at such times."""
    made = case.first
    times = [
        *(event.first / NANOS for event in made.events),
        *(change.start / NANOS for change in made.changes),
        *(call.time / NANOS for call in made.aws_calls),
    ]
    return sum(at(time) for time in times)


def services_of(episodes: list[alerts.Episode]) -> set[str]:
    return {one.firing.labels["service"] for one in episodes if "service" in one.firing.labels}


@pytest.mark.parametrize("fault", faults.names())
def test_it_fits_a_platform_and_says_where_it_fits_none(fault: str) -> None:
    assert fitting(fault)
    for name in platforms.names():
        if name not in fitting(fault):
            with pytest.raises(ConfigError, match=f"{name} has no"):
                _ = Case(fault, name, 0).made


@pytest.mark.parametrize("fault", faults.names())
def test_a_target_that_it_cannot_hit_is_named(fault: str) -> None:
    what = built(fitting(fault)[0])
    with pytest.raises(ConfigError, match="target 'nobody'"):
        faults.make(fault, Aim(what, ONSET, target="nobody"))
    for some in (what.databases, what.caches, what.externals, what.topics, what.nodes, what.services):
        with suppress(ConfigError):
            assert faults.make(fault, Aim(what, ONSET, target=some[0].name)).truth is not None


@each
def test_it_is_the_same_each_time_it_is_made(case: Case) -> None:
    one, other = case.first, case.made
    assert (one.truth, one.events, one.changes, one.aws_calls) == (
        other.truth,
        other.events,
        other.changes,
        other.aws_calls,
    )
    early, late = turned(case, ONSET + 7.0), turned(case, ONSET + 200.0)
    assert (turned(replace(case), ONSET + 7.0), turned(case, ONSET + 200.0)) == (early, late)


@each
def test_its_truth_names_it_and_what_it_hit(case: Case) -> None:
    truth = case.truth
    assert (truth.fault, truth.onset) == (case.fault, ONSET)
    assert truth.entity.cluster == built(case.platform).cluster
    assert truth.kinds or truth.silent
    assert truth.proposal in PROPOSALS
    assert truth.fix


@each
def test_until_its_onset_it_leaves_everything_alone(case: Case) -> None:
    for at in (START, ONSET - 0.001):
        assert turned(case, at) == {}
    assert about(case, lambda time: time < ONSET - CHANGED_BEFORE) == 0
    assert all(event.first >= ONSET * NANOS for event in case.first.events)


@each
def test_something_of_it_is_there_after_its_onset(case: Case) -> None:
    assert turned(case, ONSET + 120.0) or about(case, lambda time: time >= ONSET - CHANGED_BEFORE)


@each
def test_it_is_over_after_its_end(case: Case) -> None:
    later = turned(case, ONSET + LASTS + 10.0)
    assert set(later) <= {"revision", "restart", "replace"}  # what a rollout left behind, and is well now


@each_played
def test_the_simulation_is_the_same_until_the_onset_and_another_after_it(case: Case) -> None:
    before = int((ONSET - START) / TICK) - 1
    during = before + int(LASTS / TICK)
    assert differing(case.recording, case.sound, 0, before) == set()
    assert differing(case.recording, case.sound, before, during) or case.truth.silent


def differing(one: Recording, other: Recording, first: int, last: int) -> set[str]:
    """Groups of states that differ in some rows."""
    groups = ("stations", "edges", "pods", "nodes", "topics", "fleets", "cluster")
    return {
        group
        for group in groups
        for name, values in getattr(one, group).items()
        if not np.array_equal(values[first:last], getattr(other, group)[name][first:last])
    }


@each_played
def test_alerts_come_after_the_onset_and_of_promises_unless_it_is_silent(case: Case) -> None:
    episodes = case.episodes
    assert episodes, case.truth.entity
    assert bool(services_of(episodes)) != case.truth.silent, f"{case.truth.entity}: {services_of(episodes)}"
    assert all(one.firing.since > ONSET for one in episodes)


@each_played
def test_alerts_are_about_those_that_depend_on_the_cause(case: Case) -> None:
    if case.truth.victims:
        assert services_of(case.episodes) <= {case.truth.entity.name, *case.truth.victims}


def test_most_alerts_are_about_others_than_the_cause() -> None:
    loud = [case for case in played() if not case.truth.silent]
    elsewhere = [case.truth.entity.name not in services_of(case.episodes) for case in loud]
    assert np.mean(elsewhere) >= 0.5


@each_played
def test_the_cause_deviates_where_its_truth_says_that_it_does(case: Case) -> None:
    for evidence in case.truth.evidence:
        assert shown(case, evidence), evidence
    if not case.truth.evidence:
        found = deviations(case)
        assert max(found.values(), default=1.0) > NOTICED, f"{case.truth.entity}: {found}"


def shown(case: Case, evidence: str) -> bool:
    """Whether there is such evidence after the onset that the run without the fault has not."""
    if evidence not in OTHERS:
        return deviation(case, evidence) > NOTICED
    if evidence in ("cost", "logs"):
        return True  # others write these from the states and the truth, and test them
    return len(getattr(case.recording, evidence)) > len(getattr(case.sound, evidence)) or bool(
        getattr(case.first, evidence)
    )


@each_ending
def test_all_is_well_again_after_its_end(case: Case) -> None:
    still = [one for one in case.episodes if one.until is None]
    assert services_of(still) == set()


def test_recovery_is_watched_of_every_fault() -> None:
    assert {case.fault for case in played() if case.ends} == set(faults.names())
    assert set(SMALL_FIRST) == set(platforms.names())
