"""Two faults at once: each is there, each does what it does alone, and they are never about the same thing."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from brain_common.errors import ConfigError
from brain_lab.emit import alerts
from brain_lab.faults import combined
from brain_lab.faults import registry as faults
from brain_lab.faults.aim import Aim
from brain_lab.faults.protocol import Fault
from brain_lab.platforms import registry as platforms
from brain_lab.simulate import Recording, run
from tests.unit.lab_faults.worlds import LASTS, ONSET, SEEDS, START, built


def aim(platform: str, seed: int = 0) -> Aim:
    return Aim(built(platform), ONSET, seed, LASTS)


def played(name: str, platform: str) -> Recording:
    return run(built(platform), faults.make_all(name, aim(platform)), START, ONSET - START + LASTS, 1, decoys=False)


def alerting(recording: Recording) -> set[str]:
    return {name for one in alerts.episodes(recording) if (name := one.firing.labels.get("service"))}


@pytest.mark.parametrize(("name", "platform"), list(product(faults.combinations(), platforms.names())))
@pytest.mark.parametrize("seed", SEEDS)
def test_both_truths_are_there_and_about_different_things(name: str, platform: str, seed: int) -> None:
    made = faults.make_all(name, aim(platform, seed))
    truths = [fault.truth for fault in made]
    assert [truth.fault for truth in truths if truth] == name.split("+")
    assert len({truth.entity for truth in truths if truth}) == len(made)


@pytest.mark.parametrize("name", faults.combinations())
def test_both_are_noticed(name: str) -> None:
    recording = played(name, "automotive")
    assert len(recording.truth) == 2
    for truth in recording.truth:
        assert not truth.victims or alerting(recording) & {truth.entity.name, *truth.victims}


def test_a_combination_alerts_about_as_much_as_both_of_its_faults() -> None:
    both = alerting(played("terraform-failed-apply+mesh-certificate-expired", "automotive"))
    alone = [alerting(played(name, "automotive")) for name in ("terraform-failed-apply", "mesh-certificate-expired")]
    assert both >= alone[0] | alone[1]


def test_a_plain_name_is_one_fault() -> None:
    (made,) = faults.make_all("oom-kill", aim("healthcare"))
    assert made.truth == faults.make("oom-kill", aim("healthcare")).truth


def test_the_second_is_aimed_elsewhere_when_both_would_hit_the_same() -> None:
    lock = faults.make("database-lock", aim("healthcare")).truth
    assert lock is not None
    there = replace(aim("healthcare"), target=lock.entity.name)
    made = combined.together("database-read-spike+database-lock", there, faults.make)
    entities = [fault.truth.entity for fault in made if fault.truth]
    assert entities[0] == lock.entity
    assert entities[1] != lock.entity


def test_what_cannot_be_combined_is_refused() -> None:
    with pytest.raises(ConfigError, match="with itself"):
        faults.make_all("oom-kill+oom-kill", aim("finance"))
    with pytest.raises(ConfigError, match="'flood'"):
        faults.make_all("oom-kill+flood", aim("finance"))


def test_a_second_fault_that_finds_nothing_else_is_refused() -> None:
    def idle(_: str, wanted: Aim) -> Fault:
        return faults.make("idle-gpu", wanted)

    with pytest.raises(ConfigError, match="nothing for it but what is broken already"):
        combined.together("one+other", aim("automotive"), idle)
